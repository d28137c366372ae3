"""Which entries need which others."""

from __future__ import annotations

import os

from cm_cache import records
from cm_cache.records import Record
from cmcore.hints import TYPE_CHECKING, Iterable, NamedTuple

if TYPE_CHECKING:
    from cm_cache.shelf import Shelf


class Closure(NamedTuple):
    """Entries with all that they need.

    Attributes:
        records: what is needed stands before what needs it.
        missing: UIDs that are needed and not there, with the one that needs them.
    """

    records: list[Record]
    missing: dict[str, str]


def dependants(shelf: Shelf, uid: str) -> list[Record]:
    """Finished entries that need the entry `uid`, in order."""
    return shelf.finished([records.pseudo_tag("uses", uid)])


def closure(shelf: Shelf, wanted: Iterable[Record]) -> Closure:
    """`wanted` and everything they need, directly or not."""
    done: dict[str, Record] = {}
    missing: dict[str, str] = {}
    open_now: set[str] = set()

    def visit(record: Record) -> None:
        if record.uid in done or record.uid in open_now:
            return
        open_now.add(record.uid)
        for uid in records.depends(record.meta):
            needed = shelf.get(uid)
            if needed is None or needed.kind != records.FINISHED:
                missing.setdefault(uid, record.uid)
            else:
                visit(needed)
        open_now.discard(record.uid)
        done[record.uid] = record

    for record in wanted:
        visit(record)
    return Closure(list(done.values()), missing)


def lost_files(shelf: Shelf, record: Record) -> str:
    """The entry whose files `record` uses although it is gone; "" when there is none.

    An entry may have been built with the help of another one whose files it does not need any
    more; only those that its own values lead to count.
    """
    gone = [
        uid
        for uid in records.depends(record.meta)
        if not os.path.isdir(os.path.join(shelf.root, uid))
    ]
    if not gone:
        return ""
    import json

    state = json.dumps(records.load_state(shelf.folder(record.uid)))
    return next((uid for uid in gone if f"/{uid}" in state), "")
