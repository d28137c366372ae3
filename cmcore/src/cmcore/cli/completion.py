"""What fits at the cursor: verbs, nouns, flags, and the words that artifacts are known by.

`cm __complete SHELL ...` is called by the scripts of `cmcore.cli.shells` and prints one candidate
a line, for zsh and fish with an explanation behind a tab. Exit code 1 says that nothing of the
language fits, so the shell may offer file names.
"""

from __future__ import annotations

import sys

from cmcore import grammar
from cmcore.hints import TYPE_CHECKING, Iterable, Sequence

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.types import Action

#: What the short commands stand for.
_PREFIXES = {"cmr": ("run", "script"), "cmrd": ("docker", "script")}

#: (word, explanation)
Candidates = list[tuple[str, str]]


def complete(argv: Sequence[str]) -> int:
    """Answer `cm __complete SHELL ...`.

    Args:
        argv: `bash LINE WORD`: the line up to the cursor, and the part of its last word that bash
            will replace; or `zsh|fish WORD... INCOMPLETE`, where only fish's last word is quoted.
    """
    from cmcore.console import Console
    from cmcore.context import Context

    shell, *words = argv or ("",)
    quote = ""
    if not words or (shell == "bash" and len(words) != 2):
        return 1  # not called by one of our scripts
    if shell == "bash":
        line, replaced = words
        words, quote = split_line(line)
    elif shell == "fish":
        words[-1] = (split_line(words[-1])[0] or [""])[-1]
    program, *words = words
    words[:0] = _PREFIXES.get(program.rpartition("/")[2], ())
    ctx = Context(console=Console(verbosity=-1, interactive=False))
    try:
        found = candidates(ctx, words[:-1], words[-1])
    except Exception:  # noqa: BLE001 - a word is being typed; no message would be read
        found = []
    for word, text in dict(found).items():
        if shell == "bash":
            print(_for_bash(word, words[-1], replaced, quote))  # noqa: T201 - the shell reads it
        else:
            print(f"{word}\t{text}" if text else word)  # noqa: T201 - the shell reads it
    sys.stdout.flush()
    return 0 if found else 1


def candidates(ctx: Context, words: Sequence[str], incomplete: str) -> Candidates:
    """What may stand for the incomplete word after `words`; all begin with it.

    Raises:
        CmError: the words before it make no sense.
    """
    if "--" in words:
        return []
    if incomplete.startswith("@"):
        return [(f"@{path}", "") for path in _input_files(incomplete[1:])]
    bare = [word for word in words if not word.startswith(("-", "@"))]
    if incomplete.startswith("-"):
        found = _flags(ctx, words, bare, incomplete)
    elif not bare:
        found = _verbs(ctx, incomplete)
    elif len(bare) == 1:
        found = _nouns(ctx, grammar.canonical_action(bare[0]))
    else:
        found = _artifacts(ctx, words, bare, incomplete)
    return sorted({word: text for word, text in found if word.startswith(incomplete)}.items())


def _verbs(ctx: Context, incomplete: str) -> Candidates:
    registry = ctx.registry
    found = {
        action.name.replace("_", "-"): action.help
        for noun in registry.automations()
        for action in registry.actions(noun.name)
    }
    if incomplete:  # other spellings only for those who begin to type one
        found.update({w: found.get(verb, "") for w, verb in grammar.ALIASES.items()})
    found.update({c.name.replace("_", "-"): c.help for c in registry.commands()})
    return list(found.items())


def _nouns(ctx: Context, verb: str) -> Candidates:
    registry = ctx.registry
    nouns = registry.automations()
    fitting = [(n.name, n.help) for n in nouns if registry.owner(n.name, verb)]
    for command in registry.commands():
        if command.name == verb:
            fitting += [(word, "") for word in sub_commands(command)]
    if verb == "help":
        fitting += [(noun.name, noun.help) for noun in nouns] + _verbs(ctx, "")
    if registry.automation(verb):  # `cm script --help`
        return []
    return fitting


def sub_commands(command: Action) -> list[str]:
    """The words that a command's usage begins with: `list | why NAME` -> list, why."""
    ways = command.usage.strip("[]").split("|")
    words = [way.split()[0] for way in ways if way.strip()]
    return [word for word in words if word.isalpha() and word.islower()]


