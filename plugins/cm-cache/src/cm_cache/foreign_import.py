"""`cm find|import cache --foreign`: what CM and MLCFlow cached, listed and taken over."""

from __future__ import annotations

import os
import time

from cm_cache import choose, classes, digests, foreign, host, layout, recheck, records, settling
from cm_cache.foreign import Foreign
from cm_cache.importing import arriving
from cm_cache.relocate import relocated
from cm_cache.shelf import Shelf
from cmcore.errors import CmError, NotFoundError, StorageError
from cmcore.hints import TYPE_CHECKING, Any, Mapping
from cmcore.types import Result, Table

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.types import Request


def find_foreign(ctx: Context, request: Request) -> Result:
    """`cm find cache --foreign`: entries of registered CM and MLCFlow homes, and of `--path`.

    Raises:
        NotFoundError: no home with a cache is registered or there.
    """
    found = _found(ctx, request)
    rows = [
        (choose.told_tags(e.tags), e.version, e.dialect, e.reason or "whole", e.path) for e in found
    ]
    view = Table(("Tags", "Version", "Made by", "State", "Path"), rows, plain=4) if rows else None
    return Result({"list": [_item(entry) for entry in found]}, view=view)


def import_foreign(ctx: Context, request: Request) -> Result:
    """`cm import cache --foreign [UID|TAGS]`: copy entries of CM and MLCFlow into this cache.

    Half-written and damaged ones are said and skipped; the originals are not touched.

    Raises:
        NotFoundError: none fits.
        StorageError: an entry cannot be copied.
    """
    found = _found(ctx, request)
    if not found:
        raise NotFoundError(
            "no entry of a CM or MLCFlow cache fits", hint="`cm find cache --foreign` lists them"
        )
    shelf = Shelf(ctx)
    skipped = [entry for entry in found if entry.reason]
    whole = [entry for entry in found if not entry.reason]
    here = _imported_before(shelf)
    known = [entry for entry in whole if entry.path in here]
    new = [entry for entry in whole if entry.path not in here]
    uids = _uids_for(shelf, new)
    folders = {**here, **uids}
    moves = {path: shelf.folder(uid) for path, uid in folders.items()}
    imported = []
    for entry in new:
        try:
            with arriving(ctx, shelf) as staging:
                folder = os.path.join(staging, uids[entry.path])
                _copy(entry, folder)
                _settle(shelf, entry, uids[entry.path], folder, moves)
                shelf.move_in(uids[entry.path], folder)
                layout.touch_used(shelf.folder(uids[entry.path]))
        except CmError as error:
            skipped.append(entry._replace(reason=f"it cannot be copied: {error}"))
        else:
            imported.append(entry)
    lines = [f"imported {uids[e.path]}  {_tags(e)}" for e in imported]
    lines += [f"already here: {here[e.path]}  {_tags(e)}" for e in known]
    warnings = tuple(f"{e.path} ({_tags(e)}) is skipped: {e.reason}" for e in skipped)
    data = {
        "imported": [{"uid": uids[e.path], "from": e.path, "tags": list(e.tags)} for e in imported],
        "known": [{"uid": here[e.path], "from": e.path, "tags": list(e.tags)} for e in known],
        "skipped": [{"from": e.path, "tags": list(e.tags), "reason": e.reason} for e in skipped],
    }
    return Result(data, view="\n".join(lines) or "nothing to import", warnings=warnings)


def _found(ctx: Context, request: Request) -> list[Foreign]:
    home = request.flags.get("path")
    folders = foreign.cache_folders(ctx, home if isinstance(home, str) else "")
    return foreign.fitting(foreign.entries(folders), choose.wish_of(request))


def _item(entry: Foreign) -> dict[str, Any]:
    return {
        "path": entry.path,
        "uid": entry.uid,
        "alias": records.text(entry.meta.get("alias")),
        "tags": list(entry.tags),
        "version": entry.version,
        "dialect": entry.dialect,
        "usable": not entry.reason,
        "reason": entry.reason,
        "meta": entry.meta,
    }


