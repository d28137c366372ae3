"""The index database: its tables, and opening it for one process and thread.

Written to be thrown away: everything in it can be read again from the entry folders. The file's
name carries the version of the tables, so that two releases of this package can share a cache,
and a generation: a damaged database is never replaced under its own name, because processes that
still have it open would, on closing, remove the new one's write-ahead log.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cm_cache import layout

if TYPE_CHECKING:
    import sqlite3

_STEM = "entries-1."

#: How long a statement waits for another process's write, in seconds.
PATIENCE = 20.0

# Counting the entries of each tag lets a look-up start from its rarest tag, whatever the size of
# the cache. Recipe, dialect and kind are filed as tags too (with a comma, which no tag can have).
_TABLES = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS about(name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entries(
    uid TEXT PRIMARY KEY, kind TEXT NOT NULL, tags TEXT NOT NULL, recipe TEXT NOT NULL,
    dialect TEXT NOT NULL, slot TEXT NOT NULL, digest TEXT NOT NULL, created REAL NOT NULL,
    meta TEXT NOT NULL, reason TEXT NOT NULL, stamp TEXT NOT NULL, checked INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tags(tag TEXT, uid TEXT, PRIMARY KEY(tag, uid)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tags_of_entry ON tags(uid);
CREATE TABLE IF NOT EXISTS counts(tag TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
CREATE TRIGGER IF NOT EXISTS tag_filed AFTER INSERT ON tags BEGIN
    INSERT INTO counts VALUES(new.tag, 1) ON CONFLICT(tag) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER IF NOT EXISTS tag_gone AFTER DELETE ON tags BEGIN
    UPDATE counts SET n = n - 1 WHERE tag = old.tag;
    DELETE FROM counts WHERE tag = old.tag AND n < 1;
END;
COMMIT;
"""


def generation(root: str) -> int:
    """Number of the newest index database; 0 when there is none."""
    try:
        files = os.listdir(os.path.join(root, layout.INDEX))
    except FileNotFoundError:
        return 0
    words = (name.removeprefix(_STEM) for name in files if name.startswith(_STEM))
    return max((int(word) for word in words if word.isdecimal()), default=0)


def index_path(root: str, number: int) -> str:
    """The database file of the cache folder `root` in generation `number`."""
    return os.path.join(root, layout.INDEX, f"{_STEM}{number}")


def connect(root: str, number: int) -> sqlite3.Connection:
    """Open the index in generation `number`, making it when it is not there.

    Raises:
        OSError, sqlite3.Error: it cannot be made, read or written.
    """
    import sqlite3

    path = index_path(root, number)
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
    connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
    try:
        # A commit lost in a power failure is found again by the cache folder's mark.
        connection.execute("PRAGMA synchronous = NORMAL")
        made = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'tag_gone'").fetchone()
        if not made:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_TABLES)
    except BaseException:
        connection.close()
        raise
    return connection


def discard(root: str, number: int) -> None:
    """Remove generation `number`; processes that have it open go on with what they have.

    Raises:
        OSError: it cannot be removed.
    """
    for suffix in ("", "-wal", "-shm", "-journal"):
        layout.unlink(index_path(root, number) + suffix)
