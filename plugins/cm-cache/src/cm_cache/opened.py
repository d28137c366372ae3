"""One open index per cache folder and thread, made anew when damaged, given up when useless."""

from __future__ import annotations

import os
from _thread import _local  # as `threading` gives it, whose import costs 1 ms

from cm_cache import layout, schema
from cm_cache.index import Index
from cmcore.hints import Callable, TypeVar

T = TypeVar("T")

#: What SQLite says when a new database would not help.
_NO_CURE = ("locked", "busy", "readonly", "full")

#: An index nobody can use stays given up for the rest of the process.
_given_up: set[str] = set()


class _Open(_local):
    """SQLite connections belong to one thread, and must not be used on after a fork."""

    def __init__(self) -> None:
        self.by_root: dict[str, tuple[int, Index]] = {}
        self.before_fork: list[Index] = []


_open = _Open()


def with_index(
    root: str, use: Callable[[Index], T], plain: Callable[[], T], warn: Callable[[str], None]
) -> T:
    """`use(index)` of the cache folder `root`, or `plain()` when no index can be had.

    Args:
        use: may be called twice, when the index turns out to be damaged the first time.
        warn: gets a sentence when the index is made anew or given up.
    """
    from cmcore import sqlite

    if root in _given_up:
        return plain()
    failures = (sqlite.Error, OSError, ValueError, TypeError, KeyError)
    try:
        return use(_index(root))
    except failures as error:
        first = error
    if "locked" in str(first) and schema.patience < schema.PATIENCE:
        if not schema.has_locks(root):
            return _without(root, "the file system does not support locks", plain, warn)
        schema.patience = schema.PATIENCE
        close(root)
        try:
            return use(_index(root))
        except failures as error:
            first = error
    if not any(word in str(first) for word in _NO_CURE):
        try:
            bad = close(root) or schema.generation(root)
            if schema.generation(root) <= bad:
                schema.discard(root, bad)
                result = use(_index(root, bad + 1))
            else:  # another process made it anew
                result = use(_index(root))
        except failures as error:
            first = error
        else:
            warn(f"the index of the cache was damaged and has been made anew ({_clause(first)})")
            return result
    return _without(root, _clause(first), plain, warn)


def _without(root: str, why: str, plain: Callable[[], T], warn: Callable[[str], None]) -> T:
    close(root)
    _given_up.add(root)
    where = os.path.join(root, layout.INDEX)
    warn(f"the cache works without its index, only slower: {why} ({where})")
    return plain()


def close(root: str) -> int:
    """Close this thread's index of `root`; returns its generation, 0 when none was open."""
    pid, index = _open.by_root.pop(root, (0, None))
    if index is None:
        return 0
    if pid == os.getpid():
        index.close()
    else:
        _open.before_fork.append(index)
    return index.generation


def reset() -> None:
    """Close this thread's indexes and forget what was given up."""
    for root in list(_open.by_root):
        close(root)
    _given_up.clear()


def _index(root: str, generation: int = 0) -> Index:
    pid, index = _open.by_root.get(root, (0, None))
    if index is not None and pid == os.getpid():
        return index
    close(root)
    index = Index(root, generation or schema.generation(root) or 1)
    _open.by_root[root] = (os.getpid(), index)
    return index


def _clause(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
