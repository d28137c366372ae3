"""What a variation, a version or a dependency amounts to, as Markdown for a cell of a table."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from cm_script.documenting.markdown import code, escape, link
from cm_script.documenting.wording import version_limits
from cm_script.query import variation_tag
from cmcore.hints import Any

#: `folder of a recipe -> address of its page`, "" when it has none.
Href = Callable[[str], str]

BREAK = "<br>"
#: Facts that a cell shows before the others are folded.
_SHOWN = 8
_VARIABLE = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Za-z0-9]+)+\b")


def tags(names: Sequence[str]) -> str:
    """Variations as they are asked for."""
    return " ".join(code(variation_tag(name)) for name in names)


def variables(table: Mapping[str, str], remark: str = "") -> list[str]:
    """`NAME=value`, one a text."""
    end = f" {remark}" if remark else ""
    return [code(f"{key}={text}") + end for key, text in table.items()]


def recipe(dep: Mapping[str, Any], href: Href) -> str:
    """The recipes that a dependency may be, as links where they have a page."""
    found = [dep["recipe"], *dep["others"]] if dep["recipe"] else []
    return BREAK.join(_linked(target, href) for target in found)


def _linked(target: Mapping[str, str], href: Href) -> str:
    name = escape(target["alias"] or target["uid"])
    address = href(target["path"])
    return link(name, address) if address else name


def conditions(dep: Mapping[str, Any]) -> str:
    """When a dependency runs, and in which version."""
    more = " ".join(code(tag) for tag in dep["tags_from_env"])
    parts = [
        _sentence(dep["when"]),
        escape(version_limits(dep["version"])),
        f"tags from variables: {more}" if more else "",
        "with the variations of this recipe" if dep["inherits_variations"] else "",
        *variables(dep["env"]),
    ]
    return BREAK.join(part for part in parts if part)


def needed(dep: Mapping[str, Any], href: Href) -> str:
    """A dependency in one text."""
    target = recipe(dep, href).replace(BREAK, " or ")
    more = conditions(dep).replace(BREAK, ", ")
    return code(dep["tags"]) + (f" ({target})" if target else "") + (f" {more}" if more else "")


def effect(row: Mapping[str, Any], href: Href) -> str:
    """Everything that a variation or a version changes; see `variants.effect`."""
    parts = []
    if row.get("alias"):
        parts.append(f"the same as {tags([row['alias']])}")
    if row.get("bases"):
        parts.append(f"switches on {tags(row['bases'])}")
    for group, name in (row.get("default_variations") or {}).items():
        parts.append(f"makes {tags([name])} the default of {escape(group)}")
    if row.get("default_version"):
        parts.append(f"default version {code(row['default_version'])}")
    if row.get("script"):
        parts.append(f"runs {code(row['script'])}")
    if row.get("disk_mb"):
        parts.append(f"needs {escape(row['disk_mb'])} MB of disk")
    parts += variables(row["env"])
    parts += variables(row["default_env"], "unless set")
    parts += [f"needs {needed(dep, href)}" for dep in row["deps"]]
    for name, change in row["changes"].items():
        told = ", ".join(f"{escape(key)} {code(text)}" for key, text in change.items())
        parts.append(f"changes dependency {code(name)}" + (f": {told}" if told else ""))
    if row["new_env_keys"]:
        parts.append("gives " + " ".join(map(code, row["new_env_keys"])))
    if row["docker"]:
        told = ", ".join(f"{escape(k)} {code(v)}" for k, v in row["docker"].items())
        parts.append(f"container: {told}")
    parts += [f"other settings {_sentence(text)}" for text in row["conditional"]]
    if len(parts) <= _SHOWN + 1:
        return BREAK.join(parts)
    rest = f"<details><summary>and {len(parts) - _SHOWN} more</summary>"
    return BREAK.join(parts[:_SHOWN]) + rest + BREAK.join(parts[_SHOWN:]) + "</details>"


def _sentence(text: str) -> str:
    """A condition, the variables in it as code."""
    parts, at = [], 0
    for found in _VARIABLE.finditer(text):
        parts += [_escaped(text[at : found.start()]), code(found[0])]
        at = found.end()
    return "".join(parts) + _escaped(text[at:])


def _escaped(text: str) -> str:
    return " " * text.startswith(" ") + escape(text) + " " * (text.endswith(" ") and len(text) > 1)
