"""Publishing entries in a folder that other caches read: the other side of `cm_cache.upstream`.

    index.json              format, and for each recipe how many entries there are
    recipes/<uid>.json      the entries of one recipe, with all that a look-up asks for
    entries/<uid>.tar       each entry as an archive of its own

Static files, so that any web server or shared folder will do. Each is replaced at once and the
lists are written last: a reader never sees an entry whose file is not there yet.
"""

from __future__ import annotations

import os
from urllib.parse import quote

from cm_cache import choose, classes, digests, measures, records, relations
from cm_cache.exporting import to_file
from cm_cache.records import Record
from cm_cache.shelf import Shelf
from cmcore import storage
from cmcore.hints import TYPE_CHECKING, Any, Iterable
from cmcore.types import Result

if TYPE_CHECKING:
    from cmcore.context import Context

FORMAT, VERSION = "cm-cache-upstream", 1
INDEX = "index.json"

#: Outcomes that mean the same on another machine.
OFFERED = (classes.BUILT, classes.DATA)


def offer(
    ctx: Context, shelf: Shelf, found: list[Record], folder: str, *, skip_links: bool
) -> Result:
    """Publish entries, and those that they need, in `folder`.

    Detected and measured entries are true here only, and left out.

    Raises:
        StorageError: an entry is damaged, or the folder cannot be written.
    """
    folder = folder.rstrip("/") or "/"
    closure = relations.closure(shelf, found).records
    offered = [r for r in closure if classes.class_of(r.meta, r.tags) in OFFERED]
    left_out = [r for r in found if r not in offered]
    storage.make_dir(os.path.join(folder, "entries"))
    storage.make_dir(os.path.join(folder, "recipes"))
    files: dict[str, dict[str, Any]] = {}
    new = 0
    with storage.lock(
        os.path.join(folder, ".lock"),
        what=f"the shared cache {folder}",
        timeout=600,
        on_wait=ctx.console.log,
    ):
        there = _there(folder)
        for record in offered:
            name = f"entries/{record.uid}.tar"
            path = os.path.join(folder, name)
            old = there.get(record.uid)
            if old and old.get("created") == record.created and os.path.exists(path):
                files[record.uid] = old["file"]
                continue
            to_file(ctx, shelf, [record], path, skip_links=skip_links)
            new += 1
            files[record.uid] = {
                "uid": record.uid,
                "name": name,
                "size": os.path.getsize(path),
                "sha256": digests.file_digest(path),
            }
        _list(shelf, folder, offered, files)
    text = f"published {new} cache entries in {folder}"
    text += f"; {len(offered) - new} were there" if len(offered) > new else ""
    warnings = tuple(
        f"cache entry {r.uid} ({choose.told_tags(r.tags)}) is not published: a"
        f" {classes.class_of(r.meta, r.tags)} result is true on this machine only"
        for r in left_out
    )
    data = {
        "path": folder,
        "size": sum(file["size"] for file in files.values()),
        "list": [{"uid": r.uid, "tags": list(r.tags)} for r in offered],
    }
    return Result(data, view=f"{text}, {measures.size_text(data['size'])}", warnings=warnings)


def _there(folder: str) -> dict[str, dict[str, Any]]:
    """Entries that are published, by UID."""
    found = {}
    for name in os.listdir(os.path.join(folder, "recipes")):
        if name.endswith(".json"):
            for entry in records.load_object(os.path.join(folder, "recipes", name))["entries"]:
                found[entry["uid"]] = entry
    return found


def _list(
    shelf: Shelf, folder: str, offered: Iterable[Record], files: dict[str, dict[str, Any]]
) -> None:
    by_recipe: dict[str, dict[str, dict[str, Any]]] = {}
    for entry in _there(folder).values():
        by_recipe.setdefault(entry["recipe"], {})[entry["uid"]] = entry
    for record in offered:
        needs = [r.uid for r in relations.closure(shelf, [record]).records if r.uid in files]
        by_recipe.setdefault(record.recipe, {})[record.uid] = {
            "uid": record.uid,
            "recipe": record.recipe,
            "dialect": record.dialect,
            "tags": list(record.tags),
            "version": record.version,
            "key_digest": record.digest,
            "created": record.created,
            "class": classes.class_of(record.meta, record.tags),
            "meta": dict(record.meta),
            # For plans, which say what a hit gives without copying anything.
            "state": records.load_state(shelf.folder(record.uid)),
            "file": files[record.uid],
            "files": [files[uid] for uid in needs],
        }
    for recipe, entries in by_recipe.items():
        listed = {"entries": [entries[uid] for uid in sorted(entries)]}
        _write(os.path.join(folder, "recipes", file_name(recipe)), listed)
    counts = {recipe: len(entries) for recipe, entries in sorted(by_recipe.items())}
    _write(os.path.join(folder, INDEX), {"format": FORMAT, "version": VERSION, "recipes": counts})


def file_name(recipe: str) -> str:
    """The name of a recipe's list; its UID is whatever its author wrote."""
    return f"{quote(recipe, safe='') or 'none'}.json"


def _write(path: str, data: object) -> None:
    import json

    storage.write_atomic(path, json.dumps(data, indent=1) + "\n")
