"""The second half of an error message: what would have worked."""

from __future__ import annotations

from cmcore.hints import Iterable

_SHOWN = 12
#: Of more names than that, the first ones by alphabet help nobody.
_TOO_MANY = 100


def nearest(word: str, words: Iterable[str], what: str) -> str:
    """Names near a misspelt one, or all of them when none is near and they are few enough.

    Args:
        word: what was asked for.
        words: what is there.
        what: plural name of what these are, for example `variations`.
    """
    from cmcore.naming import did_you_mean, suggestion

    known = sorted({str(name) for name in words} - {""})
    if not known:
        return f"there are no {what}"
    near = did_you_mean(word, known)
    if near:
        return suggestion(near)
    if len(known) > _TOO_MANY:
        return f"none of the {len(known)} {what} is spelt like that"
    return f"the {what} are " + listed(known)


def listed(words: Iterable[str]) -> str:
    """Names separated by commas, cut short when there are many."""
    known = list(words)
    text = ", ".join(known[:_SHOWN])
    return f"{text} and {len(known) - _SHOWN} more" if len(known) > _SHOWN else text
