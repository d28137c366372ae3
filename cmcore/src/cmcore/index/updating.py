"""Bring what the database knows of one folder up to date with the files."""

from __future__ import annotations

import os
import time

from cmcore.hints import TYPE_CHECKING, NamedTuple
from cmcore.index.database import Conflict, Database, Scope, snapshot_of
from cmcore.index.freshness import Look, look

if TYPE_CHECKING:
    from cmcore.index.reading import Record

_ATTEMPTS = 3


class Updated(NamedTuple):
    """What is stored of a folder now; `scope` is None for one that holds nothing."""

    scope: Scope | None
    problem: str = ""


def update(database: Database, root: str, automation: str, known: Scope | None) -> Updated:
    """Read what changed in `<root>/<automation>` and store it.

    Files are read outside of the transaction. When another process stores the same folder in
    between, all starts anew from its result; after a few times others have to wait.

    Args:
        database: where it is stored.
        root, automation: the folder.
        known: what this process saw last, to spare loading it again.

    Raises:
        sqlite.Error: the database cannot be read or written.
    """
    for _ in range(_ATTEMPTS):
        try:
            return _try(database, root, automation, known)
        except Conflict:
            known = None
    # Nobody else stores anything while this one reads.
    with database.transaction():
        return _try(database, root, automation, None)


def _try(database: Database, root: str, automation: str, known: Scope | None) -> Updated:
    folder = os.path.join(root, automation)
    scope = database.scope(root, automation, known)
    old = snapshot_of(scope)
    found = look(folder, old, time.time_ns())
    if found is None:
        return Updated(scope)
    records = _read(database, folder, scope, found)
    if records or found.gone or found.snapshot != old:
        with database.transaction():
            scope = database.store(root, automation, scope, found.snapshot, records, found.gone)
    return Updated(scope, found.problem)


def _read(database: Database, folder: str, scope: Scope | None, found: Look) -> list[Record]:
    if not found.stale:
        return []
    from cmcore.index.reading import Record, read_record

    wanted = set(found.stale)
    pairs = zip(found.snapshot.names, found.snapshot.masks, strict=True)
    masks = {name: mask for name, mask in pairs if name in wanted}
    digests = database.digests(scope, found.stale)
    records = []
    for name in found.stale:
        if not masks[name]:
            if name in digests:
                # It was an artifact and is none any more: an empty record takes its place.
                records.append(Record(name))
            continue
        record = read_record(os.path.join(folder, name), masks[name], digests.get(name, b""))
        if record is not None:
            records.append(record)
    return records
