"""Checks of what a recipe is found by: UID, alias, tags."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from cm_script.lint.findings import Report
from cm_script.lint.universe import Universe


def check(meta: Mapping[str, Any], report: Report, universe: Universe) -> None:
    """Check that a recipe can be found, and is not taken for another one."""
    _twice(meta, report, universe)
    alias, base = meta.get("alias"), os.path.basename(report.document.folder)
    uid = str(meta.get("uid") or "").lower()
    if isinstance(alias, str) and alias and base not in (alias, uid):
        report.add(
            "note",
            "alias-and-folder",
            ("alias",),
            f"the folder is not named like the alias '{alias}'",
            "rename one of them",
        )
    owner = meta.get("automation_alias", "script")
    if owner != "script":
        report.add(
            "warning",
            "automation",
            ("automation_alias",),
            f"a recipe belongs to automation 'script', not to '{owner}'",
            "write 'script'",
        )
    if isinstance(meta.get("tags"), list):
        _tags(meta["tags"], report)


def _twice(meta: Mapping[str, Any], report: Report, universe: Universe) -> None:
    folder = report.document.folder
    own = universe.recipes.get(folder)
    uid, alias = str(meta.get("uid") or "").lower(), meta.get("alias")
    for other in universe.beside(folder):
        if uid and other.uid == uid:
            report.add(
                "error",
                "uid-twice",
                ("uid",),
                f"recipe {other.alias} has the UID {uid}, too",
                "give one of them another",
            )
        if alias and other.alias == alias and other.meta.get("alias"):
            report.add(
                "warning",
                "alias-twice",
                ("alias",),
                f"the recipe in folder {os.path.basename(other.folder)} is called {alias}, too",
                "give one of them another name",
            )
        if own and own.tags and own.form == other.form and own.tags == other.tags:
            report.add(
                "warning",
                "tags-twice",
                ("tags",),
                f"recipe {other.alias} has the very same tags: only a name or variations tell "
                "them apart",
                "give one of them a tag more",
            )


def _tags(tags: list[Any], report: Report) -> None:
    if not tags:
        report.add("error", "tags", ("tags",), "the list of tags is empty", "add words to find it")
    seen: set[str] = set()
    for at, tag in enumerate(tags):
        text = str(tag)
        level = "warning"
        if not isinstance(tag, str):
            message, fix = f"tag {text} is not text", f'put it in quotes: "{text}"'
        elif not text.strip() or text.startswith(("_", "-")) or "," in text:
            message, fix = f"no request can ask for the tag '{text}'", "use letters and digits"
        elif text in seen:
            level, message, fix = "note", f"tag '{text}' is there twice", "remove one"
        else:
            seen.add(text)
            continue
        report.add(level, "tags", ("tags", at), message, fix)
