"""`cm prune|gc cache`: making room by rules."""

from __future__ import annotations

import heapq
import time

from cm_cache import choose, classes, layout, measures, outdated, records, relations, trees, usage
from cm_cache.removal import remove_found, sweep
from cm_cache.shelf import Shelf
from cmcore.errors import StorageError, UsageError
from cmcore.hints import TYPE_CHECKING, Any, Callable, Iterable, Mapping
from cmcore.types import Result, Setting

if TYPE_CHECKING:
    from cm_cache.records import Record
    from cmcore.context import Context
    from cmcore.types import Request

    Test = Callable[[Record], bool]


SETTING = Setting("cache.keep_size", "what `cm gc cache` leaves when it is not told: 20G", "")


def prune(ctx: Context, request: Request) -> Result:
    """`cm prune cache`: entries that are broken or unfinished, and that are old, large, of a class.

    `--broken`, `--unfinished`, `--superseded` and `--expired` add to each other; the other rules
    narrow what goes. Sound entries that one which stays needs, stay as well.

    Raises:
        UsageError: no rule was given, or nobody can be asked for confirmation.
    """
    if choose.is_on(request.flags, "lru") or "keep_size" in request.flags:
        return gc(ctx, request)
    shelf = Shelf(ctx)
    kinds, limits = _rules(shelf, request)
    old = _old(shelf, request.flags)
    by_kind = bool(kinds) or old is not None
    going, anyway = [], set()
    for record in choose.all_kinds(shelf, choose.wish_of(request)):
        if record.closed or not all(test(record) for test in limits):
            continue
        if any(test(record) for test in kinds):
            anyway.add(record.uid)  # it serves nobody
            going.append(record)
        elif not by_kind or record.uid in (old or ()):
            going.append(record)
    found, kept = _without_needed(shelf, going, anyway)
    return _remove(ctx, shelf, request, found, kept)


def gc(ctx: Context, request: Request) -> Result:
    """`cm gc cache`: what has expired or was replaced; then, by size, the least recently used.

    The size is `--keep-size=20G` or the setting `cache.keep_size`; without either that step is
    left out. Entries that others need go after those. What a living process was served or builds
    stays, and so do benchmark results, unless `--class=measured` asks for them.

    Raises:
        UsageError: a size is none, or nobody can be asked for confirmation.
    """
    if "keep_size" not in request.flags and request.action != "gc":
        raise UsageError("how much may stay is not said", hint="add --keep-size=20G")
    size = request.flags.get("keep_size") or ctx.settings.get(SETTING.name, "")
    limit = measures.parse_size(size) if size else None
    shelf, flags = Shelf(ctx), request.flags
    everything = shelf.everything()
    sizes = {record.uid: trees.size(shelf.folder(record.uid)) for record in everything}
    total = sum(sizes.values())
    fits = {record.uid for record in choose.all_kinds(shelf, choose.wish_of(request))}
    limits = _rules(shelf, request)[1]
    spare = "class" not in flags
    busy = usage.in_use(shelf.root)

    def may_go(record: Record) -> bool:
        if record.uid not in fits or record.uid in busy or record.closed:
            return False
        if not all(t(record) for t in limits):
            return False
        if record.kind == records.BUILDING and _worked_in(ctx, shelf.folder(record.uid)):
            return False
        return not spare or _class(record) != classes.MEASURED

    old = _old(shelf, {"superseded": True, "expired": True}) or set()
    found, _ = _without_needed(shelf, [r for r in everything if r.uid in old and may_go(r)], set())
    total -= sum(sizes[record.uid] for record in found)
    if limit is None:
        return _remove(ctx, shelf, request, found, [])
    going = {record.uid for record in found}
    for record in _least_recently_used(shelf, everything, may_go):
        if total <= limit:
            break
        if record.uid not in going:
            found.append(record)
            total -= sizes[record.uid]
    over = measures.size_text(max(0, total - limit))
    kept = [f"still {over} too much: what is left is in use, needed or spared"]
    return _remove(ctx, shelf, request, found, kept if total > limit else [])


def _old(shelf: Shelf, flags: Mapping[str, Any]) -> set[str] | None:
    """Entries that nobody is served any more, as far as asked for; None: not asked for."""
    by_age, by_time = choose.is_on(flags, "superseded"), choose.is_on(flags, "expired")
    if not by_age and not by_time:
        return None
    everything = shelf.finished(())
    found = set(outdated.replaced(everything)) if by_age else set()
    if by_time:
        found |= {r.uid for r in everything if outdated.expiry(r)}
    return found - usage.in_use(shelf.root)


