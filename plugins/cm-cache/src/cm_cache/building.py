"""The first half of the way from a request to a finished entry: the right to build it, and where.

`cm_cache.publishing` is the second. At every moment a folder is either finished (it has a
`_cm.json`) or not, and each step is one atomic file operation, so that a process can die between
any two of them: what it leaves is found by the next one who asks, never served, and built on.
"""

from __future__ import annotations

import os

from cm_cache import classes, digests, identity, layout, records
from cm_cache.claims import Claim, note_of
from cm_cache.lookup import find, is_news, superseded
from cm_cache.shelf import Shelf
from cmcore import storage
from cmcore.errors import StorageError
from cmcore.hints import TYPE_CHECKING, Any
from cmcore.types import CacheEntry, CacheRequest, Reservation

if TYPE_CHECKING:
    from cmcore.context import Context


def reserve(
    ctx: Context, request: CacheRequest, refresh: CacheEntry | None = None, fresh: bool = False
) -> Reservation | CacheEntry:
    """The right to build what `request` asks for; or the entry that came meanwhile.

    Waits while another process builds the same, says for whom, and takes over when that one died.

    Args:
        refresh: a finished entry to be built again in its folder. It is not found from now on
            until it is published; after a failure `cm restore cache` can bring it back.
        fresh: build a new entry even if one that fits was just finished.

    Raises:
        StorageError: the cache folder or a lock in it cannot be written.
    """
    shelf = Shelf(ctx)
    claim = Claim(request)
    claim.note = _note(claim)
    try:
        if not fresh:
            claim.take_turn(ctx)
            if refresh is None:
                entry = _news(ctx, claim)
                if entry is not None:
                    claim.drop()
                    return entry
                refresh = superseded(ctx, request, claim.key_digest)
        if refresh is not None:
            taken = _take_refresh(ctx, shelf, claim, refresh)
            if taken is not None:
                if isinstance(taken, CacheEntry):
                    claim.drop()
                return taken
        return _take_unfinished(ctx, shelf, claim) or _make(ctx, shelf, claim)
    except OSError as error:
        claim.drop()
        raise storage.storage_error(error, shelf.root, "make a cache entry") from error
    except BaseException:
        claim.drop()
        raise


def _news(ctx: Context, claim: Claim) -> CacheEntry | None:
    """What was finished while this process waited for its turn, or what an upstream cache has."""
    request = claim.request
    for entry in find(ctx, request, remember=False):
        if entry.meta.get("key_digest") == claim.key_digest and is_news(ctx, request, entry):
            return entry
    return None


def _take_unfinished(ctx: Context, shelf: Shelf, claim: Claim) -> Reservation | None:
    # The same key first: what was downloaded for it is of use.
    found = [record for record in shelf.unfinished() if record.slot == claim.slot]
    for record in sorted(found, key=lambda r: r.meta.get("key_digest") != claim.key_digest):
        folder = shelf.folder(record.uid)
        try:
            if not claim.take_folder(ctx, folder, wait=False):
                continue
        except StorageError as error:
            ctx.console.warn(f"not continuing in {folder}: {error}")
            continue
        if _resumable(shelf, claim, record.uid) and _of_use(ctx, folder):
            return _resume(ctx, shelf, claim, record.uid)
        claim.drop_folder()
    return None


def _resumable(shelf: Shelf, claim: Claim, uid: str) -> bool:
    now = shelf.get(uid)
    return now is not None and now.kind == records.BUILDING and now.slot == claim.slot


def _of_use(ctx: Context, folder: str) -> bool:
    from cm_cache.leftover import workers

    why = ""
    if found := workers(folder):
        why = f"an earlier run ended unfinished: process {', '.join(found[:3])} that it started"
        why += " still works there"
    elif os.path.exists(os.path.join(folder, layout.PREVIOUS)):
        # Old files may be what it fails from; the next attempt does without them.
        note = note_of(folder)
        if note.get("error") and records.seconds(note.get("attempt"), 1) > 1:
            why = f"building an entry again failed: {records.text(note['error'])}"
    if why:
        ctx.console.log(f"not continuing in {folder}, where {why}")
    return not why


def _resume(ctx: Context, shelf: Shelf, claim: Claim, uid: str) -> Reservation:
    """Go on in the folder of an unfinished entry, with what lies there or from the start.

    Kept are the files of a data entry when key and recipe are the same: what was downloaded
    needs no second download. Anything else may be half of what is wanted, so it is cleared. The
    folder of an entry that was being built again keeps its files as well: they are its old ones.
    """
    folder = shelf.folder(uid)
    before = note_of(folder)
    why = records.text(before.get("error")) or "it was interrupted"
    claim.refresh = os.path.exists(os.path.join(folder, layout.PREVIOUS))
    same = before.get("key_digest") == claim.key_digest
    data = same and claim.note["class"] == before.get("class") == classes.DATA
    keep = claim.refresh or data
    if data and not claim.refresh and (closed := _closed(folder)):
        keep, why = False, f"{why}; {closed} cannot be read: Permission denied"
    if keep:
        _drop_scratch(folder)
        ctx.console.log(
            f"continuing in {folder} with the {_amount(folder)} that are there,"
            f" where an earlier run ended unfinished: {why}"
        )
    else:
        _clear(ctx, folder, why, same)
    claim.begin(folder, attempt=int(records.seconds(before.get("attempt"), 1)) + 1)
    shelf.put(uid)
    return Reservation(uid, folder, keep, claim)