def _flags(ctx: Context, words: Sequence[str], bare: Sequence[str], incomplete: str) -> Candidates:
    from cmcore.cli.help import GENERAL_FLAGS, flag_text

    owner = ctx.registry.owner(bare[1], grammar.canonical_action(bare[0])) if bare[1:] else None
    known = [] if owner is None else [(flag_text(f), f.help) for f in owner.action.flags]
    known += [(spelling.split(",")[0], text) for spelling, text in GENERAL_FLAGS]
    key, equals, value = incomplete.partition("=")
    if equals:
        if key.strip("-,") == "tags" and bare[1:]:
            found = _artifacts(ctx, words, bare, value)
        else:
            found = [(one, "") for one in _values(known, key.lstrip("-"))]
        return [(f"{key}={word}", text) for word, text in found]
    dashes = "--" if incomplete.startswith("--") or incomplete == "-" else "-"
    given = {word.partition("=")[0] for word in words}
    offered: Candidates = []
    for spelling, text in known:
        name, equals, value = spelling[2:].partition("=")
        if "." in name:  # `--env.NAME=VALUE`: the name is the user's
            name, equals = name[: name.index(".") + 1], ""
        elif value and value.islower() and "|" not in value:  # the only value, as in `--out=json`
            equals += value
        if dashes + name not in given:
            offered.append((dashes + name + equals, text))
    return offered


def _values(known: Candidates, name: str) -> list[str]:
    """What `--name=` may be, where its flag lists it: `--name=one|other`."""
    for spelling, _ in known:
        flag, _, value = spelling[2:].partition("=")
        if flag == name and value.islower():
            return value.split("|")
    return []


def _artifacts(
    ctx: Context, words: Sequence[str], bare: Sequence[str], incomplete: str
) -> Candidates:
    """Names and tags of artifacts; of several words or tags in one, the last is completed."""
    verb, noun = grammar.canonical_action(bare[0]), bare[1]
    if verb == "help":
        verb, noun = ("help", bare[1]) if len(bare) == 2 else (bare[1], bare[2])
        if not ctx.registry.automation(noun):
            return _nouns(ctx, noun)
    for command in ctx.registry.commands():
        if command.name == verb and verb != "help":
            return _command_words(ctx, verb, noun)
    cut = max(incomplete.rfind(" "), incomplete.rfind(",")) + 1
    head, last = incomplete[:cut], incomplete[cut:]
    request = grammar.parse([word for word in words if not word.startswith("@")]).request
    known = [*ctx.index.completions(noun, last), *ctx.index.all_tags(noun)]
    found = [(head + word, "") for word in known]
    # Plugins see the words of a query as a list of tags, however they are separated.
    query = incomplete.replace(" ", ",")
    for word in ctx.manager.complete(ctx, request, query):
        if word.startswith(query):
            found.append((head + word[cut:], ""))
    return found


def _command_words(ctx: Context, command: str, word: str) -> Candidates:
    if command == "config" and word in ("get", "set", "unset"):
        return [(name, setting.help) for name, setting in ctx.settings.known().items()]
    if command == "plugins" and word in ("why", "verify"):
        states = ctx.registry.plugins()
        return [(s.candidate.dist, s.manifest.summary if s.manifest else "") for s in states]
    return []


def _input_files(prefix: str) -> Iterable[str]:
    import os

    folder, name = os.path.split(prefix)
    try:
        with os.scandir(os.path.expanduser(folder) or ".") as entries:
            for entry in sorted(entries, key=lambda e: e.name):
                path = os.path.join(folder, entry.name)
                if not entry.name.startswith(name):
                    continue
                if entry.is_dir():
                    yield path + "/"
                elif entry.name.endswith((".json", ".yaml", ".yml")):
                    yield path
    except OSError:
        return


def split_line(line: str) -> tuple[list[str], str]:
    """The words of a shell line whose last one is being typed, and the quote it stands in.

    An end in blank space begins a new, empty word. Nothing is expanded.
    """
    words: list[str] = []
    word, inside, quote = "", False, ""
    chars = iter(line)
    for char in chars:
        if char == "\\" and quote != "'":
            following = next(chars, "")
            if quote and following not in '"\\$`':
                word += char
            word, inside = word + following, True
        elif quote:
            if char == quote:
                quote = ""
            else:
                word += char
        elif char in "'\"":
            quote, inside = char, True
        elif char.isspace():
            if inside:
                words.append(word)
            word, inside = "", False
        else:
            word, inside = word + char, True
    words.append(word)
    return words, quote


def _for_bash(word: str, incomplete: str, replaced: str, quote: str) -> str:
    """The part of a candidate that bash puts in place of `replaced`.

    Bash breaks words at `=` and `:` and replaces only what is behind.
    """
    kept = len(incomplete) - len(split_line(quote + replaced)[0][-1] if replaced else "")
    rest = word[max(kept, 0) :]
    if quote:
        return rest.replace(quote, "'\\''" if quote == "'" else f"\\{quote}")
    return "".join(c if c.isalnum() or c in "-_./,=:+@%^" else "\\" + c for c in rest)
