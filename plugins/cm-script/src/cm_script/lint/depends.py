"""Checks of dependencies: that they can be found, and that changes to them hit something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from cm_script.hints import listed, nearest
from cm_script.lint.findings import Path, Report
from cm_script.lint.universe import (
    EDITS,
    Universe,
    blocks,
    dep_names,
    dependencies,
    lacking,
    mapping,
)
from cm_script.query import Query, parse_query
from cmcore.errors import CmError
from cmcore.naming import split_tags

_CONDITIONS = ("enable_if_env", "enable_if_any_env", "skip_if_env", "skip_if_any_env")


def check(meta: Mapping[str, Any], report: Report, universe: Universe) -> None:
    """Check the dependencies of a recipe and what changes them."""
    own = dep_names(meta)
    for path, block in blocks(meta):
        for place, dep in dependencies(block):
            maybe = "docker" in place or any(key in dep for key in _CONDITIONS)
            _Dependency(dep, (*path, *place), report, universe, maybe).check()
        for kind in EDITS:
            known = own if kind in ("ad", "add_deps") else universe.all_dep_names() | own
            _edits(mapping(block.get(kind)), (*path, kind), report, known, kind)


def query_of(tags: object) -> Query | None:
    """What a dependency is certain to ask for: without tags that are filled in at run time.

    Raises:
        CmError: the tags contradict themselves, or are variations only.
    """
    words = split_tags(tags if _is_text(tags) else "")
    fixed = [word for word in words if "<<<" not in word and "#" not in word]
    if not fixed or (len(fixed) < len(words) and all(_is_variation(w) for w in fixed)):
        return None
    return parse_query(fixed)


def _is_variation(word: str) -> bool:
    return word.startswith(("_", "-_"))


class _Dependency:
    def __init__(
        self, dep: Mapping[str, Any], path: Path, report: Report, universe: Universe, maybe: bool
    ) -> None:
        self.dep = dep
        self.path = path
        self.report = report
        self.universe = universe
        # What a condition may leave out fails for some only.
        self.level = "warning" if maybe else "error"
        self.when = " (its conditions may leave it out)" if maybe else ""

    def check(self) -> None:
        names = self.dep.get("names")
        if isinstance(names, str):
            self.report.add(
                "warning",
                "names-as-text",
                (*self.path, "names"),
                f"names are given as one text, so that every part of '{names}' is a name",
                f"write a list: [{names}]",
            )
        place = (*self.path, "tags")
        if not split_tags(self.dep.get("tags") if _is_text(self.dep.get("tags")) else ""):
            self.report.add(
                "warning",
                "dependency-without-tags",
                self.path,
                "the dependency has no tags and is never run",
                "add tags or remove it",
            )
            return
        try:
            query = query_of(self.dep["tags"])
        except CmError as error:
            self.report.add(self.level, "tags", place, error.message, error.hint or "correct it")
            return
        if query is not None:
            self._resolve(query, place)

    def _resolve(self, query: Query, place: Path) -> None:
        found = self.universe.find(query)
        if not found:
            self.report.add(
                self.level,
                "no-recipe",
                place,
                f"no recipe has the tags {query.script_tags}{self.when}",
                self._near(query),
            )
            return
        asked = (*query.variations, *query.excluded_variations)
        misses = [lacking(recipe, asked) for recipe in found]
        if all(misses):
            best, missing = min(zip(found, misses, strict=True), key=lambda pair: len(pair[1]))
            names = list(dict.fromkeys(recipe.alias for recipe in found))
            told = names[0] if len(names) == 1 else f"none of {listed(names)}"
            verb = "has no" if len(names) == 1 else "has"
            known = [key for key in best.variations if "," not in key]
            self.report.add(
                self.level,
                "no-variation",
                place,
                f"{told} {verb} variation '{missing[0]}'{self.when}",
                nearest(missing[0], known, "variations"),
            )

    def _near(self, query: Query) -> str:
        by_tag = self.universe.tags()
        strange = [tag for tag in query.tags if tag not in by_tag]
        if strange:
            rest = query._replace(tags=tuple(tag for tag in query.tags if tag != strange[0]))
            near = self.universe.find(rest) if rest.tags else []
            if any(not lacking(recipe, strange[:1]) for recipe in near):
                return f"'{strange[0]}' is a variation: write '_{strange[0]}'"
            return f"no recipe has tag '{strange[0]}'; " + nearest(strange[0], by_tag, "tags")
        recipes = self.universe.recipes.values()
        best = max((len(r.tags.intersection(query.tags)) for r in recipes), default=0)
        close = [r.alias for r in recipes if len(r.tags.intersection(query.tags)) == best]
        few = listed(list(dict.fromkeys(close))[:3])
        return f"nearest are {few}; or register the collection that has it"


def _is_text(value: object) -> TypeGuard[str | list[Any]]:
    return isinstance(value, (str, list))


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
        # A recipe whose `ad` finds nothing cannot run; an `adr` may be meant for others.
        fails = own and not any(key in change for key in _CONDITIONS)
        report.add(
            "error" if fails else "warning",
            "no-such-dependency",
            (*path, name),
            f"no dependency of {'this' if own else 'any'} recipe is called '{name}'",
            nearest(name, known, "names"),
        )
