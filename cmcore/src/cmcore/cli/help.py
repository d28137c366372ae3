"""Help at every level, written from manifests: no plugin is imported for it.

The one exception is asked for by name: `cm help script "detect os"` goes to the plugin that owns
(script, help), because only it can explain an artifact.
"""

from __future__ import annotations

from cmcore.errors import UsageError
from cmcore.grammar import ALIASES, canonical_action
from cmcore.hints import TYPE_CHECKING, Any, Mapping, NamedTuple, Sequence
from cmcore.types import Request, Result

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.registry import Registry
    from cmcore.types import Action, Automation, Flag

_MOST_COLUMNS = 100

_LANGUAGE = "[ARTIFACT...] [--flags] [@file] [-- command]"

#: Flags that every command takes.
GENERAL_FLAGS = (
    ("--help, -h", "explain instead of acting"),
    ("--out=json", "print one JSON document on stdout, everything else on stderr"),
    ("--save_to_json=FILE", "write that document to a file"),
    ("--verbose, -v", "say more on stderr"),
    ("--silent, -s", "say less on stderr"),
    ("--quiet", "never ask, take the default"),
    ("--color=auto|always|never", "colours on a terminal; NO_COLOR is respected"),
    ("--no-plugins", "answer with the core alone"),
)


class Page(NamedTuple):
    """A page of help: usage line, paragraphs, and titled lists of (term, explanation)."""

    usage: str
    text: str
    lists: tuple[tuple[str, Sequence[tuple[str, str]]], ...] = ()
    examples: Sequence[str] = ()
    data: Mapping[str, Any] = {}  # noqa: RUF012 - never changed


def explain(ctx: Context, request: Request, *, short: bool = False) -> Result:
    """The page behind `... --help`; with `short` the few lines behind a bare `cm`."""
    if short:
        return Result({}, _short_usage())
    words = [w for w in (request.action, request.automation) if w]
    if request.action == "help" and ctx.registry.owner(request.automation, "help") is None:
        words = words[1:]
    return explain_words(ctx, [*words, *request.artifacts], request)


def explain_words(ctx: Context, words: Sequence[str], request: Request) -> Result:
    """The page for the words of a command line: verb and noun in either order, then an artifact.

    Raises:
        UsageError: no such verb or noun; names the nearest ones.
    """
    registry = ctx.registry
    for warning in registry.warnings():
        ctx.console.warn(warning)
    if not words:
        return _result(ctx, _top(registry))
    verb, noun, artifacts = _sort(registry, words)
    if noun and (artifacts or "tags" in request.flags):
        owner = registry.owner(noun.name, "help")
        if owner is not None:
            from cmcore.dispatch import carry_out

            asked = request._replace(
                action="help", automation=noun.name, artifacts=tuple(artifacts), command=None
            )
            return carry_out(ctx, owner, asked)
    if noun and verb:
        return _result(ctx, _action(registry, noun, verb))
    if noun:
        return _result(ctx, _noun(registry, noun))
    return _result(ctx, _command_or_verb(registry, verb))


def _sort(registry: Registry, words: Sequence[str]) -> tuple[str, Automation | None, Sequence[str]]:
    """(verb or command, noun, artifacts) of words that may begin with either."""
    first, rest = words[0], words[1:]
    commands = [command.name for command in registry.commands()]
    verb = canonical_action(first)
    if verb in commands and verb != "help":
        return verb, None, ()
    noun = registry.automation(first)
    if noun is not None:
        if rest and canonical_action(rest[0]) in _verbs_of(registry, noun):
            return canonical_action(rest[0]), noun, rest[1:]
        return "", noun, rest
    if rest:
        noun = registry.resolve(rest[0], verb).automation
        return verb, noun, rest[1:]
    if verb not in _verbs(registry):
        raise _unknown(registry, first)
    return verb, None, ()


def incomplete(registry: Registry, word: str) -> UsageError:
    """What to say of a command line that ends before its noun."""
    verb = canonical_action(word)
    nouns = [noun.name for noun, _ in _verbs(registry).get(verb, ())]
    if nouns:
        hint = f"try {', '.join(f'cm {word} {noun}' for noun in nouns)}"
        return UsageError(f"'cm {word}' needs an automation", hint=hint)
    if registry.automation(word):
        return UsageError(f"'{word}' is an automation, not an action", hint=f"try cm help {word}")
    return _unknown(registry, word)


def _unknown(registry: Registry, word: str) -> UsageError:
    from cmcore.naming import did_you_mean

    known = [command.name for command in registry.commands()]
    known += [*_verbs(registry), *ALIASES, *(noun.name for noun in registry.automations())]
    near = did_you_mean(word, [name.replace("_", "-") for name in known])
    hint = f"did you mean {' or '.join(near)}?" if near else "'cm --help' lists them"
    return UsageError(f"no action, automation or command '{word}'", hint=hint)


def _verbs_of(registry: Registry, noun: Automation) -> list[str]:
    return [action.name for action in registry.actions(noun.name)]


def _verbs(registry: Registry) -> dict[str, list[tuple[Automation, Action]]]:
    found: dict[str, list[tuple[Automation, Action]]] = {}
    for noun in registry.automations():
        for action in registry.actions(noun.name):
            found.setdefault(action.name, []).append((noun, action))
    return dict(sorted(found.items()))


