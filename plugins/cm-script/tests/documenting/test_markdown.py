"""Whatever a meta holds is shown as text: no character of it is taken for Markdown or HTML."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rendering import rendered

from cm_script.documenting import markdown

NASTY = "".join(chr(c) for c in range(32, 127)) + "äλ中🦊\u00a0\u2028\t\n\r\x00\x1b"
TEXTS = st.text(st.sampled_from(NASTY), max_size=40) | st.text(max_size=20)


def shown(text: str) -> str:
    return " ".join(markdown.flat(text).split())


@given(TEXTS)
@example("- a")
@example("1. a")
@example("# a")
@example("&amp; <b> |x| `y` [z](w) **v** ~~u~~ \\")
@example("a | b")
@example("===")
@example("    code")
@example("![x](y)")
def test_escaped_text_is_read_as_it_was_written(text: str) -> None:
    page = rendered(markdown.escape(text) + "\n")
    assert page.text == shown(text)
    assert page.links == []
    assert page.tables == []
    assert page.anchors == set()


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4))
@example([("a|b", "c|d")])
@example([("\\", "|")])
@example([("`", "a`|`b")])
def test_cells_of_a_table_keep_their_texts(rows: list[tuple[str, str]]) -> None:
    cells = [(markdown.escape(a) or "x", markdown.code(b)) for a, b in rows]
    page = rendered("\n".join(markdown.table(("one", "two"), cells)) + "\n")
    assert len(page.tables) == 1
    head, *body = page.tables[0]
    assert [cell.strip() for cell in head] == ["one", "two"]
    assert len(body) == len(rows)
    for (first, second), found in zip(rows, body, strict=True):
        assert " ".join(found[0].split()) == (shown(first) or "x")
        assert " ".join(found[1].split()) == (shown(second) or "(empty)")
    assert page.unclosed == []


@given(st.text(st.sampled_from("`~ab\n<>|"), max_size=30))
def test_a_block_ends_where_it_should(text: str) -> None:
    page = rendered("\n".join([*markdown.block(text, "sh"), "", "behind"]) + "\n")
    assert page.text.endswith("behind")
    assert page.text == " ".join(f"{text} behind".split())


def test_links_that_people_wrote_are_kept() -> None:
    text = "[A_b](https://a.example/x_y?z=1|2) and https://b.example/_c_, not [d](javascript:e)"
    page = rendered(markdown.prose(text) + "\n")
    assert page.links == ["https://a.example/x_y?z=1%7C2", "https://b.example/_c_"]
    assert page.text == "A_b and https://b.example/_c_, not [d](javascript:e)"


@given(TEXTS)
def test_prose_shows_every_word(text: str) -> None:
    assert rendered(markdown.prose(text) + "\n").text == shown(text)


@pytest.mark.parametrize(
    ("headings", "expected"),
    [
        (["AI/ML datasets"], ["aiml-datasets"]),
        (["A", "a", "A"], ["a", "a-1", "a-2"]),
        (["a", "a-1", "a"], ["a", "a-1", "a-2"]),
        (["Äpfel & Birnen", "_x_ y.z", "3d-unet"], ["äpfel--birnen", "_x_-yz", "3d-unet"]),
    ],
)
def test_anchors_are_those_of_github(headings: list[str], expected: list[str]) -> None:
    anchors = markdown.Anchors()
    assert [anchors.of(heading) for heading in headings] == expected


def test_addresses_survive_odd_folder_names() -> None:
    line = markdown.link("x", markdown.path("../a b(c)#%|d/README.md"))
    assert rendered(line + "\n").links == ["../a%20b%28c%29%23%25%7Cd/README.md"]
