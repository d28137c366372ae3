"""One recipe on a terminal: `cm help script`, `cm show script`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cm_script.documenting.effects import details, needed, summary
from cm_script.documenting.facts import flag_text, variation_named
from cm_script.documenting.folder import hook_time
from cm_script.documenting.lines import Lines, joined
from cm_script.documenting.needs import KINDS
from cm_script.documenting.wording import counted
from cm_script.query import variation_tag
from cmcore.hints import Any

_DIALECTS = {"cm": "CM", "mlc": "MLCFlow"}
#: How many of each kind are shown before the rest is folded.
_INPUTS, _GROUPS, _MEMBERS, _DEPS, _KEYS, _VERSIONS = 12, 12, 12, 12, 16, 12
#: Characters of a container setting.
_LONG = 160


def draw(
    found: Mapping[str, Any],
    asked: Sequence[str],
    width: int | None,
    bold: Callable[[str], str] = str,
    *,
    elsewhere: Sequence[str] = (),
    everything: bool = False,
) -> str:
    """A recipe as text.

    Args:
        found: its description, see `facts`.
        asked: variations to explain in detail; those that they switch on are listed.
        width: columns of the terminal; None does not wrap.
        bold: makes headings stand out.
        elsewhere: names under which other collections have it.
        everything: fold nothing, and explain every variation.
    """
    lines = Lines(width, bold, everything=everything)
    _head(lines, found, elsewhere)
    _examples(lines, found)
    _inputs(lines, found)
    if asked:
        _asked(lines, found, asked)
    _variations(lines, found, everything)
    _versions(lines, found)
    _deps(lines, found)
    _env(lines, found)
    _outputs(lines, found)
    _docker(lines, found)
    _code(lines, found)
    text = str(lines)
    return f"{text}\n\n--all shows everything." if lines.folded else text


def _head(lines: Lines, found: Mapping[str, Any], elsewhere: Sequence[str]) -> None:
    lines.heading(found["alias"] or found["uid"], found["name"])
    cache = found["cache"]
    if cache["cached"]:
        cached = "yes" + (f", for {cache['expires']}" if cache["expires"] else "")
    else:
        cached = "with --force_cache" if cache["on_request"] else "no"
    rows = [
        ("tags", " ".join(found["tags"])),
        ("category", found["category"]),
        ("dialect", _DIALECTS[found["dialect"]]),
        ("collection", found["collection"]),
        ("also in", ", ".join(elsewhere)),
        ("UID", found["uid"]),
        ("folder", found["path"]),
        ("result cached", cached),
        ("private", "yes" if found["private"] else ""),
        ("warning", joined(found["warnings"])),
        ("more to read", " ".join(found["more"])),
    ]
    for term, text in rows:
        if text:
            lines.item(term, text, term_width=13)


def _examples(lines: Lines, found: Mapping[str, Any]) -> None:
    lines.heading("Examples")
    for example in found["examples"]:
        lines.text(example["command"])


def _inputs(lines: Lines, found: Mapping[str, Any]) -> None:
    if not found["inputs"]:
        return
    lines.heading("Flags", "beside those of every run, which cm help run script lists")
    rows = []
    for row in found["inputs"]:
        scope = f"only {row['only_with']}" if row["only_with"] else ""
        choices = "one of " + ", ".join(row["choices"]) if row["choices"] else ""
        default = f"default {row['default']}" if row["default"] else ""
        sets = f"sets {row['variable']}" if row["variable"] else ""
        rows.append((flag_text(row), joined((row["help"], choices, default, scope, sets))))
    lines.items(rows, _INPUTS, "flags")


def _asked(lines: Lines, found: Mapping[str, Any], asked: Sequence[str]) -> None:
    lines.heading("Variations asked for")
    for row in variation_named(found, asked):
        lines.item(variation_tag(row["name"]), "; ".join(details(row)) or "no effect", term_width=0)
    switched = found.get("switched_on", [])
    if switched:
        lines.item("all that are on", " ".join(map(variation_tag, switched)), term_width=15)


def _variations(lines: Lines, found: Mapping[str, Any], everything: bool) -> None:
    table = found["variations"]
    if not table:
        return
    lines.heading("Variations", "* is on by default; of a group one is chosen")
    on = set(found["default_variations"])
    combined = [v for v in table if v["combines"]]
    single = [v for v in table if not v["combines"]]
    sections = [
        (g["name"], [v for v in single if v["group"] == g["name"]]) for g in found["groups"]
    ]
    sections.append(("any of", [v for v in single if not v["group"]]))
    sections = [(name, rows) for name, rows in sections if rows]
    width = min(max((len(name) for name, _ in sections), default=0), 24)
    shown = sections if everything or len(sections) <= _GROUPS + 1 else sections[:_GROUPS]
    for name, rows in shown:
        rows = sorted(rows, key=lambda v: v["name"] not in on)
        if everything:
            lines.text(name + ":")
            pairs = [(_marked(v, on), summary(v)) for v in rows]
            lines.items(pairs, len(pairs), "variations", level=2)
        else:
            lines.words(name, [_marked(v, on) for v in rows], _MEMBERS, term_width=width)
    if len(shown) < len(sections):
        lines.folded = True
        lines.text(f"... and {len(sections) - len(shown)} more groups")
    if everything and combined:
        lines.text("combinations, which count when all their parts are on:")
        lines.items([(_marked(v, on), summary(v)) for v in combined], len(combined), "", level=2)
    elif combined:
        lines.folded = True
        lines.text(f"and special settings for {counted(len(combined), 'combination')} of them")
    if found["default_variations"]:
        names = " ".join(map(variation_tag, found["default_variations"]))
        lines.item("default", names, term_width=max(width, len("default")))
    for key, lead in (("valid", "these go together"), ("invalid", "these do not go together")):
        rows = [" ".join(map(variation_tag, names)) for names in found[f"{key}_combinations"]]
        if rows:
            lines.text(lead + ":")
            lines.items([(row, "") for row in rows], 4, "combinations", level=2)
    if not everything:
        name = next((v["name"] for v in table if not v["dynamic"]), table[0]["name"])
        words = f"{found['words']} {variation_tag(name)}"
        lines.text(f'what one does: cm help script "{words}"')


def _marked(row: Mapping[str, Any], on: set[str]) -> str:
    if row["combines"]:
        return ",".join(map(variation_tag, row["combines"]))
    alias = f"(={variation_tag(row['alias'])})" if row["alias"] else ""
    star = "*" if row["name"] in on or row["default"] else ""
    return f"{variation_tag(row['name'])}{star}{alias}"


def _versions(lines: Lines, found: Mapping[str, Any]) -> None:
    versions = found["versions"]
    if not (versions["default"] or versions["known"] or versions["limits"]):
        return
    lines.heading("Versions")
    if versions["default"]:
        lines.item("default", versions["default"], term_width=7)
    for key, limit in versions["limits"].items():
        lines.item(key, limit, term_width=7)
    if versions["known"]:
        names = [entry["version"] for entry in versions["known"]]
        lines.words("known", names, _VERSIONS, term_width=7)


def _deps(lines: Lines, found: Mapping[str, Any]) -> None:
    deps = found["deps"]
    if not deps:
        return
    lines.heading("Depends on", "each a run of its own, in this order")
    left = len(deps) if lines.everything else _DEPS
    for kind, words in KINDS.items():
        rows = [dep for dep in deps if dep["kind"] == kind]
        if not rows or left <= 0:
            continue
        lines.text(words + ":")
        lines.items([(dep["tags"], needed(dep)) for dep in rows], left, "dependencies", level=2)
        left -= len(rows)
    if left < 0:
        lines.folded = True
    names = [name for dep in deps for name in dep["names"]]
    if names:
        lines.text(f"a name changes one: --adr.{names[0]}.tags=_x, --adr.{names[0]}.version=1.2")


def _env(lines: Lines, found: Mapping[str, Any]) -> None:
    env = found["env"]
    rows = [(key, text or "(empty)") for key, text in env["defaults"].items()]
    rows += [(key, joined((text or "(empty)", "always"), ", ")) for key, text in env["set"].items()]
    if rows:
        lines.heading("Variables it sets", "--env.NAME=VALUE changes a default")
        lines.items(rows, _KEYS, "variables")


def _outputs(lines: Lines, found: Mapping[str, Any]) -> None:
    outputs = found["outputs"]
    if not any(outputs.values()):
        return
    lines.heading("Gives back")
    if outputs["env"]:
        lines.words("variables", outputs["env"], _KEYS, term_width=9)
    if outputs["state"]:
        lines.words("state", outputs["state"], _KEYS, term_width=9)
    if outputs["printed"]:
        texts = [
            f"{label} ({key})" if label not in ("", key) else key
            for key, label in outputs["printed"].items()
        ]
        lines.item("printed", ", ".join(texts), term_width=9)


def _docker(lines: Lines, found: Mapping[str, Any]) -> None:
    docker = found["docker"]
    if docker["run"] and docker["real_run"] and not docker["settings"]:
        return
    lines.heading("In a container")
    if not docker["run"]:
        lines.text("it is left out")
    elif not docker["real_run"]:
        lines.text("its own steps are left out, its dependencies run")
    rows = []
    for key, text in docker["settings"].items():
        if len(text) > _LONG and not lines.everything:
            lines.folded = True
            text = text[:_LONG].rstrip() + " ..."
        rows.append((key, text))
    lines.items(rows, _KEYS, "settings")


def _code(lines: Lines, found: Mapping[str, Any]) -> None:
    if not (found["hooks"] or found["scripts"]):
        return
    lines.heading("Its own code")
    rows = [(f"{name}()", f"customize.py, {hook_time(name)}") for name in found["hooks"]]
    rows += [(row["file"], row["system"]) for row in found["scripts"]]
    lines.items(rows, _KEYS, "scripts")
    if found["tests"]:
        name = found["alias"] or found["uid"]
        lines.text(f"{counted(found['tests'], 'test')}: cm test script {name}")
