"""Facts about the flags that a recipe takes beside those of every run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cm_script.documenting.wording import value
from cm_script.lint.universe import blocks, items, mapping
from cmcore.hints import Any


def inputs(meta: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row per flag; those with a `sort` first, the others in the order of the meta."""
    described = mapping(meta.get("input_description"))
    sources = dict(_sources(meta))
    names = dict.fromkeys([*map(str, described), *sources])
    defaults = mapping(meta.get("default_env"))
    rows = []
    for name in names:
        variable, scope = sources.get(name, ("", ""))
        given = described.get(name)
        info = given if isinstance(given, Mapping) else {"desc": given}
        default = info["default"] if "default" in info else defaults.get(variable)
        rows.append(
            {
                "flag": name,
                "variable": variable,
                "help": " ".join(value(info.get("desc")).split()),
                "default": value(default),
                "choices": [value(choice) for choice in items(info.get("choices"))],
                "boolean": info.get("boolean") is True,
                "only_with": scope,
                "sort": info["sort"] if isinstance(info.get("sort"), (int, float)) else None,
            }
        )
    rows.sort(key=lambda row: (row["sort"] is None, row["sort"] or 0))
    for row in rows:
        del row["sort"]
    return rows


def _sources(meta: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, str]]]:
    """`(flag, (variable, where it is known))`; what holds everywhere comes last and wins."""
    found = []
    for path, block in blocks(meta):
        if len(path) == 2:
            lead = "with _" if path[0] == "variations" else "with version "
            found += _mapped(block.get("input_mapping"), f"{lead}{path[1]}")
    docker = mapping(meta.get("docker"))
    for key in ("input_mapping", "docker_input_mapping"):
        found += _mapped(docker.get(key), "in a container")
    found += _mapped(meta.get("input_mapping"), "")
    order = list(dict.fromkeys([flag for flag, pair in reversed(found) if not pair[1]][::-1]))
    table = dict(found)
    for flag in [*order, *(flag for flag in table if flag not in order)]:
        yield flag, table[flag]


def _mapped(table: object, scope: str) -> list[tuple[str, tuple[str, str]]]:
    return [(str(flag), (value(variable), scope)) for flag, variable in mapping(table).items()]
