"""Look-ups that cost the same with a hundred entries and with a hundred thousand.

The index follows the folders: it compares the cache folder's mark with the one it last saw and
reads what came and drops what went; each row it is about to answer with is compared with the
files first. Every method may raise `sqlite.Error` or `OSError`; `cm_cache.shelf` then reads the
folders themselves.
"""

from __future__ import annotations

import os
import time

from cm_cache import layout, records, schema
from cm_cache.records import BUILDING, DAMAGED, Record
from cmcore.hints import TYPE_CHECKING, Any, Callable, Iterable, Sequence
from cmcore.jsontext import dumps, loads

if TYPE_CHECKING:
    from cmcore import sqlite

#: A modification time younger than this, in seconds, may not be the last one of its clock tick.
SETTLED = 0.1

#: Beginnings of words that few entries carry as a rule; see `records.pseudo_tags`.
_RARE = (",digest=", ",recipe=", ",uses=")

#: More new entries than this take seconds to read.
MANY = 2000

_COLUMNS = "uid, kind, tags, recipe, dialect, slot, digest, created, meta, reason, stamp"
_COLUMNS_OF_E = ", ".join(f"e.{name}" for name in _COLUMNS.split(", "))


class Index:
    """The index of one cache folder, for one thread of one process."""

    def __init__(self, root: str, generation: int) -> None:
        self.root = root
        self.generation = generation
        self._db: sqlite.Connection = schema.connect(root, generation)

    def close(self) -> None:
        """Give the database file back."""
        self._db.close()

    def follow(self, report: Callable[[str], None]) -> list[Record]:
        """Take in what came and went by other hands.

        Args:
            report: gets a sentence when that will take a while.

        Returns:
            Entries found damaged that were not known as such.
        """
        # Read before the folder is listed: what happens in between is then noticed next time.
        mark = layout.root_mark(self.root)
        seen, unsettled = self._noted()
        if mark and mark == seen:
            return self._follow_unsettled(unsettled)
        came = self._follow_names(mark, report)
        return came + self._follow_unsettled(self._noted()[1])

    def _follow_names(self, mark: str, report: Callable[[str], None]) -> list[Record]:
        there = set(layout.names(self.root))
        known = {row[0] for row in self._db.execute("SELECT uid FROM entries")}
        new = there - known
        if len(new) > MANY:
            report(f"reading {len(new)} cache entries into the index of {self.root}")
        came = [record for record in (records.read(self.root, uid) for uid in new) if record]
        tick = float(mark.partition(".")[0]) / 1e9 if mark else 0.0
        settled = not 0 <= time.time() - tick < SETTLED
        self._begin()
        try:
            for uid in known - there:
                if not os.path.isdir(os.path.join(self.root, uid)):
                    self._forget(uid)
            fresh: list[Record] = []
            for record in came:
                # Another process may have filed it meanwhile, and knows better.
                if self._row(record.uid) is None:
                    fresh.append(record)
            self._file(fresh)
            self._set_about("mark", mark if settled else "")
            self._db.execute("COMMIT")
        except BaseException:
            self._rollback()
            raise
        return [record for record in came if record.kind == DAMAGED]

    def _noted(self) -> tuple[str, list[tuple[str, str, str]]]:
        """The mark last seen, and (UID, kind, stamp) of the entries that are not finished."""
        # In one statement: each takes and gives back the database's lock.
        rows = self._db.execute(
            "SELECT '', '', value FROM about WHERE name = 'mark' UNION ALL"
            " SELECT uid, kind, stamp FROM entries WHERE uid IN"
            " (SELECT uid FROM tags WHERE tag IN (',kind=building', ',kind=damaged'))"
        ).fetchall()
        seen = rows.pop(0)[2] if rows and not rows[0][0] else ""
        return seen, rows

    def _follow_unsettled(self, unsettled: Iterable[tuple[str, str, str]]) -> list[Record]:
        # Only these can become finished without the cache folder itself changing.
        damaged = []
        for uid, kind, stamp in unsettled:
            if layout.stamp(os.path.join(self.root, uid)) != stamp or not stamp:
                fresh = self.put(uid)
                if fresh and fresh.kind == DAMAGED and kind != DAMAGED:
                    damaged.append(fresh)
        return damaged

    def find(self, kind: str, wanted: Iterable[str], excluded: Iterable[str]) -> list[Record]:
        """Records of `kind` that carry all of `wanted` and none of `excluded`, as last read."""
        words = self._rare_first({*wanted, f",kind={kind}"})
        if not words:
            return []
        rarest, *others = words
        has = "EXISTS (SELECT 1 FROM tags t WHERE t.tag = ? AND t.uid = e.uid)"
        without = list(excluded)
        conditions = ["r.tag = ?", *[has] * len(others), *[f"NOT {has}"] * len(without)]
        # CROSS JOIN is SQLite's way to say: start from this table.
        sql = f"SELECT {_COLUMNS_OF_E} FROM tags r CROSS JOIN entries e ON e.uid = r.uid WHERE "
        found = self._db.execute(sql + " AND ".join(conditions), [rarest, *others, *without])
        return [_record(row) for row in found.fetchall()]

    def _rare_first(self, words: set[str]) -> list[str]:
        """`words`, one that few entries carry first; empty when it turns out that none does."""
        # Counting stops at the limit: most look-ups hold a word that few entries carry.
        sql = "SELECT count(*) FROM (SELECT 1 FROM tags WHERE tag = ? LIMIT ?)"
        ordered = sorted(words, key=lambda w: (not w.startswith(_RARE), w[:1] == ",", w))
        limit = 50
        while True:
            for word in ordered:
                (number,) = self._db.execute(sql, (word, limit)).fetchone()
                if number < limit:
                    return [word, *(w for w in ordered if w != word)] if number else []
            limit *= 20

    def put(self, uid: str) -> Record | None:
        """Read the entry folder and file what is there."""
        record = records.read(self.root, uid)
        self._begin()
        try:
            self._forget(uid)
            if record:
                self._file([record])
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
                self._file([Record(came, BUILDING, ("tmp",))])
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

    def _row(self, uid: str) -> Record | None:
        sql = f"SELECT {_COLUMNS} FROM entries WHERE uid = ?"
        row = self._db.execute(sql, (uid,)).fetchone()
        return _record(row) if row else None

    def _forget(self, uid: str) -> None:
        record = self._row(uid)
        if record:
            self._db.executemany("DELETE FROM tags WHERE tag = ? AND uid = ?", _filed_under(record))
            self._db.execute("DELETE FROM entries WHERE uid = ?", (uid,))

    def _file(self, found: Sequence[Record]) -> None:
        rows = [(*r[:2], dumps(r.tags), *r[3:8], dumps(dict(r.meta)), *r[9:]) for r in found]
        places = ",".join("?" * len(Record._fields))
        self._db.executemany(f"INSERT INTO entries({_COLUMNS}) VALUES({places})", rows)
        # Sorted, because a database takes a hundred thousand rows in order far faster.
        words = sorted(pair for record in found for pair in _filed_under(record))
        self._db.executemany("INSERT INTO tags VALUES(?, ?)", words)


def _filed_under(record: Record) -> set[tuple[str, str]]:
    words = (f",kind={record.kind}", *records.pseudo_tags(record), *record.tags)
    return {(word, record.uid) for word in words}


def _record(row: Sequence[Any]) -> Record:
    values = [*row]
    values[2], values[8] = tuple(loads(row[2])), loads(row[8])
    return Record(*values)