def _closed(folder: str) -> str:
    """A file of an unfinished entry that no step could go on with; "" when there is none."""
    from cm_cache import trees

    for rel, entry in trees.walk(folder):
        own = digests.belongs(rel) and not entry.is_symlink()
        if own and not os.access(entry.path, os.R_OK | os.W_OK):
            return rel
    return ""


def _drop_scratch(folder: str) -> None:
    """Take away what the engine writes anew for each step: it may be damaged, or no file at all."""
    from cm_cache import trees

    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if name.startswith("tmp-") and not digests.belongs(name):
            try:
                if os.path.isdir(path) and not os.path.islink(path):
                    trees.delete(path)
                else:
                    layout.unlink(path)
            except OSError:
                pass  # the step will say why it cannot begin


def _amount(folder: str) -> str:
    from cm_cache import trees
    from cm_cache.measures import size_text

    found = [e for rel, e in trees.walk(folder) if not rel.startswith(layout.HIDDEN)]
    sizes = [entry.stat(follow_symlinks=False).st_size for entry in found]
    return f"{len(sizes)} files ({size_text(sum(sizes))})"


def _clear(ctx: Context, folder: str, why: str, same: bool) -> None:
    from cm_cache import trees
    from cm_cache.measures import size_text

    own = (layout.LOCK, layout.LOCK + ".owner", layout.BUILDING)
    count, size = trees.clear(folder, own)
    reason = "" if same else "; the recipe or its inputs are others now"
    what = f"cleared {count} files ({size_text(size)}) from" if count else "starting again in"
    ctx.console.log(f"{what} {folder}, where an earlier run ended unfinished: {why}{reason}")


def _make(ctx: Context, shelf: Shelf, claim: Claim) -> Reservation:
    from cmcore.naming import new_uid

    for _ in range(3):
        uid = new_uid()
        folder = shelf.folder(uid)
        shelf.make_folder(uid)
        try:
            # A prune of unfinished entries may take the folder before this process has it.
            if not claim.take_folder(ctx, folder, wait=False):
                continue
            claim.begin(folder)
        except StorageError:
            _leave_nothing(folder)
            raise
        storage.sync_folder(shelf.root)
        shelf.put(uid)
        return Reservation(uid, folder, False, claim)
    raise StorageError("new cache entries vanish while they are being made", where=shelf.root)


def _leave_nothing(folder: str) -> None:
    for name in (layout.LOCK + ".owner", layout.LOCK):
        layout.unlink(os.path.join(folder, name))
    os.rmdir(folder)


def _take_refresh(
    ctx: Context, shelf: Shelf, claim: Claim, old: CacheEntry
) -> Reservation | CacheEntry | None:
    folder = shelf.folder(old.uid)
    if not claim.take_folder(ctx, folder, wait=True):
        return None
    now = shelf.get(old.uid)
    if now and now.kind == records.FINISHED and now.created != old.created:
        return records.entry(shelf.root, now)  # another process refreshed it while we waited
    if now is None or now.kind == records.BUILDING:
        there = os.path.exists(os.path.join(folder, layout.PREVIOUS))
        if there and _of_use(ctx, folder):
            return _resume(ctx, shelf, claim, old.uid)
        claim.drop_folder()
        return None
    if now.closed:
        ctx.console.warn(f"cache entry {old.uid} cannot be read and stays: {now.reason}")
        claim.drop_folder()
        return None
    claim.refresh = True
    claim.begin(folder)
    _keep_state(folder)
    os.replace(os.path.join(folder, layout.META), os.path.join(folder, layout.PREVIOUS))
    storage.sync_folder(folder)
    shelf.put(old.uid)
    return Reservation(old.uid, folder, False, claim)


def _keep_state(folder: str) -> None:
    try:
        state = storage.read_bytes(os.path.join(folder, layout.STATE))
    except StorageError:
        return  # a damaged entry is refreshed as well; there is nothing to bring back
    storage.write_atomic(os.path.join(folder, layout.PREVIOUS_STATE), state)


def _note(claim: Claim) -> dict[str, Any]:
    import platform

    request = claim.request
    return {
        "slot": claim.slot,
        "recipe_uid": request.recipe_uid,
        "recipe_alias": request.recipe_alias,
        "dialect": request.dialect,
        "tags": list(identity.filed_tags(request.entry_tags)),
        "key": dict(request.key),
        "key_digest": claim.key_digest,
        "class": classes.class_of(request.key, request.entry_tags),
        "name": request.name,
        "pid": os.getpid(),
        "host": platform.node(),
    }
