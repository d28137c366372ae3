"""The index database: its tables, and opening it for one process and thread.

Written to be thrown away: everything in it can be read again from the entry folders. The file's
name carries the version of the tables, so that two releases of this package can share a cache,
and a generation: a damaged database is never replaced under its own name, because processes that
still have it open would, on closing, remove the new one's write-ahead log.
"""

from __future__ import annotations

import os

from cm_cache import layout
from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from cmcore import sqlite

_STEM = "entries-1."

#: How long a statement waits for another process's write, in seconds: at first, because SQLite
#: cannot tell a lock that another one holds from one that the file system does not know; and from
#: then on in this process, where the file system knows them.
FIRST_PATIENCE, PATIENCE = 2.0, 20.0
patience = FIRST_PATIENCE

# Recipe, dialect, key digest and kind are filed as tags too (with a comma, which no tag can have),
# so that every look-up is the same: start from the rarest word, test the others.
_TABLES = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS about(name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tags(tag TEXT, uid TEXT, PRIMARY KEY(tag, uid)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entries(
    uid TEXT PRIMARY KEY, kind TEXT NOT NULL, tags TEXT NOT NULL, recipe TEXT NOT NULL,
    dialect TEXT NOT NULL, slot TEXT NOT NULL, digest TEXT NOT NULL, created REAL NOT NULL,
    meta TEXT NOT NULL, reason TEXT NOT NULL, stamp TEXT NOT NULL
) WITHOUT ROWID;
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


def connect(root: str, number: int) -> sqlite.Connection:
    """Open the index in generation `number`, making it when it is not there.

    Raises:
        OSError, sqlite.Error: it cannot be made, read or written.
    """
    from cmcore import sqlite

    path = index_path(root, number)
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
    connection = sqlite.connect(path, timeout=patience, isolation_level=None)
    try:
        # A commit lost in a power failure is found again by the cache folder's mark.
        connection.execute("PRAGMA synchronous = NORMAL")
        made = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'entries'").fetchone()
        if not made:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_TABLES)
    except BaseException:
        connection.close()
        raise
    return connection


def has_locks(root: str) -> bool:
    """Whether the file system knows the locks that SQLite takes; True where that cannot be told.

    Source: fcntl(2); SQLite gives ENOLCK out as "database is locked".
    """
    try:
        import fcntl
    except ImportError:
        return True  # Windows has locks of its own
    # Not on the database: closing a file gives back all locks that the process has on it.
    path = os.path.join(root, layout.INDEX, f"lock-{os.getpid()}")
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:
        return True
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(handle)
        layout.unlink(path)
    return True


def discard(root: str, number: int) -> None:
    """Remove generation `number`; processes that have it open go on with what they have.

    Raises:
        OSError: it cannot be removed.
    """
    for suffix in ("", "-wal", "-shm", "-journal"):
        layout.unlink(index_path(root, number) + suffix)
