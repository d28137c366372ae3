"""Checks of what joins the tags of a dependency: edits by name, and variables.

A dependency that cannot be found as it stands is the business of `depends`; here it is one that
could be found, but for the tags that something adds to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cm_script.conditions import skip_reason
from cm_script.depedit import is_named
from cm_script.dialects import for_form
from cm_script.hints import nearest
from cm_script.lint.findings import Path, Report, key_text
from cm_script.lint.fits import Misfit, fitting, is_text, misfit, query_of, with_tags
from cm_script.lint.universe import (
    CONDITIONS,
    EDITS,
    Universe,
    blocks,
    dependencies,
    items,
    mapping,
    names_of,
)
from cmcore.errors import CmError
from cmcore.naming import split_tags


def check(meta: Mapping[str, Any], report: Report, universe: Universe) -> None:
    """Check what edits and variables ask of the dependencies of a recipe, and of others."""
    checker = _Check(meta, report, universe)
    for path, block in blocks(meta):
        for kind in EDITS:
            for name, change in mapping(block.get(kind)).items():
                checker.edit((*path, kind, name), name, mapping(change), kind)
    for path, dep in checker.deps:
        checker.from_variables(path, dep)


class _Check:
    def __init__(self, meta: Mapping[str, Any], report: Report, universe: Universe) -> None:
        self.meta = meta
        self.report = report
        self.universe = universe
        self.dialect = for_form(report.document.form)
        self.deps: list[tuple[Path, dict[str, Any]]] = [
            ((*path, *place), dep)
            for path, block in blocks(meta)
            for place, dep in dependencies(block)
        ]

    def edit(self, path: Path, name: str, change: Mapping[str, Any], kind: str) -> None:
        tags = _fixed(change.get("tags"))
        own = [(place, dep) for place, dep in self.deps if is_named(dep, name)]
        if not tags:
            return
        problems = [(place, dep, self._problem(dep, tags)) for place, dep in own]
        sure = not any(key in change for key in CONDITIONS) and "update_meta_if_env" not in path
        for place, dep, problem in problems:
            if problem and sure and self._is_certain(place, dep, path):
                self._tell("error", (*path, "tags"), place, name, problem)
                return
        if own and not all(problem for *_, problem in problems):
            return
        if kind in ("adr", "add_deps_recursive"):
            here = self.report.document.folder
            others = [dep for folder, dep in self.universe.named(name) if folder != here]
            if any(not self._problem(dep, tags) for dep in others):
                return
            problems += [((), dep, self._problem(dep, tags)) for dep in others]
        for place, _, problem in problems:
            if problem:
                self._tell("warning", (*path, "tags"), place, name, problem)
                return

    def from_variables(self, path: Path, dep: Mapping[str, Any]) -> None:
        """Check `update_tags_from_env_with_prefix` and the values that this recipe gives."""
        for prefix, keys in mapping(dep.get("update_tags_from_env_with_prefix")).items():
            if not prefix.startswith("_") or "<<<" in prefix or "#" in prefix:
                continue
            if self._no_variation_begins(dep, prefix, (*path, "update_tags_from_env_with_prefix")):
                continue
            for key in [keys] if isinstance(keys, str) else items(keys):
                self._values(path, dep, prefix, str(key))
        for key in items(dep.get("update_tags_from_env")):
            self._values(path, dep, "", str(key))

    def _no_variation_begins(self, dep: Mapping[str, Any], prefix: str, path: Path) -> bool:
        name = prefix[1:]
        try:
            query = query_of(dep.get("tags"))
        except CmError:
            return True
        able = fitting(self.universe, query) if query else []
        if not able or not name:
            return False
        for recipe in able:
            for key in recipe.variations:
                stem = key[:-1] if key.endswith(".#") else ""
                if key.startswith(name) or (stem and name.startswith(stem)):
                    return False
        known = [key for key in able[0].variations if "," not in key]
        self.report.add(
            "warning",
            "no-variation",
            (*path, prefix),
            f"{able[0].alias} has no variation that begins with '{name}'",
            nearest(name, known, "variations"),
        )
        return True

    def _values(self, path: Path, dep: Mapping[str, Any], prefix: str, key: str) -> None:
        for place, value, env in self._given(dep, path, key):
            tags = _fixed(",".join(f"{prefix}{word}" for word in split_tags(value)))
            if not tags or skip_reason(dep, env, self.dialect):
                continue
            problem = self._problem(dep, tags)
            if problem:
                self.report.add(
                    "warning",
                    problem.rule,
                    place,
                    f"with {key} '{value}', {key_text(path)} asks for {','.join(tags)}: "
                    + problem.message,
                    problem.fix,
                )

    def _given(
        self, dep: Mapping[str, Any], path: Path, key: str
    ) -> Iterator[tuple[Path, str, dict[str, Any]]]:
        """Values that this recipe gives a variable while the dependency is there."""
        base: dict[str, Any] = {}
        for kind in ("default_env", "env"):
            base.update(mapping(self.meta.get(kind)))
        own = mapping(dep.get("env")).get(key)
        if isinstance(own, (str, int, float)) and str(own).strip():
            # It takes the place of whatever the variable holds.
            yield (*path, "env", key), str(own), {**base, key: own}
            return
        scope = path[:2] if path[0] in ("variations", "versions") else ()
        for where, block in blocks(self.meta):
            if "update_meta_if_env" in where or (scope and where != scope):
                continue
            for kind in ("env", "default_env"):
                value = mapping(block.get(kind)).get(key)
                if isinstance(value, (str, int, float)) and not isinstance(value, bool):
                    env = {**base, **mapping(block.get("default_env")), **mapping(block.get("env"))}
                    yield (*where, kind, key), str(value), env

    def _problem(self, dep: Mapping[str, Any], tags: list[str]) -> Misfit | None:
        """Why nothing fits once tags are added; None when nothing fitted before, too."""
        try:
            before, after = with_tags(dep, []), with_tags(dep, tags)
        except CmError as error:
            return Misfit("tags", error.message, error.hint or "correct it")
        if after is None or (before is not None and misfit(self.universe, before)):
            return None
        return misfit(self.universe, after)

    def _is_certain(self, place: Path, dep: Mapping[str, Any], path: Path) -> bool:
        """Whether the dependency surely runs when the edit at `path` applies."""
        if "docker" in place or any(key in dep for key in CONDITIONS):
            return False
        if "update_meta_if_env" in place or (len(place) > 2 and place[:2] != path[:2]):
            return False
        names = set(names_of(dep))
        return not any(other is not dep and set(names_of(other)) == names for _, other in self.deps)

    def _tell(self, level: str, path: Path, place: Path, name: str, problem: Misfit) -> None:
        whose = f"'{name}' ({key_text(place)})" if place else f"'{name}' of other recipes"
        self.report.add(
            level, problem.rule, path, f"{problem.message}, asked of {whose}", problem.fix
        )


def _fixed(tags: object) -> list[str]:
    """Tags that are known before a run."""
    words = split_tags(tags if is_text(tags) else "")
    return [word for word in words if "<<<" not in word and "#" not in word]
