"""Help pages in columns: a usage line, paragraphs and lists of (term, explanation).

Laid out as click does, whose pages people know, but with `textwrap` alone: importing click takes
longer than all the rest of `cm --help` together.
"""

from __future__ import annotations

from cmcore.hints import Iterable, Sequence

_INDENT = 2
_GAP = 2
#: A longer term stands on a line of its own.
_WIDEST_TERM = 30
#: The least that is left for text beside a term or a usage line.
_NARROWEST = 10
_LEAST_USAGE = 20


def usage(words: str, width: int, *, title: str = "Usage:", shown: str = "") -> Iterable[str]:
    """Lines of `Usage: cm WORDS`; `shown` stands for the title where it carries colours."""
    head = f"{title} cm "
    lines = list(_wrapped(words, width - len(head), least=_LEAST_USAGE))
    lead = f"{shown or title} cm "
    for number, line in enumerate(lines):
        yield (lead if number == 0 else " " * len(head)) + line


def paragraph(text: str, width: int) -> Iterable[str]:
    """Lines of one paragraph, its first letter a capital."""
    return _wrapped(text[:1].upper() + text[1:], width)


def rows(pairs: Sequence[tuple[str, str]], width: int) -> Iterable[str]:
    """Lines of a list: terms in one column, explanations wrapped beside them."""
    longest = max((len(term) for term, _ in pairs), default=0)
    column = min(longest, _WIDEST_TERM) + _GAP
    for term, text in pairs:
        lines = list(_wrapped(text, width - _INDENT - column)) if text else [""]
        beside = len(term) <= column - _GAP
        if not beside:
            yield " " * _INDENT + term
        for number, line in enumerate(lines):
            first = term if beside and number == 0 else ""
            yield f"{'':{_INDENT}}{first:{column}}{line}".rstrip()


def _wrapped(text: str, width: int, *, least: int = _NARROWEST) -> Iterable[str]:
    width = max(width, least)
    if len(text) <= width and "\n" not in text:
        return [text]
    from textwrap import wrap

    return wrap(text, width)
