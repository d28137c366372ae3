"""All checks of one recipe, in order of their weight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cm_script.flags import ENGINE_FLAGS, REQUEST_FLAGS
from cm_script.lint import (
    asked,
    cycles,
    depends,
    files,
    identity,
    ranges,
    shape,
    values,
    variants,
    whens,
)
from cm_script.lint.document import Document
from cm_script.lint.findings import LEVELS, Finding, Path, Report
from cm_script.lint.fits import query_of
from cm_script.lint.shell import Bash
from cm_script.lint.universe import Recipe, Universe, lacking
from cmcore.errors import CmError


def check(document: Document, universe: Universe, bash: Bash | None = None) -> list[Finding]:
    """Findings of one recipe, by line within each file.

    Args:
        document: the recipe.
        universe: where its dependencies are looked up; holds the recipe itself.
        bash: what bash has said about scripts already.
    """
    report = Report(document)
    report.findings += document.problems
    if document.readable:
        meta = document.data
        shape.check(meta, report, _Flags(meta, universe, document.folder).known)
        identity.check(meta, report, universe)
        variants.check(meta, report)
        depends.check(meta, report, universe)
        asked.check(meta, report, universe)
        cycles.check(meta, report, universe)
        whens.check(meta, report)
        ranges.check(meta, report)
        values.check(meta, report, universe)
        files.check(meta, report, bash or Bash())
    # YAML aliases let one mistake be met in several places.
    return sorted(set(report.findings), key=lambda f: (f.file, f.line, LEVELS.index(f.level), f))


class _Flags:
    """Whether a key that the schema does not list is a flag of the recipe that gets it."""

    def __init__(self, meta: Mapping[str, Any], universe: Universe, folder: str) -> None:
        self.meta = meta
        self.universe = universe
        self.own = universe.recipes.get(folder)

    def known(self, kind: str, key: str, path: Path) -> bool:
        if key in ENGINE_FLAGS or key in REQUEST_FLAGS:
            return True
        if kind == "test_run":
            # Container flags are many, and `cm docker` knows them.
            return (self.own is not None and key in self.own.flags) or key.startswith("docker")
        return any(key in recipe.flags for recipe in self._recipes(path))

    def _recipes(self, path: Path) -> list[Recipe]:
        """Recipes that a dependency may be; of a change to dependencies, all there are."""
        entry: Any = self.meta
        for part in path[:-1]:
            entry = entry[part]
        try:
            query = query_of(entry.get("tags"))
        except CmError:
            return []
        if query is None or not isinstance(path[-2], int):
            return list(self.universe.recipes.values())
        found = self.universe.find(query)
        return [r for r in found if not lacking(r, query.variations)] or found
