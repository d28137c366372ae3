"""Checks of dependencies: that they can be found, and that changes to them hit something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cm_script.hints import nearest
from cm_script.lint.findings import Path, Report
from cm_script.lint.fits import is_text, misfit, query_of
from cm_script.lint.universe import (
    CONDITIONS,
    EDITS,
    Universe,
    blocks,
    dep_names,
    dependencies,
    mapping,
)
from cmcore.errors import CmError
from cmcore.naming import split_tags


def check(meta: Mapping[str, Any], report: Report, universe: Universe) -> None:
    """Check the dependencies of a recipe and what changes them."""
    own = dep_names(meta)
    for path, block in blocks(meta):
        for place, dep in dependencies(block):
            maybe = "docker" in place or any(key in dep for key in CONDITIONS)
            _dependency(dep, (*path, *place), report, universe, maybe)
        for kind in EDITS:
            known = own if kind in ("ad", "add_deps") else universe.all_dep_names() | own
            _edits(mapping(block.get(kind)), (*path, kind), report, known, kind)


def _dependency(
    dep: Mapping[str, Any], path: Path, report: Report, universe: Universe, maybe: bool
) -> None:
    # What a condition may leave out fails for some only.
    level = "warning" if maybe else "error"
    names = dep.get("names")
    if isinstance(names, str):
        report.add(
            "warning",
            "names-as-text",
            (*path, "names"),
            f"names are given as one text, so that every part of '{names}' is a name",
            f"write a list: [{', '.join(names.replace(',', ' ').split())}]",
        )
    tags = dep.get("tags")
    if not split_tags(tags if is_text(tags) else ""):
        report.add(
            "warning",
            "dependency-without-tags",
            path,
            "the dependency has no tags and is never run",
            "add tags or remove it",
        )
        return
    place = (*path, "tags")
    try:
        query = query_of(tags)
    except CmError as error:
        report.add(level, "tags", place, error.message, error.hint or "correct it")
        return
    problem = misfit(universe, query) if query is not None else None
    if problem:
        when = " (its conditions may leave it out)" if maybe else ""
        report.add(level, problem.rule, place, problem.message + when, problem.fix)


def _edits(
    edits: Mapping[str, Any],
    path: Path,
    report: Report,
    known: frozenset[str] | set[str],
    kind: str,
) -> None:
    own = kind in ("ad", "add_deps")
    for name, change in edits.items():
        # A name that is part of a text of names counts, too.
        if name in known or any(name in text for text in known if " " in text or "," in text):
            continue
        if not isinstance(change, dict):
            continue  # a wrong type, which the schema check reports
        if any(name.endswith(end) and name[: -len(end)] in known for end in ("-disabled", "-off")):
            message = f"'{name}' changes nothing; it looks switched off"
            report.add("note", "no-such-dependency", (*path, name), message, "remove it when done")
            continue
        # A recipe whose `ad` finds nothing cannot run; an `adr` may be meant for others.
        fails = own and not any(key in change for key in CONDITIONS)
        report.add(
            "error" if fails else "warning",
            "no-such-dependency",
            (*path, name),
            f"no dependency of {'this' if own else 'any'} recipe is called '{name}'",
            nearest(name, known, "names"),
        )
