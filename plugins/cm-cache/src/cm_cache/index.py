"""Look-ups that cost the same with a hundred entries and with a hundred thousand.

The index follows the folders: it compares the cache folder's mark with the one it last saw and
reads what came and drops what went; each row it is about to answer with is compared with the
files first. Every method may raise `sqlite3.Error` or `OSError`; `cm_cache.shelf` then reads the
folders themselves.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from cm_cache import layout, records, schema
from cm_cache.records import BUILDING, DAMAGED, Record

if TYPE_CHECKING:
    import sqlite3

#: A modification time younger than this, in seconds, may not be the last one of its clock tick.
SETTLED = 0.1

_COLUMNS = "uid, kind, tags, recipe, dialect, slot, digest, created, meta, reason, stamp, checked"
_COLUMNS_OF_E = ", ".join(f"e.{name}" for name in _COLUMNS.split(", "))


class Index:
    """The index of one cache folder, for one thread of one process."""

    def __init__(self, root: str, generation: int) -> None:
        self.root = root
        self.generation = generation
        self._db: sqlite3.Connection = schema.connect(root, generation)

    def close(self) -> None:
        """Give the database file back."""
        self._db.close()

    def follow(self) -> list[Record]:
        """Take in what came and went by other hands.

        Returns:
            Entries found damaged that were not known as such.
        """
        # Read before the folder is listed: what happens in between is then noticed next time.
        mark = layout.root_mark(self.root)
        seen = self._about("mark")
        came = self._follow_names(mark) if not mark or mark != seen else []
        return came + self._follow_unsettled()

    def _follow_names(self, mark: str) -> list[Record]:
        there = set(layout.names(self.root))
        known = {row[0] for row in self._db.execute("SELECT uid FROM entries")}
        came = [r for r in (records.read(self.root, uid) for uid in there - known) if r]
        tick = float(mark.partition(".")[0]) / 1e9 if mark else 0.0
        settled = not 0 <= time.time() - tick < SETTLED
        self._begin()
        try:
            for uid in known - there:
                if not os.path.isdir(os.path.join(self.root, uid)):
                    self._forget(uid)
            for record in came:
                # Another process may have filed it meanwhile, and knows better.
                if not self._known(record.uid):
                    self._file(record)
            self._set_about("mark", mark if settled else "")
            self._db.execute("COMMIT")
        except BaseException:
            self._rollback()
            raise
        return [record for record in came if record.kind == DAMAGED]

    def _follow_unsettled(self) -> list[Record]:
        # Only these can become finished without the cache folder itself changing.
        rows = self._db.execute(
            "SELECT uid, kind, stamp FROM entries WHERE uid IN"
            " (SELECT uid FROM tags WHERE tag IN (',kind=building', ',kind=damaged'))"
        ).fetchall()
        damaged = []
        for uid, kind, stamp in rows:
            if layout.stamp(os.path.join(self.root, uid)) != stamp or not stamp:
                fresh = self.put(uid)
                if fresh and fresh.kind == DAMAGED and kind != DAMAGED:
                    damaged.append(fresh)
        return damaged

    def find(self, kind: str, wanted: Iterable[str], excluded: Iterable[str]) -> list[Record]:
        """Records of `kind` that carry all of `wanted` and none of `excluded`, as last read."""
        words = {f",kind={kind}", *wanted}
        places = ",".join("?" * len(words))
        rows = self._db.execute(f"SELECT tag, n FROM counts WHERE tag IN ({places})", [*words])
        counts: dict[str, int] = dict(rows.fetchall())
        if len(counts) < len(words):
            return []
        rarest, *others = sorted(words, key=lambda word: (counts[word], word))
        has = "EXISTS (SELECT 1 FROM tags t WHERE t.tag = ? AND t.uid = e.uid)"
        without = list(excluded)
        conditions = ["r.tag = ?", *[has] * len(others), *[f"NOT {has}"] * len(without)]
        # CROSS JOIN is SQLite's way to say: start from this table.
        sql = f"SELECT {_COLUMNS_OF_E} FROM tags r CROSS JOIN entries e ON e.uid = r.uid WHERE "
        found = self._db.execute(sql + " AND ".join(conditions), [rarest, *others, *without])
        return [_record(row) for row in found.fetchall()]

    def put(self, uid: str, *, check_state: bool = False) -> Record | None:
        """Read the entry folder and file what is there."""
        record = records.read(self.root, uid, check_state=check_state)
        self._begin()
        try:
            self._forget(uid)
            if record:
                self._file(record)
            else:
                self._set_about("mark", "")  # it went unnoticed, and others may have come so
            self._db.execute("COMMIT")
        except BaseException:
            self._rollback()
            raise
        return record

    def change_root(self, change: Callable[[], None], *, came: str = "", gone: str = "") -> None:
        """Make or move away an entry folder without having to list all of them afterwards."""
        self._begin()
        try:
            followed = self._about("mark") == layout.root_mark(self.root)
            change()
            if gone:
                self._forget(gone)
            if came:
                self._file(Record(came, BUILDING, ("tmp",)))
            if followed:
                self._set_about("mark", layout.root_mark(self.root))
            self._db.execute("COMMIT")
        except BaseException:
            self._rollback()
            raise

    def _begin(self) -> None:
        self._db.execute("BEGIN IMMEDIATE")

    def _rollback(self) -> None:
        if self._db.in_transaction:  # a full disk makes SQLite roll back by itself
            self._db.execute("ROLLBACK")

    def _about(self, name: str) -> str:
        row = self._db.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""

    def _set_about(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO about VALUES(?, ?)", (name, value))

    def _known(self, uid: str) -> bool:
        return bool(self._db.execute("SELECT 1 FROM entries WHERE uid = ?", (uid,)).fetchone())

    def _forget(self, uid: str) -> None:
        self._db.execute("DELETE FROM tags WHERE uid = ?", (uid,))
        self._db.execute("DELETE FROM entries WHERE uid = ?", (uid,))

    def _file(self, record: Record) -> None:
        import json

        row = record._replace(
            tags=json.dumps(record.tags),  # type: ignore[arg-type]  # the row's form of the record
            meta=json.dumps(dict(record.meta)),  # type: ignore[arg-type]  # likewise
        )
        self._db.execute(f"INSERT INTO entries({_COLUMNS}) VALUES({','.join('?' * 12)})", row)
        words = (
            f",kind={record.kind}",
            *records.pseudo_tags(record),
            *record.tags,
        )
        self._db.executemany(
            "INSERT OR IGNORE INTO tags VALUES(?, ?)", [(word, record.uid) for word in words]
        )


def _record(row: Sequence[Any]) -> Record:
    import json

    record = Record._make(row)
    return record._replace(
        tags=tuple(json.loads(row[2])), meta=json.loads(row[8]), checked=bool(row[11])
    )
