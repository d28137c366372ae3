"""Help pages: everything stands on them, within the width, where click would put it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cmcore.cli import layout

WORDS = st.lists(st.text("abcdef", min_size=1, max_size=12), min_size=1, max_size=20)
TEXTS = WORDS.map(" ".join)
TERMS = st.text("abc-=", min_size=1, max_size=40)


@given(st.lists(st.tuples(TERMS, TEXTS), max_size=6), st.integers(50, 120))
def test_a_list_shows_all_within_the_width(pairs: list[tuple[str, str]], width: int) -> None:
    lines = list(layout.rows(pairs, width))
    assert all(len(line) <= width for line in lines)
    shown = " ".join(" ".join(lines).split())
    assert shown == " ".join(f"{term} {text}" for term, text in pairs)


@given(TEXTS, st.integers(40, 120))
def test_usage_and_paragraphs_show_all_within_the_width(text: str, width: int) -> None:
    lines = list(layout.usage(text, width))
    assert all(len(line) <= width for line in lines)
    assert " ".join(" ".join(lines).split()) == f"Usage: cm {text}"
    lines = list(layout.paragraph(text, width))
    assert all(len(line) <= width for line in lines)
    assert " ".join(lines) == text[0].upper() + text[1:]


def test_columns() -> None:
    long = "--a-term-that-is-longer-than-the-column=VALUE"
    lines = list(layout.rows([("short", "one two three"), (long, "beside"), ("bare", "")], 43))
    assert lines == [
        "  short                           one two",
        "                                  three",
        f"  {long}",
        "                                  beside",
        "  bare",
    ]


def test_colours_take_no_room() -> None:
    plain = list(layout.usage("a " * 40, 50))
    colourful = list(layout.usage("a " * 40, 50, shown="\x1b[1mUsage:\x1b[0m"))
    assert colourful == [plain[0].replace("Usage:", "\x1b[1mUsage:\x1b[0m"), *plain[1:]]
