"""SQLite without the module `sqlite3`, which imports `datetime` for converters unused here.

What it re-exports stands in the C module behind it. The classes are the same objects, so an error
of the one is an error of the other.

That C module asks two modules for one thing each: `collections.abc` for the class of sequences,
`functools` for the cache of statements. Importing these costs as much as a third of a bare
interpreter, and both things are there already, in the interpreter's own modules. So they are lent
while the C module is loaded; where that does not do, it is loaded as always.
"""

from __future__ import annotations

import sys

from cmcore.hints import TYPE_CHECKING, Any, Callable, ModuleType

if TYPE_CHECKING:
    from sqlite3 import Connection, DatabaseError, Error, OperationalError, connect
else:

    def _load_lending() -> None:
        import _collections_abc
        from _functools import _lru_cache_wrapper

        def lru_cache(size: int) -> Callable[[Any], Any]:
            return lambda function: _lru_cache_wrapper(function, size, False, tuple)

        functools = ModuleType("functools")
        functools.lru_cache = lru_cache
        lent = {"functools": functools, "collections.abc": _collections_abc}
        sys.modules.update(lent)
        try:
            import _sqlite3  # noqa: F401 - the names follow
        finally:
            for name in lent:
                sys.modules.pop(name, None)

    # A program with threads has imported them, and nobody else can meet what is lent.
    if sys.modules.keys().isdisjoint(("functools", "collections", "threading", "_sqlite3")):
        try:
            _load_lending()
        except (ImportError, AttributeError):
            sys.modules.pop("_sqlite3", None)
    try:
        from _sqlite3 import Connection, DatabaseError, Error, OperationalError, connect
    except ImportError:  # an interpreter that is built in another way
        from sqlite3 import Connection, DatabaseError, Error, OperationalError, connect

__all__ = ["Connection", "DatabaseError", "Error", "OperationalError", "connect"]
