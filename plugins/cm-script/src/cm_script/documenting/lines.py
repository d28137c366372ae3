"""Lines for a terminal: wrapped to its width, long lists folded with a count."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from cmcore.hints import Any

_INDENT = "  "
_NARROWEST = 40
#: Columns that terms of a list may take; a longer one gets a line of its own.
_TERM = 34


class Lines:
    """Text that grows downwards.

    Args:
        width: columns of the terminal; None does not wrap.
        bold: makes a heading stand out.
        everything: fold nothing.

    Attributes:
        folded: something was left out.
    """

    def __init__(
        self, width: int | None, bold: Callable[[str], str] = str, *, everything: bool = False
    ) -> None:
        self._width = None if width is None else max(width, _NARROWEST)
        self._bold = bold
        self.everything = everything
        self._lines: list[str] = []
        self.folded = False

    def heading(self, text: str, remark: str = "") -> None:
        """A section begins."""
        if self._lines:
            self._lines.append("")
        head = self._bold(plain(text))
        if remark and self._width and len(text) + len(remark) + 2 > self._width:
            self._lines.append(head)
            self.text(remark)
        else:
            self._lines.append(f"{head}  {plain(remark)}".rstrip())

    def text(self, text: str, level: int = 1) -> None:
        """A paragraph."""
        self._wrapped(_INDENT * level, _INDENT * level, text)

    def item(self, term: str, text: str, *, term_width: int, level: int = 1) -> None:
        """A term and what it means, in two columns."""
        lead, term = _INDENT * level, plain(term)
        column = " " * (len(lead) + term_width + 2)
        if not text:
            self._wrapped(lead, lead + _INDENT, term)
        elif len(term) <= term_width:
            self._wrapped(f"{lead}{term:<{term_width}}  ", column, text)
        else:
            self._wrapped(lead, lead + _INDENT, term)
            self._wrapped(column, column, text)

    def items(self, pairs: Sequence[tuple[str, str]], most: int, noun: str, level: int = 1) -> None:
        """Several of them, the first `most` unless everything is wanted."""
        shown = self._first(pairs, most)
        widths = [len(plain(term)) for term, _ in shown if len(plain(term)) <= _TERM]
        for term, text in shown:
            self.item(term, text, term_width=max(widths, default=0), level=level)
        self._rest(len(pairs) - len(shown), noun, level)

    def words(self, term: str, words: Sequence[str], most: int, *, term_width: int) -> None:
        """A term and a list of words behind it, the first `most` of them."""
        shown = list(self._first(words, most))
        left = len(words) - len(shown)
        self.folded = self.folded or left > 0
        text = " ".join(shown) + (f" and {left} more" if left else "")
        self.item(term, text, term_width=term_width)

    def __str__(self) -> str:
        return "\n".join(self._lines)

    def _first(self, things: Sequence[Any], most: int) -> Sequence[Any]:
        # Folding one line away takes a line as well.
        return things if self.everything or len(things) <= most + 1 else things[:most]

    def _rest(self, left: int, noun: str, level: int) -> None:
        if left > 0:
            self.folded = True
            self.text(f"... and {left} more {noun}", level)

    def _wrapped(self, lead: str, below: str, text: str) -> None:
        text = plain(text)
        if self._width is None or len(lead) + len(text) <= self._width:
            self._lines.append((lead + text).rstrip())
            return
        import textwrap

        room = self._width - _NARROWEST // 2
        self._lines += textwrap.wrap(
            text,
            self._width,
            initial_indent=lead,
            subsequent_indent=below if len(below) < room else _INDENT * 3,
            break_long_words=False,
            break_on_hyphens=False,
        )


def plain(text: str) -> str:
    """One line without control characters: a meta file must not steer a terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else " " for char in text)


def joined(parts: Iterable[str], by: str = "; ") -> str:
    """Those of the parts that say something."""
    return by.join(part for part in parts if part)