def _tags(entry: Foreign) -> str:
    return choose.told_tags(entry.tags)


def _imported_before(shelf: Shelf) -> dict[str, str]:
    """By original folder: the entry that was made of it."""
    found = {}
    for record in shelf.finished(()):
        about = record.meta.get("imported")
        if isinstance(about, Mapping) and about.get("engine"):
            found[records.text(about.get("from"))] = record.uid
    return found


def _uids_for(shelf: Shelf, new: list[Foreign]) -> dict[str, str]:
    """By original folder the UID of the entry to be: its own where that is free and a good one."""
    from cmcore.naming import new_uid

    chosen: dict[str, str] = {}
    for entry in new:
        uid = entry.uid
        good = records.is_entry_uid(uid) and uid not in chosen.values()
        chosen[entry.path] = uid if good and not os.path.lexists(shelf.folder(uid)) else new_uid()
    return chosen


def _copy(entry: Foreign, folder: str) -> None:
    """Copy the files, links as links; the meta and state of the other engine stay behind."""
    own = {"_cm.json", "_cm.yaml", "meta.json", "meta.yaml", os.path.basename(entry.state_path)}

    def left_out(parent: str, names: list[str]) -> set[str]:
        return own & set(names) if parent == entry.path else set()

    import shutil

    try:
        shutil.copytree(entry.path, folder, symlinks=True, ignore=left_out)
    except shutil.Error as error:
        source, _, why = error.args[0][0]
        raise StorageError(f"cannot copy a file of it: {why}", where=source) from error


def _settle(shelf: Shelf, entry: Foreign, uid: str, folder: str, moves: Mapping[str, str]) -> None:
    state = records.load_object(entry.state_path)
    kind = foreign.class_of(entry, state)
    # Where it stood when it was made can differ from where it stands: caches get moved.
    if kind != classes.DATA:
        settling.rewrite(folder, moves)
    _move_links(folder, moves)
    meta = {key: value for key, value in entry.meta.items() if key not in ("alias", "repo_alias")}
    for old, new in moves.items():
        state, meta = _moved(state, old, new), _moved(meta, old, new)
    try:
        created = os.stat(entry.state_path).st_mtime
    except OSError:
        created = time.time()
    meta |= {
        "alias": "",
        "automation_alias": "cache",
        "automation_uid": layout.AUTOMATION_UID,
        "uid": uid,
        "tags": list(dict.fromkeys(entry.tags)),
        "associated_script_artifact": f"{entry.recipe_alias},{entry.recipe}",
        "associated_script_artifact_uid": entry.recipe,
        "recipe_uid": entry.recipe,
        "class": kind,
        "dialect": entry.dialect,
        "root": shelf.root,
        "created": created,
        "host": host.identity(),
        "imported": {"from": entry.path, "time": time.time(), "engine": entry.dialect},
    }
    if kind == classes.DATA:
        meta[digests.DIGESTS] = digests.record(folder)
    if kind == classes.DETECTED:
        meta[recheck.WATCH] = recheck.watched(state, shelf.folder(uid))
    settling.write_entry(folder, meta, {"new_env": {}, "new_state": {}, **state})


def _moved(data: Any, old: str, new: str) -> Any:
    """Paths of an entry in its own folder: the folder itself, and what lies below."""
    if isinstance(data, str) and data == old:
        return new
    if isinstance(data, dict):
        return {key: _moved(value, old, new) for key, value in data.items()}
    if isinstance(data, list):
        return [_moved(value, old, new) for value in data]
    return relocated(data, old, new) if isinstance(data, str) else data


def _move_links(folder: str, moves: Mapping[str, str]) -> None:
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = os.path.join(parent, name)
            if not os.path.islink(path):
                continue
            target = os.readlink(path)
            moved: str = target
            for old, new in moves.items():
                moved = _moved(moved, old, new)
            if moved != target:
                os.unlink(path)
                os.symlink(moved, path)
