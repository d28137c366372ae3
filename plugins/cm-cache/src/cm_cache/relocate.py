"""Entries remember the cache folder they were made in, so that moving it keeps them working."""

from __future__ import annotations

import os

from cmcore.hints import Any, Mapping


def relocated(data: Any, old: str, new: str) -> Any:
    """A copy of JSON `data` with every path below the cache folder `old` pointing below `new`.

    Paths may stand anywhere in a text, as in `-I/old/cache/<uid>/include`.
    """
    old, new = old.rstrip(os.sep) + os.sep, new.rstrip(os.sep) + os.sep
    if old in (os.sep, new):
        return data
    return _replace(data, old, new)


def _replace(data: Any, old: str, new: str) -> Any:
    if isinstance(data, str):
        return data.replace(old, new)
    if isinstance(data, Mapping):
        return {key: _replace(value, old, new) for key, value in data.items()}
    if isinstance(data, list):
        return [_replace(value, old, new) for value in data]
    return data
