"""Imported results: one SQLite file in the home, `mlperf-results.sqlite`.

SQLite rather than a file of JSON lines, because a question about one model or round then reads a
few hundred records instead of forty thousand, and because importing again changes what is there
instead of adding to it. Each row holds a record as JSON, and beside it the words it is filtered by.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from cm_mlperf.results import recordfile
from cm_mlperf.results.finding import TEXT_FILTERS, Item, Wish, names_of
from cm_mlperf.results.record import Accuracy, Performance, Record, to_dict
from cmcore import sqlite
from cmcore.errors import StorageError
from cmcore.hints import Any, NamedTuple
from cmcore.storage import make_dir

FILE = "mlperf-results.sqlite"
_VERSION = 1
#: Logs tell more than a table that was made from them.
_RANKS = {"tree": 2, "run": 2}


class Counts(NamedTuple):
    """What an import did: how many results are new, changed, or were there already."""

    new: int = 0
    changed: int = 0
    same: int = 0


def path_of(home: str) -> str:
    """The file of imported results."""
    return os.path.join(home, FILE)


def save(home: str, records: Iterable[Record]) -> Counts:
    """Take records in, all or none; one that is there already is replaced if it says otherwise.

    Raises:
        StorageError: the file cannot be written, or is damaged.
    """
    make_dir(home)
    new = changed = same = 0
    with _open(home, write=True) as database:
        known = {
            uid: (rank, digest)
            for uid, rank, digest in database.execute("SELECT id, rank, digest FROM results")
        }
        rows = []
        for record in records:
            rank, body = _RANKS.get(record.source.kind, 1), _body(record)
            digest = hashlib.sha256(body.encode("ascii")).hexdigest()[:32]
            there = known.get(record.id)
            if there is not None and (there[1] == digest or there[0] > rank):
                same += 1
                continue
            new, changed = (new, changed + 1) if there else (new + 1, changed)
            path, verdict = record.source.path, _verdict(record)
            rows.append((record.id, rank, digest, verdict, path, *_words(record), body))
        marks = ", ".join("?" * (6 + len(TEXT_FILTERS)))
        database.executemany(f"INSERT OR REPLACE INTO results VALUES ({marks})", rows)
    return Counts(new, changed, same)


def select(home: str, wish: Wish) -> list[Item]:
    """The imported results that are asked for.

    Raises:
        StorageError: the file is damaged.
    """
    if not os.path.exists(path_of(home)):
        return []
    clauses, values = ["1"], list[object]()
    for key, words in wish.texts.items():
        clauses.append(f"({' OR '.join(f'{key} GLOB ?' for _ in words)})")
        values += [f"*\n{_glob(word)}\n*" for word in words]
    if wish.verdicts:
        clauses.append(f"({' OR '.join('valid IS ?' for _ in wish.verdicts)})")
        values += [None if verdict is None else int(verdict) for verdict in wish.verdicts]
    path = path_of(home)
    with _open(home) as database:
        found = database.execute(
            f"SELECT body, path FROM results WHERE {' AND '.join(clauses)}", values
        ).fetchall()
    return [Item(_record(body, path, source)) for body, source in found]


def _record(body: str, path: str, source: str) -> Record:
    record = recordfile.from_dict(json.loads(body), path)
    return record._replace(source=record.source._replace(path=source))


def count(home: str) -> int:
    """How many results were imported."""
    if not os.path.exists(path_of(home)):
        return 0
    with _open(home) as database:
        (number,) = database.execute("SELECT count(*) FROM results").fetchone()
    return int(number)


def _glob(word: str) -> str:
    """A pattern of `fnmatch` in SQLite's spelling."""
    return word.replace("[!", "[^")


def _words(record: Record) -> Sequence[str]:
    # Between line breaks, so that one comparison finds a whole word among several.
    return ["\n" + "\n".join(names_of(record, key)).lower() + "\n" for key in TEXT_FILTERS]


def _verdict(record: Record) -> int | None:
    return None if record.valid is None else int(record.valid)


def _body(record: Record) -> str:
    """What the record says, wherever it was read; fields that say nothing are left out."""
    data = to_dict(record)
    data["source"]["path"] = ""
    for name, part in (("performance", record.performance), ("accuracy", record.accuracy)):
        if part is not None:
            data[name] = _told(data[name], part)
    return json.dumps(_told(data, record), separators=(",", ":"))


def _told(data: dict[str, Any], record: Record | Performance | Accuracy) -> dict[str, Any]:
    silent = record._field_defaults
    return {
        key: value
        for key, value in data.items()
        if value or value is False or key not in silent or key == "valid" or value == 0
    }


@contextmanager
def _open(home: str, *, write: bool = False) -> Iterator[sqlite.Connection]:
    path = path_of(home)
    try:
        database = sqlite.connect(path, timeout=60.0, isolation_level=None)
        try:
            database.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            _prepare(database, path, write)
            yield database
            database.execute("COMMIT")
        finally:
            database.close()  # without COMMIT nothing of it happened
    except sqlite.OperationalError as error:
        raise StorageError(f"cannot use the imported results: {error}", where=path) from error
    except sqlite.DatabaseError as error:
        raise StorageError(
            f"the imported results are damaged: {error}",
            where=path,
            hint="delete the file and import again",
        ) from error


def _prepare(database: sqlite.Connection, path: str, write: bool) -> None:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version == _VERSION:
        return
    if version:
        raise StorageError(
            f"imported results of form {version}, not {_VERSION}",
            where=path,
            hint="made by another version of cm-plugin-mlperf",
        )
    columns = ", ".join(f"{key} TEXT NOT NULL" for key in TEXT_FILTERS)
    # A first import that was interrupted leaves an empty file, which is no reason to write.
    database.execute(
        f"CREATE {'' if write else 'TEMP '}TABLE results (id TEXT PRIMARY KEY, rank INTEGER "
        f"NOT NULL, digest TEXT NOT NULL, valid INTEGER, path TEXT NOT NULL, {columns}, "
        "body TEXT NOT NULL)"
    )
    if write:
        database.execute(f"PRAGMA user_version = {_VERSION}")
