"""`cm rm|prune|restore cache`: the commands that change what is there."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable

from cm_cache import choose, commands, layout, measures, records, trees
from cm_cache.claims import folder_lock
from cm_cache.shelf import Shelf
from cmcore import storage
from cmcore.errors import CmError, NotFoundError, StorageError, UsageError
from cmcore.hints import TYPE_CHECKING, Any
from cmcore.types import Result

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from cm_cache.records import Record
    from cmcore.context import Context
    from cmcore.types import Request

_FULL = (errno.ENOSPC, errno.EDQUOT)


def remove(ctx: Context, request: Request) -> Result:
    """`cm rm cache`: entries that fit, finished or not.

    Raises:
        NotFoundError: none fits.
        UsageError: nobody can be asked and `--force` was not given.
    """
    shelf, wish = Shelf(ctx), choose.wish_of(request)
    found = choose.all_kinds(shelf, wish)
    if not found:
        raise choose.nothing_fits(wish)
    return _remove(ctx, shelf, request, found)


def prune(ctx: Context, request: Request) -> Result:
    """`cm prune cache`: damaged, unfinished or long unused entries.

    Raises:
        UsageError: none of these was asked for, or nobody can be asked for confirmation.
    """
    shelf = Shelf(ctx)
    tests = _prune_tests(shelf, request)
    wish = choose.wish_of(request)
    found = [r for r in choose.all_kinds(shelf, wish) if any(test(r) for test in tests)]
    if not found:
        _sweep(shelf)
        return Result({"removed": [], "refused": [], "size": 0}, view="nothing to remove")
    return _remove(ctx, shelf, request, found)


def _prune_tests(shelf: Shelf, request: Request) -> list[Callable[[Record], bool]]:
    tests: list[Callable[[Record], bool]] = []
    if choose.is_on(request.flags, "broken"):
        tests.append(lambda r: r.kind == records.DAMAGED or _path_gone(r))
    if choose.is_on(request.flags, "unfinished"):
        tests.append(lambda r: r.kind == records.BUILDING)
    if "older" in request.flags:
        limit = time.time() - measures.duration(request.flags["older"])
        tests.append(lambda r: layout.last_used(shelf.folder(r.uid), r.created) < limit)
    if not tests:
        raise UsageError(
            "cm prune cache needs to know what may go",
            hint="add --broken, --unfinished or --older=30d; `cm rm cache` removes by tags",
        )
    return tests


def _path_gone(record: Record) -> bool:
    path = records.text(record.meta.get("dependent_cached_path"))
    return bool(path) and not os.path.exists(path)


def restore(ctx: Context, request: Request) -> Result:
    """`cm restore cache`: bring back what an entry held before building it again failed.

    Raises:
        NotFoundError: no entry that fits has anything to bring back.
        StorageError: the entry is in use.
    """
    shelf, wish = Shelf(ctx), choose.wish_of(request)
    found = [
        record
        for record in choose.all_kinds(shelf, wish)
        if os.path.exists(os.path.join(shelf.folder(record.uid), layout.PREVIOUS))
        and record.kind == records.BUILDING
    ]
    if not found:
        asked = f" that fits {wish.text}" if wish.text else ""
        raise NotFoundError(f"no cache entry{asked} has an earlier result to bring back")
    for record in found:
        _restore(ctx, shelf, record.uid)
    uids = [record.uid for record in found]
    return Result({"restored": uids}, view="\n".join(f"restored {uid}" for uid in uids))


def _restore(ctx: Context, shelf: Shelf, uid: str) -> None:
    folder = shelf.folder(uid)
    lock = folder_lock(ctx, folder)
    if lock is None:
        raise StorageError(f"cache entry {uid} is in use", where=folder)
    try:
        for name, old in ((layout.STATE, layout.PREVIOUS_STATE), (layout.META, layout.PREVIOUS)):
            # An interrupted attempt may have moved the first of them already.
            if os.path.exists(os.path.join(folder, old)):
                os.replace(os.path.join(folder, old), os.path.join(folder, name))
                storage.sync_folder(folder)
        layout.forget_building(folder)
        shelf.put(uid)
    except OSError as error:
        raise storage.storage_error(error, folder, f"restore cache entry {uid}") from error
    finally:
        lock.__exit__(None, None, None)


def _remove(ctx: Context, shelf: Shelf, request: Request, found: list[Record]) -> Result:
    _confirm(ctx, shelf, request, found)
    _sweep(shelf)
    removed, refused, size = [], [], 0
    for record in found:
        folder = shelf.folder(record.uid)
        bytes_there = 0 if os.path.islink(folder) else trees.size(folder)
        try:
            _remove_one(ctx, shelf, record.uid)
        except CmError as error:
            refused.append({"uid": record.uid, "error": str(error)})
        else:
            removed.append(commands.item(shelf, record))
            size += bytes_there
    text = f"removed {len(removed)} of {len(found)} cache entries, {measures.size_text(size)}"
    data: dict[str, Any] = {"removed": removed, "refused": refused, "size": size}
    warnings = tuple(entry["error"] for entry in refused)
    if refused:
        data["error"] = "; ".join(warnings)
    return Result(data, view=text, code=1 if refused else 0, warnings=warnings)


def _confirm(ctx: Context, shelf: Shelf, request: Request, found: list[Record]) -> None:
    if choose.is_on(request.flags, "force", "f"):
        return
    count = "1 cache entry" if len(found) == 1 else f"{len(found)} cache entries"
    if not ctx.console.interactive:
        raise UsageError(f"this would remove {count} and nobody can be asked", hint="add --force")
    for record in found[:20]:
        ctx.console.err(f"  {','.join(choose.split_tags(record.tags))}  {shelf.folder(record.uid)}")
    if len(found) > 20:
        ctx.console.err(f"  ... and {len(found) - 20} more")
    if not ctx.console.confirm(f"Remove {count}?"):
        raise UsageError("nothing was removed", code=1)


def _remove_one(ctx: Context, shelf: Shelf, uid: str) -> None:
    folder = shelf.folder(uid)
    if os.path.islink(folder):
        # An entry that somebody put elsewhere: what the link leads to is not ours to delete.
        try:
            os.unlink(folder)
        except OSError as error:
            raise storage.storage_error(error, folder, f"remove cache entry {uid}") from error
        shelf.put(uid)
        return
    lock = _lock(ctx, folder)
    if lock is None:
        if not os.path.isdir(folder):
            return
        raise StorageError(f"cache entry {uid} is in use and stays", where=folder)
    try:
        away = os.path.join(shelf.root, f"{layout.REMOVED}{uid}-{os.urandom(4).hex()}")
        shelf.move_away(uid, away)
        storage.sync_folder(shelf.root)
        trees.delete(away)
    except OSError as error:
        raise storage.storage_error(error, folder, f"remove cache entry {uid}") from error
    finally:
        lock.__exit__(None, None, None)


def _lock(ctx: Context, folder: str) -> AbstractContextManager[object] | None:
    from contextlib import nullcontext

    try:
        return folder_lock(ctx, folder)
    except StorageError as error:
        # On a full disk the lock was free but could not be signed, and room has to be made.
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in _FULL:
            return nullcontext()
        raise


def _sweep(shelf: Shelf) -> None:
    # What a removal that was killed has left.
    try:
        left = [name for name in os.listdir(shelf.root) if name.startswith(layout.REMOVED)]
    except OSError:
        return
    for name in left:
        try:
            trees.delete(os.path.join(shelf.root, name))
        except OSError:
            pass  # another process is at it, or it is not ours to delete
