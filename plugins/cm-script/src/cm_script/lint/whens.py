"""Checks of conditions: those that can never hold, or always do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cm_script.conditions import falsy, truthy
from cm_script.lint.findings import Path, Report
from cm_script.lint.universe import EDITS, blocks, dependencies, entries, mapping

_ENABLE = ("enable_if_env", "enable_if_any_env")
_KINDS = (*_ENABLE, "skip_if_env", "skip_if_any_env")


def check(meta: Mapping[str, Any], report: Report) -> None:
    """Check every condition of a recipe."""
    for path, entry in _conditional(meta):
        for kind in _KINDS:
            _values(mapping(entry.get(kind)), (*path, kind), report, kind)
        _contradiction(entry, path, report)


def _conditional(meta: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for path, block in blocks(meta):
        if "update_meta_if_env" in path:
            yield path, block
        for place, dep in dependencies(block):
            yield (*path, *place), dep
            for at, entry in entries(dep.get("update_meta_if_env")):
                yield (*path, *place, "update_meta_if_env", at), entry
        for kind in EDITS:
            for name, change in mapping(block.get(kind)).items():
                yield (*path, kind, name), mapping(change)


def _values(spec: Mapping[str, Any], path: Path, report: Report, kind: str) -> None:
    for key, values in spec.items():
        here = (*path, key)
        if isinstance(values, dict):
            continue  # a wrong type, which the schema check reports
        if not isinstance(values, list):
            if report.document.form == "cm":
                report.add(
                    "note",
                    "condition-as-value",
                    here,
                    f"{key} is compared with a value instead of a list, which CM's own engine "
                    "never finds true",
                    f"write [{_written(values)}]",
                )
            continue
        texts = [str(value) for value in values]
        # A variable is compared without the blanks around it.
        dead = [text for text in texts if text != text.strip()]
        if not texts or len(dead) == len(texts):
            never = "is never needed" if kind in _ENABLE else "never counts"
            report.add(
                "warning",
                "dead-condition",
                here,
                f"no value of {key} fits, so that what stands here {never}",
                "list values, without blanks around them",
            )


def _contradiction(entry: Mapping[str, Any], path: Path, report: Report) -> None:
    """What enables an entry also skips it."""
    skips: list[tuple[str, str, Any]] = []
    alone = mapping(entry.get("skip_if_env"))
    if len(alone) == 1:
        skips += [("skip_if_env", key, values) for key, values in alone.items()]
    anyof = mapping(entry.get("skip_if_any_env"))
    skips += [("skip_if_any_env", key, values) for key, values in anyof.items()]
    wanted = mapping(entry.get("enable_if_env"))
    for kind, key, values in skips:
        if key not in wanted:
            continue
        enables, ends = _words(wanted[key]), _words(values)
        if enables and all(_covered(word, ends) for word in enables):
            report.add(
                "warning",
                "dead-condition",
                (*path, kind, key),
                f"never used: enable_if_env needs {key} to be {' or '.join(sorted(enables))}, "
                f"which {kind} rules out",
                "remove one of the two conditions",
            )


def _covered(word: str, ends: set[str]) -> bool:
    """Whether every value that satisfies `word` also satisfies one of `ends`."""
    if any(truthy(end) for end in ends):
        return bool(word) and not falsy(word)
    if any(falsy(end) for end in ends):
        return falsy(word) or not word
    return word in ends and not truthy(word) and not falsy(word)


def _words(values: object) -> set[str]:
    return {str(v).lower() for v in (values if isinstance(values, list) else [values])}


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)
