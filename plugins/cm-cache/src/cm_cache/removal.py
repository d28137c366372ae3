"""`cm rm|restore cache`: taking entries away, and bringing results back."""

from __future__ import annotations

import errno
import os

from cm_cache import choose, classes, commands, layout, measures, records, relations, trees
from cm_cache.claims import folder_lock
from cm_cache.shelf import Shelf
from cmcore import storage
from cmcore.errors import CmError, NotFoundError, StorageError, UsageError
from cmcore.hints import TYPE_CHECKING, Any, Sequence
from cmcore.types import Result, Table

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
        UsageError: other entries need them, or nobody can be asked, and `--force` was not given.
    """
    shelf, wish = Shelf(ctx), choose.wish_of(request)
    found = choose.all_kinds(shelf, wish)
    if not found:
        raise choose.nothing_fits(shelf, wish)
    needed = _needed_by_others(shelf, found)
    warnings = [
        f"cache entry {uid} was needed by {', '.join(_name(r) for r in users)}"
        for uid, users in needed.items()
    ]
    if needed and not choose.is_on(request.flags, "force", "f"):
        uid, users = next(iter(needed.items()))
        more = f", and {len(needed) - 1} more are needed" if len(needed) > 1 else ""
        raise UsageError(
            f"cache entry {uid} is needed by {', '.join(_name(r) for r in users[:5])}"
            f"{', ...' if len(users) > 5 else ''}{more}",
            hint="remove those as well, or add --force",
        )
    result = remove_found(ctx, shelf, request, found)
    return result._replace(warnings=(*result.warnings, *warnings))


def _needed_by_others(shelf: Shelf, found: list[Record]) -> dict[str, list[Record]]:
    going = {record.uid for record in found}
    needed = {}
    for record in found:
        users = [r for r in relations.dependants(shelf, record.uid) if r.uid not in going]
        if users:
            needed[record.uid] = users
    return needed


def _name(record: Record) -> str:
    return f"{record.uid} ({choose.told_tags(record.tags)})"


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


def remove_found(
    ctx: Context, shelf: Shelf, request: Request, found: list[Record], kept: Sequence[str] = ()
) -> Result:
    """Remove entries after asking; with `--dry-run` only say which they would be.

    Args:
        kept: sentences about entries that fit as well but stay.

    Raises:
        UsageError: nobody can be asked and `--force` was not given.
    """
    if choose.is_on(request.flags, "dry_run"):
        return _rehearsed(shelf, found, kept)
    _confirm(ctx, shelf, request, found)
    sweep(ctx, shelf)
    removed, refused, size = [], [], 0
    for record in found:
        folder = shelf.folder(record.uid)
        bytes_there = 0 if os.path.islink(folder) else trees.size(folder)
        try:
            remove_one(ctx, shelf, record.uid)
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
    view = "\n".join([text, *kept])
    return Result(data, view=view, code=1 if refused else 0, warnings=warnings)


def _rehearsed(shelf: Shelf, found: list[Record], kept: Sequence[str]) -> Result:
    sizes = [trees.size(shelf.folder(record.uid)) for record in found]
    rows = [
        (
            record.uid,
            classes.class_of(record.meta, record.tags),
            measures.size_text(size),
            measures.moment(layout.last_used(shelf.folder(record.uid), record.created)),
            choose.told_tags(record.tags),
        )
        for record, size in zip(found, sizes, strict=True)
    ]
    items = [commands.item(shelf, record) for record in found]
    data = {"removed": [], "refused": [], "would_remove": items, "size": sum(sizes)}
    text = f"would remove {len(found)} cache entries, {measures.size_text(sum(sizes))}"
    table = Table(("UID", "Class", "Size", "Last use", "Tags"), rows)
    return Result(data, view=[*([table] if rows else []), "\n".join([text, *kept])])


def _confirm(ctx: Context, shelf: Shelf, request: Request, found: list[Record]) -> None:
    if choose.is_on(request.flags, "force", "f"):
        return
    count = "1 cache entry" if len(found) == 1 else f"{len(found)} cache entries"
    if not ctx.console.interactive:
        raise UsageError(f"this would remove {count} and nobody can be asked", hint="add --force")
    for record in found[:20]:
        ctx.console.err(f"  {choose.told_tags(record.tags)}  {shelf.folder(record.uid)}")
    if len(found) > 20:
        ctx.console.err(f"  ... and {len(found) - 20} more")
    if not ctx.console.confirm(f"Remove {count}?"):
        raise UsageError("nothing was removed", code=1)


def remove_one(ctx: Context, shelf: Shelf, uid: str) -> None:
    """Remove one entry, whatever needs it; fine when it is gone.

    Raises:
        StorageError: somebody works in it, or it cannot be removed.
    """
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
        if isinstance(error.__cause__, PermissionError) and _opened(folder):
            return folder_lock(ctx, folder)
        raise


def _opened(folder: str) -> bool:
    """Whether a folder of ours that nobody could work in can be worked in now."""
    import stat

    try:
        if stat.S_IMODE(os.stat(folder).st_mode) & 0o700 == 0o700:
            return False
        os.chmod(folder, 0o700)
    except OSError:
        return False
    return True


def sweep(ctx: Context, shelf: Shelf) -> None:
    """Delete what removals and imports that were killed have left."""
    try:
        names = os.listdir(shelf.root)
    except OSError:
        return
    for name in names:
        path = os.path.join(shelf.root, name)
        try:
            if name.startswith(layout.REMOVED):
                trees.delete(path)
            elif name.startswith(layout.ARRIVING):
                lock = folder_lock(ctx, path)
                if lock is not None:
                    try:
                        trees.delete(path)
                    finally:
                        lock.__exit__(None, None, None)
        except (OSError, CmError):
            pass  # another process is at it, or it is not ours to delete
