"""SQLite without the module `sqlite3`, which imports `datetime` for converters unused here.

What it re-exports stands in the C module behind it. The classes are the same objects, so an error
of the one is an error of the other.
"""

from __future__ import annotations

from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite3 import Connection, DatabaseError, Error, OperationalError, connect
else:
    try:
        from _sqlite3 import Connection, DatabaseError, Error, OperationalError, connect
    except ImportError:  # an interpreter that is built in another way
        from sqlite3 import Connection, DatabaseError, Error, OperationalError, connect

__all__ = ["Connection", "DatabaseError", "Error", "OperationalError", "connect"]
