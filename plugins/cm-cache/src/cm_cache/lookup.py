"""Finding entries for a run, and knowing which of them the run has already seen."""

from __future__ import annotations

import os
import time

from cm_cache import choose, contents, layout, records
from cm_cache.relocate import relocated
from cm_cache.shelf import Shelf
from cmcore.errors import StorageError
from cmcore.hints import TYPE_CHECKING, Any, Sequence

if TYPE_CHECKING:
    from cm_cache.records import Record
    from cmcore.context import Context
    from cmcore.types import CacheEntry, CacheRequest

#: Entries that this process has been shown, by request. What a run looked at and turned down must
#: not come back to it as the result that another process "just finished".
_shown: dict[tuple[object, ...], frozenset[tuple[str, float]]] = {}


#: Detected entries that are not true any more, by request: the next build takes their place.
_stale: dict[tuple[object, ...], list[CacheEntry]] = {}
#: Entries that this user turned out not to be allowed to read.
_closed: set[tuple[str, str]] = set()
#: What was said about them.
_told: set[tuple[str, str]] = set()


def find(ctx: Context, request: CacheRequest, *, remember: bool = True) -> list[CacheEntry]:
    """Finished entries of the request's recipe and dialect that carry its tags, in order.

    Damaged ones, those whose time (`cache_expiration`) is over, detected ones whose tools or
    machine are not what they were (`cm_cache.recheck`), built ones whose tools are others now
    (`cm_cache.tools`), and those that use files of an entry which is gone are left out.

    Args:
        remember: note the entries as shown, for `is_news`.
    """
    shelf = Shelf(ctx)
    if request.unfit:
        return _behind(ctx, shelf, request)
    fields = (("recipe", request.recipe_uid), ("dialect", request.dialect))
    extra = [records.pseudo_tag(field, value) for field, value in fields if value]
    now = time.time()
    entries = []
    stale = []
    for record in shelf.finished([*request.tags, *extra], request.excluded):
        if expired(record.meta, now) or (shelf.root, record.uid) in _closed:
            continue
        entry = records.entry(shelf.root, record)
        if "watch" in entry.meta and _turned_down(ctx, entry):
            if _of_this_machine(entry):
                stale.append(entry)
        elif entry.meta.get("class") == "built" and _other_tools(ctx, shelf, entry):
            continue
        elif not ("depends" in entry.meta and _lost_files(ctx, shelf, record)):
            entries.append(entry)
    if _has_upstream(ctx):
        from cm_cache import upstream

        entries += upstream.more(ctx, shelf.root, request, entries)
    question = _question(shelf.root, request)
    if stale or _stale:
        _stale[question] = stale
    if remember:
        _shown[question] = frozenset((e.uid, e.created) for e in entries)
    return entries


def _behind(ctx: Context, shelf: Shelf, request: CacheRequest) -> list[CacheEntry]:
    """What shared caches have for a request that no entry here answers."""
    if not _has_upstream(ctx):
        return []
    from cm_cache import upstream

    return upstream.more(ctx, shelf.root, request, ())


def _has_upstream(ctx: Context) -> bool:
    # Asking the settings would import every plugin that declares some, on every look-up.
    if "CM_SETTING_CACHE_UPSTREAM" in ctx.environ:
        return True
    path = ctx.paths.config_file
    if not os.path.exists(path):
        return False
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return '"cache.upstream"' in file.read()
    except OSError:
        return False


def _turned_down(ctx: Context, entry: CacheEntry) -> bool:
    from cm_cache import recheck

    flaw = recheck.flaw(entry.meta)
    if flaw:
        _tell(ctx, entry.uid, entry.tags, flaw)
    return bool(flaw)


def _of_this_machine(entry: CacheEntry) -> bool:
    """Whether the result of a new look at the machine belongs in this entry's place."""
    from cm_cache import machine

    return machine.is_this(entry.meta)


def _other_tools(ctx: Context, shelf: Shelf, entry: CacheEntry) -> bool:
    from cm_cache import tools

    flaw = tools.flaw(shelf, entry.meta)
    if flaw:
        _tell(ctx, entry.uid, entry.tags, flaw)
    return bool(flaw)


def _lost_files(ctx: Context, shelf: Shelf, record: Record) -> bool:
    from cm_cache import relations

    try:
        lost = relations.lost_files(shelf, record)
    except StorageError:
        return False  # whoever reads its state will hear why it cannot be read
    if lost:
        flaw = f"it uses files of entry {lost}, which is gone; `cm prune cache --broken` removes it"
        _tell(ctx, record.uid, record.tags, flaw)
    return bool(lost)


def _tell(ctx: Context, uid: str, tags: Sequence[str], flaw: str) -> None:
    if (uid, flaw) not in _told:
        _told.add((uid, flaw))
        ctx.console.log(f"the cached result {uid} of {choose.told_tags(tags)} is not used: {flaw}")


def superseded(ctx: Context, request: CacheRequest, key_digest: str) -> CacheEntry | None:
    """The entry that held the same, as the last `find` of `request` found, and is not true now."""
    question = _question(os.path.abspath(ctx.paths.cache), request)
    same = (e for e in _stale.get(question, ()) if e.meta.get("key_digest") == key_digest)
    return next(same, None)


def is_news(ctx: Context, request: CacheRequest, entry: CacheEntry) -> bool:
    """Whether this process was not shown `entry` when it last asked the same."""
    question = _question(os.path.abspath(ctx.paths.cache), request)
    return (entry.uid, entry.created) not in _shown.get(question, frozenset())


def _question(root: str, request: CacheRequest) -> tuple[object, ...]:
    return (root, request.recipe_uid, request.dialect, request.tags, request.excluded)


def expired(meta: Any, now: float) -> bool:
    """Whether the time that the recipe gave the entry is over."""
    return records.seconds(meta.get("cache_expiration"), now) < now


def state(entry: CacheEntry, ctx: Context | None = None) -> dict[str, Any]:
    """What was published with the entry, with paths below today's cache folder; notes its use.

    Args:
        ctx: for sentences on what takes a while.

    Raises:
        StorageError: the entry is damaged.
    """
    root = os.path.dirname(entry.path)
    if "upstream" in entry.meta and ctx is not None:
        from cm_cache import upstream

        upstream.fetch(ctx, entry)
    try:
        flaw = contents.flaw(entry.path, entry.meta)
        if flaw or ("digests" in entry.meta and os.path.isdir(entry.path)):
            from cm_cache import trust

            trust.assure(ctx, entry, flaw)
        published = records.load_state(entry.path)
    except StorageError as error:
        closed = records.forbidden(error)
        if closed:
            _closed.add((root, entry.uid))
        raise StorageError(
            f"cache entry {entry.uid} {'cannot be read' if closed else 'is damaged'}:"
            f" {error.message}",
            where=error.where,
            hint="it stays as it is; give this user the right to read it"
            if closed
            else "`cm prune cache --broken` removes it",
        ) from error
    layout.touch_used(entry.path)
    layout.note_use(root, entry.uid)
    moved: dict[str, Any] = relocated(published, records.text(entry.meta.get("root")) or root, root)
    return moved
