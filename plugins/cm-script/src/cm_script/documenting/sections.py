"""The larger parts of a recipe's README: variations, versions, dependencies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cm_script.documenting import cells
from cm_script.documenting.markdown import code, escape, folded, link, table
from cm_script.documenting.needs import KINDS
from cm_script.documenting.wording import counted
from cm_script.query import variation_tag
from cmcore.hints import Any

#: Rows of a table that is shown as it stands; a longer one is folded.
_ROWS = 12


def maybe_folded(summary: str, rows: Sequence[object], lines: list[str]) -> list[str]:
    """The lines of a table, behind a summary when it has many rows."""
    return folded(summary, lines) if len(rows) > _ROWS else lines


def variations(found: Mapping[str, Any], href: cells.Href) -> list[str]:
    variations = found["variations"]
    if not variations:
        return []
    words, on = found["words"], set(found["default_variations"])
    sample = f"{words} {variation_tag(variations[0]['name'].split(',')[0])}"
    lines = [f"Variations are asked for among the tags, for example {code(sample)}."]
    if found["default_variations"]:
        lines.append(f"On by default: {cells.tags(found['default_variations'])}.")
    if any(v["dynamic"] for v in variations):
        lines.append(f"A value takes the place of {code('#')}.")
    lines = [" ".join(lines)]
    single = [v for v in variations if not v["combines"]]
    combined = [v for v in variations if v["combines"]]
    parts = {part for v in combined for part in v["combines"]}
    for group in found["groups"]:
        rows = [v for v in single if v["group"] == group["name"]]
        if not rows:  # combinations have their own place
            continue
        note = "One of these" + (
            f"; {cells.tags([group['default']])} by default." if group["default"] else "."
        )
        lines += [
            "",
            f"### Group {escape(group['name'])}",
            "",
            note,
            "",
            *_variants(rows, on, parts, href),
        ]
    rows = [v for v in single if not v["group"]]
    if rows:
        title = "Others" if found["groups"] else "All of them"
        lines += [
            "",
            f"### {title}",
            "",
            "Any number of these.",
            "",
            *_variants(rows, on, parts, href),
        ]
    if combined:
        told = "These settings count when all the variations of a row are on."
        lines += ["", "### Combinations", "", told, "", *_variants(combined, on, set(), href)]
    for key, words in (
        ("valid", "Only these go together"),
        ("invalid", "These do not go together"),
    ):
        sets = found[f"{key}_combinations"]
        if sets:
            lines += ["", f"{words}:", "", *(f"- {cells.tags(names)}" for names in sets)]
    return lines


def _variants(
    rows: Sequence[Mapping[str, Any]], on: set[str], parts: set[str], href: cells.Href
) -> list[str]:
    """A table of variations; `parts` are those that combinations are made of."""
    told = []
    for row in rows:
        name = cells.tags(row["combines"] or [row["name"]])
        default = " (default)" if row["name"] in on else ""
        effect = cells.effect(row, href)
        if not effect and row["name"] in parts:
            effect = "see " + link("combinations", "#combinations")
        told.append((name + default, effect))
    lines = table(("variation", "what it does"), told)
    noun = "combination" if rows[0]["combines"] else "variation"
    return maybe_folded(counted(len(rows), noun), rows, lines)


def versions(found: Mapping[str, Any], href: cells.Href) -> list[str]:
    versions = found["versions"]
    lines = []
    if versions["default"]:
        lines.append(f"Without `--version` it is {code(versions['default'])}.")
    limits = [f"{escape(key)} {code(text)}" for key, text in versions["limits"].items()]
    if limits:
        lines.append("Limits: " + ", ".join(limits) + ".")
    lines = [" ".join(lines)] if lines else []
    known = versions["known"]
    if known:
        rows = [(code(entry["version"]), cells.effect(entry, href)) for entry in known]
        told = table(("version", "what it does"), rows)
        lines += [
            *([""] if lines else []),
            *maybe_folded(counted(len(rows), "version"), rows, told),
        ]
    return lines


def dependencies(found: Mapping[str, Any], href: cells.Href) -> list[str]:
    deps = found["deps"]
    if not deps:
        return []
    lines = ["Each is a run of its own, in this order."]
    names = [name for dep in deps for name in dep["names"]]
    if names:
        lines[0] += (
            " A name changes one from the command line:"
            f" {code(f'--adr.{names[0]}.tags=_x')}, {code(f'--adr.{names[0]}.version=1.2')}."
        )
    for kind, words in KINDS.items():
        rows = [
            (
                code(dep["tags"]),
                cells.recipe(dep, href),
                cells.conditions(dep),
                " ".join(map(code, dep["names"])),
            )
            for dep in deps
            if dep["kind"] == kind
        ]
        if rows:
            told = table(("asked for", "recipe", "when and how", "names"), rows)
            lines += ["", f"{words[0].upper()}{words[1:]}:", "", *told]
    return lines
