"""What to do about an index file that is damaged."""

from __future__ import annotations

import os

from cmcore import sqlite
from cmcore.index.database import Database

_LOCK_SECONDS = 60.0


def is_damage(error: sqlite.Error) -> bool:
    """Whether the file's content is at fault, as opposed to access to it."""
    if isinstance(error, sqlite.OperationalError):
        return str(error).startswith("no such")
    return isinstance(error, sqlite.DatabaseError)


def replace_damaged(path: str, inode: int) -> Database:
    """Begin a damaged index file anew, unless another process did so meanwhile.

    Args:
        path: the file.
        inode: of the damaged file; 0 when that is not known.

    Raises:
        sqlite.Error, CmError, OSError: it cannot be done.
    """
    from cmcore.storage import lock

    with lock(path + ".lock", what="the index", timeout=_LOCK_SECONDS):
        if inode and inode_of(path) not in (0, inode):
            return Database(path)
        # The logs first: replayed into a new file they would damage that one too.
        for suffix in ("-wal", "-shm", "-journal", ""):
            try:
                os.unlink(path + suffix)
            except FileNotFoundError:
                pass
        return Database(path)


def inode_of(path: str) -> int:
    """Which file stands there; 0 for none."""
    try:
        return os.stat(path).st_ino
    except OSError:
        return 0