def _least_recently_used(shelf: Shelf, found: list[Record], may_go: Test) -> Iterable[Record]:
    """Entries in the order in which to remove them: none before those that need it."""
    by_uid = {record.uid: record for record in found}
    needed = dict.fromkeys(by_uid, 0)
    for record in found:
        for uid in _needs(record):
            if uid in needed:
                needed[uid] += 1
    ready = [(_used(shelf, r), r.uid) for r in found if not needed[r.uid] and may_go(r)]
    heapq.heapify(ready)
    while ready:
        record = by_uid[heapq.heappop(ready)[1]]
        yield record
        for uid in _needs(record):
            if uid in needed:
                needed[uid] -= 1
                if not needed[uid] and may_go(by_uid[uid]):
                    heapq.heappush(ready, (_used(shelf, by_uid[uid]), uid))


def _worked_in(ctx: Context, folder: str) -> bool:
    from cm_cache.claims import folder_lock

    try:
        lock = folder_lock(ctx, folder)
    except StorageError:
        return True  # another user's: it stays, and the others go
    if lock is not None:
        lock.__exit__(None, None, None)
    return lock is None


def _is_broken(shelf: Shelf, record: Record) -> bool:
    from cm_cache.verifying import closed, problems

    if record.kind == records.BUILDING:
        return False
    found = problems(shelf, record)
    return bool(found) and not closed(record, found)


def _needs(record: Record) -> list[str]:
    return records.depends(record.meta) if record.kind == records.FINISHED else []


def _used(shelf: Shelf, record: Record) -> float:
    return layout.last_used(shelf.folder(record.uid), record.created)


def _class(record: Record) -> str:
    return classes.class_of(record.meta, record.tags)


def _remove(
    ctx: Context, shelf: Shelf, request: Request, found: list[Record], kept: list[str]
) -> Result:
    if found:
        return remove_found(ctx, shelf, request, found, kept)
    sweep(ctx, shelf)
    view = "\n".join(["nothing to remove", *kept])
    return Result({"removed": [], "refused": [], "size": 0}, view=view)


def _without_needed(
    shelf: Shelf, found: list[Record], anyway: set[str]
) -> tuple[list[Record], list[str]]:
    going = {record.uid for record in found}
    kept: dict[str, str] = {}
    changed = True
    while changed:  # an entry that stays keeps what it needs, and so on
        changed = False
        for uid in going - anyway:
            users = [r.uid for r in relations.dependants(shelf, uid) if r.uid not in going]
            if users:
                going.discard(uid)
                kept[uid] = users[0]
                changed = True
    texts = [f"{uid} stays, because {user} needs it" for uid, user in sorted(kept.items())]
    return [record for record in found if record.uid in going], texts


def _rules(shelf: Shelf, request: Request) -> tuple[list[Test], list[Test]]:
    """What may go: any of the first, all of the second."""
    flags = request.flags
    kinds: list[Test] = []
    limits: list[Test] = []
    if choose.is_on(flags, "broken"):
        kinds.append(lambda r: _is_broken(shelf, r))
    if choose.is_on(flags, "unfinished"):
        kinds.append(lambda r: r.kind == records.BUILDING)
    periods = [measures.duration(flags[n]) for n in ("older_than", "older") if n in flags]
    if periods:
        limit = time.time() - max(periods)
        limits.append(lambda r: _used(shelf, r) < limit)
    if "larger_than" in flags:
        bound = measures.parse_size(flags["larger_than"])
        limits.append(lambda r: trees.size(shelf.folder(r.uid)) > bound)
    if "class" in flags:
        wanted = _classes(flags["class"])
        limits.append(lambda r: r.kind == records.FINISHED and _class(r) in wanted)
    old = choose.is_on(flags, "superseded") or choose.is_on(flags, "expired")
    if not kinds and not limits and not old and request.action != "gc" and "keep_size" not in flags:
        raise UsageError(
            "cm prune cache needs to know what may go",
            hint="add --broken, --unfinished, --superseded, --expired, --older-than=30d,"
            " --larger-than=1G, --class=data or --lru --keep-size=20G; `cm rm cache` removes by"
            " tags",
        )
    return kinds, limits


def _classes(given: object) -> set[str]:
    words = given if isinstance(given, list) else str(given).split(",")
    for word in words:
        if word not in classes.ALL:
            raise UsageError(
                f"there is no class '{word}' of cache entries",
                hint=f"there are {', '.join(classes.ALL)}",
            )
    return set(words)
