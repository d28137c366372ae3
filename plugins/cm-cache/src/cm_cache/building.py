"""From a request to a finished entry: reserve, build, publish or release.

At every moment a folder is either finished (it has a `_cm.json`) or not, and each step is one
atomic file operation, so that a process can die between any two of them: what it leaves is found
by the next one who asks, never served, and built on.
"""

from __future__ import annotations

import os
import time

from cm_cache import identity, layout, records
from cm_cache.claims import Claim, note_of
from cm_cache.lookup import find, is_news
from cm_cache.shelf import Shelf
from cmcore import storage
from cmcore.errors import CmError, StorageError
from cmcore.hints import TYPE_CHECKING, Any
from cmcore.types import CacheEntry, CacheRequest, Outcome, Reservation

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
    claim = Claim(request, identity.slot(request))
    claim.note = _note(claim)
    try:
        if not fresh:
            claim.take_slot(ctx)
            if refresh is None:
                for entry in find(ctx, request, remember=False):
                    if is_news(ctx, request, entry):
                        claim.drop()
                        return entry
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


def _take_unfinished(ctx: Context, shelf: Shelf, claim: Claim) -> Reservation | None:
    for record in shelf.unfinished():
        folder = shelf.folder(record.uid)
        if record.slot != claim.slot or not claim.take_folder(ctx, folder, wait=False):
            continue
        if _resumable(shelf, claim, record.uid):
            return _resume(ctx, shelf, claim, record.uid)
        claim.drop_folder()
    return None


def _resumable(shelf: Shelf, claim: Claim, uid: str) -> bool:
    now = shelf.get(uid)
    return now is not None and now.kind == records.BUILDING and now.slot == claim.slot


def _resume(ctx: Context, shelf: Shelf, claim: Claim, uid: str) -> Reservation:
    folder = shelf.folder(uid)
    before = note_of(folder)
    why = records.text(before.get("error")) or "it was interrupted"
    ctx.console.log(f"continuing in {folder}, where an earlier run ended unfinished: {why}")
    claim.refresh = os.path.exists(os.path.join(folder, layout.PREVIOUS))
    claim.begin(folder, attempt=int(records.seconds(before.get("attempt"), 1)) + 1)
    shelf.put(uid)
    return Reservation(uid, folder, True, claim)


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
        if os.path.exists(os.path.join(folder, layout.PREVIOUS)):
            return _resume(ctx, shelf, claim, old.uid)
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
        "key_digest": identity.key_digest(request),
        "name": request.name,
        "pid": os.getpid(),
        "host": platform.node(),
    }


def publish(ctx: Context, reservation: Reservation, outcome: Outcome) -> CacheEntry:
    """Make the reserved entry visible, all at once and durably; again: the same entry.

    Raises:
        StorageError: it was released before, its folder is gone, or it cannot be written. The
            reservation then stands as before.
    """
    claim = _claim(reservation)
    if claim.entry is not None:
        return claim.entry
    if claim.standing != "open":
        raise StorageError("a released cache entry cannot be published", where=reservation.path)
    folder = reservation.path
    if not os.path.isdir(folder):
        raise StorageError(
            "the folder of the cache entry vanished while it was built", where=folder
        )
    for key in ("new_env", "new_state"):
        if not isinstance(outcome.state.get(key, {}), dict):
            raise StorageError(f"'{key}' of the outcome is not a dictionary", where=folder)
    shelf = Shelf(ctx)
    meta = _meta(shelf, claim, reservation.uid, outcome)
    storage.write_atomic(
        os.path.join(folder, layout.STATE), _json(dict(outcome.state), claim.request)
    )
    # From this rename on the entry is finished, whatever happens after it.
    storage.write_atomic(os.path.join(folder, layout.META), _json(meta, claim.request))
    layout.forget_building(folder)
    record = shelf.put(reservation.uid)
    if record is None or record.kind != records.FINISHED:
        raise StorageError("the cache entry was changed while it was published", where=folder)
    claim.entry = records.entry(shelf.root, record)
    claim.standing = "published"
    claim.drop()
    return claim.entry


def release(ctx: Context, reservation: Reservation, error: str) -> bool:
    """Give the reservation back unpublished; nothing to do when it already ended.

    The folder stays, unseen by look-ups, for the next one who asks for the same.
    """
    claim = _claim(reservation)
    if claim.standing != "open":
        return True
    claim.standing = "released"
    try:
        if os.path.isdir(reservation.path):
            why = " ".join(error.split()) or "it was given up"
            claim.write_note(reservation.path, error=why, ended=time.time())
            Shelf(ctx).put(reservation.uid)
    except CmError as failure:
        ctx.console.warn(f"cannot note why {reservation.path} stays unfinished: {failure}")
    finally:
        claim.drop()
    if claim.refresh:
        ctx.console.warn(
            f"cache entry {reservation.uid} is not used any more because building it again failed;"
            f" `cm restore cache {reservation.uid}` brings the earlier result back"
        )
    return True


def _claim(reservation: Reservation) -> Claim:
    if not isinstance(reservation.token, Claim):
        raise StorageError("not a reservation of this cache", where=reservation.path)
    return reservation.token


def _meta(shelf: Shelf, claim: Claim, uid: str, outcome: Outcome) -> dict[str, Any]:
    request, now = claim.request, time.time()
    meta: dict[str, Any] = {
        "alias": "",
        "automation_alias": "cache",
        "automation_uid": layout.AUTOMATION_UID,
        "uid": uid,
        "tags": list(identity.filed_tags(outcome.tags)),
        "associated_script_artifact": f"{request.recipe_alias},{request.recipe_uid}",
        "associated_script_artifact_uid": request.recipe_uid,
        "recipe_uid": request.recipe_uid,
        "recipe_digest": records.text(request.key.get("digest")),
        "class": records.text(request.key.get("class")),
        "dialect": request.dialect,
        "key": dict(request.key),
        "key_digest": identity.key_digest(request),
        "slot": claim.slot,
        "root": shelf.root,
        "created": now,
        "seconds": round(max(0.0, now - claim.note["started"]), 3),
        **outcome.meta,
    }
    if outcome.version:
        meta["version"] = outcome.version
    return meta


def _json(data: object, request: CacheRequest) -> str:
    import json

    def refuse(value: object) -> Any:
        raise StorageError(
            f"recipe '{request.recipe_alias}' leaves a value of type {type(value).__name__} in its"
            " state; only what JSON knows can be cached"
        )

    try:
        return json.dumps(data, indent=2, default=refuse) + "\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise StorageError(
            f"the state of recipe '{request.recipe_alias}' cannot be cached: {error}"
        ) from error