def _spelled(name: str) -> str:
    return name.replace("_", "-")


def _with_aliases(verb: str) -> str:
    others = [alias for alias, name in ALIASES.items() if name == verb]
    return f"{_spelled(verb)} ({', '.join(others)})" if others else _spelled(verb)


def _top(registry: Registry) -> Page:
    nouns = [(noun.name, noun.help) for noun in registry.automations()]
    commands = [(_spelled(command.name), command.help) for command in registry.commands()]
    common: list[tuple[str, str]] = []
    special: list[tuple[Automation, Action]] = []
    for verb, claims in _verbs(registry).items():
        owner = next((n for n, _ in claims if _is_common(registry, n, verb)), None)
        if owner is not None:
            action = next(a for n, a in claims if n is owner)
            common.append((_with_aliases(verb), action.help))
        else:
            special += claims
    special.sort(key=lambda claim: claim[0].name)
    rows = [(f"{_spelled(action.name)} {noun.name}", action.help) for noun, action in special]
    examples = [example for _, action in special for example in action.examples[:1]]
    return Page(
        f"ACTION AUTOMATION {_LANGUAGE}",
        "Run, find and manage portable automation recipes and other artifacts.",
        (
            ("Automations", nouns),
            ("Actions", rows),
            ("Actions of every automation with artifacts", common),
            ("Commands", commands),
            ("Flags", GENERAL_FLAGS),
        ),
        (*examples[-3:], "cm plugins list"),
        {
            "automations": dict(nouns),
            "commands": dict(commands),
            "actions": dict(rows) | dict(common),
        },
    )


def _is_common(registry: Registry, noun: Automation, verb: str) -> bool:
    owner = registry.owner(noun.name, verb)
    return owner is not None and owner.common


def _command_or_verb(registry: Registry, name: str) -> Page:
    for command in registry.commands():
        if command.name == name:
            return _page(_spelled(name), command, "")
    claims = _verbs(registry)[name]
    rows = [(f"{_spelled(name)} {noun.name}", action.help) for noun, action in claims]
    return Page(
        f"{_spelled(name)} AUTOMATION {_LANGUAGE}",
        f"The action '{_with_aliases(name)}', by automation.",
        (("Automations", rows),),
        [example for _, action in claims for example in action.examples[:1]],
        {"automations": dict(rows)},
    )


def _noun(registry: Registry, noun: Automation) -> Page:
    actions = registry.actions(noun.name)
    rows = [(_with_aliases(action.name), action.help) for action in actions]
    return Page(
        f"ACTION {noun.name} {_LANGUAGE}",
        f"{noun.help}.",
        (("Actions", rows),),
        [example for action in actions for example in action.examples[:1]],
        {"automation": noun.name, "actions": {a.name: a.help for a in actions}},
    )


def _action(registry: Registry, noun: Automation, verb: str) -> Page:
    owner = registry.resolve(noun.name, verb)
    page = _page(f"{_spelled(verb)} {noun.name}", owner.action, noun.name)
    others = [alias for alias, name in ALIASES.items() if name == verb]
    notes = [page.text]
    if owner.action.open_flags:
        notes.append("Other flags are passed on to the artifact, which may know them.")
    if others:
        notes.append(f"Other spellings of the action: {', '.join(others)}.")
    notes.append(f"From {owner.provenance}.")
    return page._replace(text="\n\n".join(notes))


def _page(words: str, action: Action, noun: str) -> Page:
    flags = [(flag_text(flag), flag.help) for flag in action.flags]
    usage = " ".join(w for w in (words, action.usage, "[--flags]" if flags else "") if w)
    data = {
        "action": action.name,
        "automation": noun,
        "help": action.help,
        "usage": f"cm {usage}",
        "flags": {flag.name: {"help": flag.help, "value": flag.value} for flag in action.flags},
        "examples": list(action.examples),
    }
    lists = (("Flags", flags),) if flags else ()
    return Page(usage, f"{action.help}.", lists, action.examples, data)


def flag_text(flag: Flag) -> str:
    """`--k`, `--k=VALUE`, or `--k.NAME=VALUE` for a group (whose value is written NAME=VALUE)."""
    if not flag.value:
        return f"--{flag.name}"
    return f"--{flag.name}{'.' if '=' in flag.value else '='}{flag.value}"


def _result(ctx: Context, page: Page) -> Result:
    return Result(page.data, _render(page, ctx))


def _render(page: Page, ctx: Context) -> str:
    from cmcore.cli import layout

    bold = ctx.console.bold
    width = min(ctx.console.width() or 80, _MOST_COLUMNS)
    lines = [*layout.usage(page.usage, width, shown=bold("Usage:"))]
    for paragraph in page.text.split("\n\n"):
        lines += ["", *layout.paragraph(paragraph, width)]
    for title, rows in page.lists:
        if rows:
            lines += ["", f"{bold(title)}:", *layout.rows(rows, width)]
    if page.examples:
        lines += ["", f"{bold('Examples')}:", *(f"  {example}" for example in page.examples)]
    return "\n".join([*lines, ""])


def _short_usage() -> str:
    return (
        f"Usage: cm ACTION AUTOMATION {_LANGUAGE}\n"
        "Try 'cm --help', 'cm help AUTOMATION' or 'cm ACTION AUTOMATION --help'."
    )
