"""All checks of one recipe, in order of their weight."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from cm_script.flags import ENGINE_FLAGS, REQUEST_FLAGS
from cm_script.lint import depends, files, shape, variants, whens
from cm_script.lint.document import Document
from cm_script.lint.findings import LEVELS, Finding, Path, Report
from cm_script.lint.universe import Recipe, Universe, lacking
from cmcore.errors import CmError


def check(document: Document, universe: Universe) -> list[Finding]:
    """Findings of one recipe, by line within each file.

    Args:
        document: the recipe.
        universe: where its dependencies are looked up; holds the recipe itself.
    """
    report = Report(document)
    report.findings += document.problems
    if document.readable:
        meta = document.data
        shape.check(meta, report, _Flags(meta, universe, document.folder).known)
        _identity(meta, report, universe)
        variants.check(meta, report)
        depends.check(meta, report, universe)
        whens.check(meta, report)
        files.check(meta, report)
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
            query = depends.query_of(entry.get("tags"))
        except CmError:
            return []
        if query is None or not isinstance(path[-2], int):
            return list(self.universe.recipes.values())
        found = self.universe.find(query)
        return [r for r in found if not lacking(r, query.variations)] or found


def _identity(meta: Mapping[str, Any], report: Report, universe: Universe) -> None:
    folder = report.document.folder
    uid = str(meta.get("uid") or "").lower()
    for other in universe.with_uid(uid, folder) if uid else ():
        report.add(
            "error",
            "uid-twice",
            ("uid",),
            f"recipe {other.alias} has the UID {uid}, too",
            "give one of them another",
        )
    alias, base = meta.get("alias"), os.path.basename(folder)
    if isinstance(alias, str) and alias and base not in (alias, uid):
        report.add(
            "note",
            "alias-and-folder",
            ("alias",),
            f"the folder is not named like the alias '{alias}'",
            "rename one of them",
        )
    tags = meta.get("tags")
    if not isinstance(tags, list):
        return
    if not tags:
        report.add("error", "tags", ("tags",), "the list of tags is empty", "add words to find it")
    for at, tag in enumerate(tags):
        text = str(tag)
        if not isinstance(tag, str):
            message, fix = f"tag {text} is not text", f'put it in quotes: "{text}"'
        elif not text.strip() or text.startswith(("_", "-")) or "," in text:
            message, fix = f"no request can ask for the tag '{text}'", "use letters and digits"
        else:
            continue
        report.add("warning", "tags", ("tags", at), message, fix)
