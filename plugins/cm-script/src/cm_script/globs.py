"""Patterns over names: `NAME`, `PREFIX_*`, and whatever else a glob can say.

Nearly all patterns of recipes are of the first two kinds. They need neither `fnmatch` nor the
module `re` behind it, which costs more to import than a small recipe takes to run.
"""

from __future__ import annotations

from cmcore.hints import Callable

_SPECIAL = frozenset("*?[")
_MOST = 64
#: What `fitting` has answered, by patterns.
_known: dict[tuple[str, ...], Callable[[str], bool]] = {}


def fitting(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    """A function that tells whether a name fits one of `patterns`, upper and lower case as given.

    The same as asking `fnmatch.fnmatchcase` for each of them.
    """
    found = _known.get(patterns)
    if found is None:
        if len(_known) >= _MOST:
            _known.clear()
        found = _known[patterns] = _fitting(patterns)
    return found


def _fitting(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    names, beginnings, others = set(), [], []
    for pattern in patterns:
        if _SPECIAL.isdisjoint(pattern):
            names.add(pattern)
        elif pattern.endswith("*") and _SPECIAL.isdisjoint(pattern[:-1]):
            beginnings.append(pattern[:-1])
        else:
            others.append(pattern)
    if others:
        import re
        from fnmatch import translate

        fits = re.compile("|".join(map(translate, patterns))).match
        return lambda name: fits(name) is not None
    starts = tuple(beginnings)
    return lambda name: name in names or name.startswith(starts)
