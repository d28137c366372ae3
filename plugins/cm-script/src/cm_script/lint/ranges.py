"""Checks of versions: limits that no version meets, numbers that were meant as versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cm_script.dialects import for_form
from cm_script.lint.findings import Path, Report
from cm_script.lint.universe import EDITS, blocks, dependencies, entries, mapping
from cm_script.versions import KEYS, compare, text


def check(meta: Mapping[str, Any], report: Report) -> None:
    """Check every place of a recipe that may ask for a version."""
    for path, entry in _asking(meta):
        _limits(entry, path, report)
        for key in (*KEYS, "default_version"):
            if isinstance(entry.get(key), float):
                report.add(
                    "note",
                    "version-as-number",
                    (*path, key),
                    f"{key} {entry[key]} is a number, of which 3.10 and 3.1 are the same",
                    f'write "{entry[key]}" in quotes',
                )


def _asking(meta: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for path, block in blocks(meta):
        yield path, block
        for place, dep in dependencies(block):
            yield (*path, *place), dep
        for kind in EDITS:
            for name, change in mapping(block.get(kind)).items():
                yield (*path, kind, name), mapping(change)
    for at, entry in entries(mapping(meta.get("tests")).get("run_inputs")):
        yield ("tests", "run_inputs", at), entry


def _limits(entry: Mapping[str, Any], path: Path, report: Report) -> None:
    dialect = for_form(report.document.form)
    said = {key: text(entry.get(key)) for key in (*KEYS, "default_version")}
    known = {key: value for key, value in said.items() if _is_known(value)}

    def newer(first: str, second: str) -> bool:
        return (
            first in known and second in known and compare(known[first], known[second], dialect) > 0
        )

    for first, second, level in (
        ("version_min", "version_max", "error"),
        ("version", "version_max", "error"),
        ("version_min", "version", "error"),
        ("version_max_usable", "version_max", "warning"),
        ("version_min", "version_max_usable", "warning"),
    ):
        if newer(first, second):
            report.add(
                level,
                "versions-clash",
                (*path, first),
                f"{first} {known[first]} is newer than {second} {known[second]}",
                "correct one of the two",
            )


def _is_known(version: str) -> bool:
    return version[:1].isdigit() and "<<<" not in version and "#" not in version
