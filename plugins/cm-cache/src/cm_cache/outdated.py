"""Entries that no request will be served any more, and why; and those that a newer one replaces.

They are kept: an older result may be the right one again (a tool is put back, a node of a cluster
has another compiler), and another entry may use its files. `cm prune cache` takes them away.
"""

from __future__ import annotations

import time

from cm_cache import classes, measures, recheck, records, relations, tools
from cm_cache.machine import MACHINE
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any, Iterable, Mapping
from cmcore.types import Setting

if TYPE_CHECKING:
    from cm_cache.records import Record
    from cm_cache.shelf import Shelf
    from cmcore.context import Context

KEEP, REMOVE = "keep", "remove"

SETTING = Setting(
    "cache.superseded",
    "entries that a newer one of the same request replaces and no other needs: keep them, or"
    " remove them when the newer one is finished",
    KEEP,
    (KEEP, REMOVE),
)

#: Parts of a key that say how a request was answered rather than what was asked for.
_ANSWER = ("digest", "env", "recipe")


def why(shelf: Shelf, record: Record) -> str:
    """Why no request will be served a finished entry as things are, as a clause, or ""."""
    until = expiry(record)
    if until:
        return f"expired on {measures.moment(until)}"
    meta = records.entry(shelf.root, record).meta
    found = recheck.flaw(meta) or tools.flaw(shelf, meta)
    if found:
        return found
    try:
        lost = relations.lost_files(shelf, record)
    except CmError:
        return ""
    return f"it uses files of entry {lost}, which is gone" if lost else ""


def expiry(record: Record) -> float:
    """When the time that its recipe gave an entry was over; 0 when it is not."""
    until = records.seconds(record.meta.get("cache_expiration"), 0.0)
    return until if 0 < until < time.time() else 0.0


def replaced(found: Iterable[Record]) -> dict[str, str]:
    """Entries of `found` that a newer one of them replaces, with the UID of that one.

    It replaces an older one when recipe, dialect, tags and request are the same and no variable
    that both have recorded differs. Measurements are results of their own. What was built or
    detected is replaced by what the same machine has made only.
    """
    groups: dict[str, list[Record]] = {}
    for record in found:
        group = _group(record) if record.kind == records.FINISHED else ""
        if group:
            groups.setdefault(group, []).append(record)
    older: dict[str, str] = {}
    for several in groups.values():
        newest: list[Record] = []
        for record in sorted(several, key=lambda r: (r.created, r.uid), reverse=True):
            newer = next((n for n in newest if _inputs_agree(n, record)), None)
            if newer is None:
                newest.append(record)
            else:
                older[record.uid] = newer.uid
    return older


def remove_replaced(ctx: Context, shelf: Shelf, entry_uid: str, tags: Iterable[str]) -> None:
    """Take away what a new entry replaces, where the setting asks for it; never an error."""
    if ctx.settings.get(SETTING.name, KEEP) != REMOVE:
        return
    from cm_cache import usage
    from cm_cache.removal import remove_one

    found = replaced(shelf.finished(list(tags)))
    busy = usage.in_use(shelf.root)
    for uid, newer in found.items():
        if newer == entry_uid and uid not in busy and not relations.dependants(shelf, uid):
            try:
                remove_one(ctx, shelf, uid)
            except CmError as error:
                ctx.console.log(str(error), verbose=True)
            else:
                ctx.console.log(f"removed cache entry {uid}, which {newer} replaces")


def _group(record: Record) -> str:
    import json

    key = record.meta.get("key")
    kind = classes.class_of(record.meta, record.tags)
    if not isinstance(key, Mapping) or kind == classes.MEASURED:
        return ""
    asked = {name: value for name, value in key.items() if name not in _ANSWER}
    machine = None if kind == classes.DATA else record.meta.get(MACHINE)
    parts = [record.recipe, record.dialect, sorted(record.tags), asked, machine]
    return json.dumps(parts, sort_keys=True, default=str)


def _inputs_agree(one: Record, other: Record) -> bool:
    then, now = (_inputs(record) for record in (one, other))
    return all(then[name] == now[name] for name in then.keys() & now.keys())


def _inputs(record: Record) -> Mapping[str, Any]:
    found = record.meta.get("inputs")
    return found if isinstance(found, Mapping) else {}
