"""What to do about an index file that is damaged."""

from __future__ import annotations

import os
import sqlite3

from cmcore.index.database import Database

_LOCK_SECONDS = 60.0


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file's content is at fault, as opposed to access to it."""
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(
        error, sqlite3.OperationalError
    )


def replace_damaged(path: str) -> Database:
    """Begin a damaged index file anew, unless another process did so meanwhile.

    Raises:
        sqlite3.Error, CmError, OSError: it cannot be done.
    """
    from cmcore.storage import lock

    with lock(path + ".lock", what="the index", timeout=_LOCK_SECONDS):
        try:
            database = Database(path)
            ((verdict,),) = database.rows("PRAGMA quick_check(1)")
            if verdict == "ok":
                return database
            database.close()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            pass
        # The logs first: replayed into a new file they would damage that one too.
        for suffix in ("-wal", "-shm", "-journal", ""):
            try:
                os.unlink(path + suffix)
            except FileNotFoundError:
                pass
        return Database(path)
