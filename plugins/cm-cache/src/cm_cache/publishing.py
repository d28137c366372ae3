"""The second half of the way from a request to a finished entry: publish it, or give it back.

`_cm.json` is written last; a process that dies before leaves an unfinished folder, never half an
entry.
"""

from __future__ import annotations

import os
import time

from cm_cache import (
    classes,
    contents,
    digests,
    host,
    identity,
    layout,
    machine,
    recheck,
    records,
    tools,
)
from cm_cache.claims import Claim
from cm_cache.shelf import Shelf
from cmcore import storage
from cmcore.errors import CmError, StorageError
from cmcore.hints import TYPE_CHECKING, Any, Mapping
from cmcore.types import CacheEntry, CacheRequest, Outcome, Reservation

if TYPE_CHECKING:
    from cmcore.context import Context


def publish(ctx: Context, reservation: Reservation, outcome: Outcome) -> CacheEntry:
    """Make the reserved entry visible, all at once and durably; again: the same entry.

    Returns:
        the entry; or, where the outcome says `once`, the one that another process has published
        since this one last looked.

    Raises:
        StorageError: it was released before, its folder is gone, or it cannot be written; or the
            outcome says `once` and another process builds the same. The reservation then stands as
            before.
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
    if outcome.once:
        first = _first(ctx, claim)
        if first is not None:
            _give_up(ctx, shelf, reservation)
            return first
    meta = _meta(shelf, claim, reservation.uid, outcome)
    _add_evidence(ctx, shelf, folder, meta, outcome)
    storage.write_atomic(
        os.path.join(folder, layout.STATE), _json(dict(outcome.state), claim.request)
    )
    if claim.refresh and meta["class"] == classes.DETECTED:
        _tell_change(ctx, folder, meta)
    # From this rename on the entry is finished, whatever happens after it.
    storage.write_atomic(os.path.join(folder, layout.META), _json(meta, claim.request))
    layout.forget_building(folder)
    record = shelf.put(reservation.uid)
    if record is None or record.kind != records.FINISHED:
        raise StorageError("the cache entry was changed while it was published", where=folder)
    claim.entry = records.entry(shelf.root, record)
    claim.standing = "published"
    claim.drop()
    _replace_older(ctx, shelf, claim.entry)
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


def _tell_change(ctx: Context, folder: str, meta: Mapping[str, Any]) -> None:
    """Say what a tool was before and what it is now, when it was looked for again."""
    try:
        before = records.load_object(os.path.join(folder, layout.PREVIOUS))
    except StorageError:
        return
    then, now = (tools.described(one, records.text(one.get("version"))) for one in (before, meta))
    if then != now:
        alias = meta["associated_script_artifact"].partition(",")[0]
        ctx.console.log(f"{alias} found another one: {now}, before {then}")


def _replace_older(ctx: Context, shelf: Shelf, entry: CacheEntry) -> None:
    if ctx.settings.get("cache.superseded", "keep") != "keep":
        from cm_cache.outdated import remove_replaced

        remove_replaced(ctx, shelf, entry.uid, entry.tags)


def _first(ctx: Context, claim: Claim) -> CacheEntry | None:
    """What somebody else has published for the same key since this process last asked."""
    from cm_cache import lookup

    # Held until this one is published, so that of several who come here one goes on.
    claim.take_turn(ctx, wait=False)
    for entry in lookup.find(ctx, claim.request, remember=False):
        same = entry.meta.get("key_digest") == claim.key_digest and "upstream" not in entry.meta
        if same and lookup.is_news(ctx, claim.request, entry):
            return entry
    return None


def _give_up(ctx: Context, shelf: Shelf, reservation: Reservation) -> None:
    from cm_cache.removal import remove_one

    release(ctx, reservation, "another process has published the same")
    try:
        remove_one(ctx, shelf, reservation.uid)
    except CmError:
        pass  # it stays unfinished, and the next one who prunes takes it away


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
        "dialect": request.dialect,
        "key": dict(request.key),
        "key_digest": claim.key_digest,
        "slot": claim.slot,
        "root": shelf.root,
        "created": now,
        "seconds": round(max(0.0, now - claim.note["started"]), 3),
        "host": host.identity(),
        machine.MACHINE: machine.identity(),
        **{key: value for key, value in outcome.meta.items() if key != digests.DIGESTS},
    }
    meta["class"] = classes.settled(request.key.get("class"), meta.get("class"), meta["tags"])
    if outcome.version:
        meta["version"] = outcome.version
    return meta


def _add_evidence(
    ctx: Context, shelf: Shelf, folder: str, meta: dict[str, Any], outcome: Outcome
) -> None:
    """Add to `meta` what later shows whether the entry is still what it is published as."""
    meta[contents.CONTENTS] = contents.sizes(folder)
    wish = outcome.meta.get(digests.DIGESTS)
    if wish is not False and (wish or meta["class"] == classes.DATA):
        known = wish if isinstance(wish, Mapping) else None
        try:
            meta[digests.DIGESTS] = digests.record(folder, known, ctx.console.log)
        except OSError as error:
            raise storage.storage_error(error, folder, "compute digests of the files") from error
    if meta["class"] == classes.DETECTED:
        meta[recheck.WATCH] = recheck.watched(outcome.state, folder)
    if meta["class"] in (classes.BUILT, classes.DETECTED):
        found = tools.used(shelf, records.depends(meta))
        if found:
            meta[tools.TOOLS] = found


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
