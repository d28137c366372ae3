"""Where keys stand in a YAML or JSON file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmcore.errors import StorageError
from cmcore.yamlio import dump_yaml, layout


def test_lines_of_keys_and_items() -> None:
    lines, repeats = layout("a: 1\nb:\n- x: 2\n  y: {z: 3}\n- - 4\n")
    assert lines == {
        ("a",): (1, 1),
        ("b",): (2, 1),
        ("b", 0): (3, 3),
        ("b", 0, "x"): (3, 3),
        ("b", 0, "y"): (4, 3),
        ("b", 0, "y", "z"): (4, 7),
        ("b", 1): (5, 3),
        ("b", 1, 0): (5, 5),
    }
    assert repeats == []


def test_json_has_lines_too() -> None:
    assert layout(b'{"a": [1,\n2],\n"b": {}}')[0] == {
        ("a",): (1, 2),
        ("a", 0): (1, 8),
        ("a", 1): (2, 1),
        ("b",): (3, 1),
    }


def test_repeated_keys() -> None:
    _, repeats = layout("a: 1\nb:\n  c: [x]\n  c: [x]\na: 2\n")
    assert [tuple(r) for r in repeats] == [(("b", "c"), 4, 3, True), (("a",), 5, 1, False)]


def test_what_is_empty_or_wrong() -> None:
    assert layout("") == ({}, [])
    assert layout("just text") == ({}, [])
    with pytest.raises(StorageError):
        layout("a: [")


_values = st.recursive(
    st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), _values, max_size=4))
def test_every_place_has_a_line(data: dict[str, object]) -> None:
    text = dump_yaml(data)
    lines, repeats = layout(text)
    assert repeats == []

    def places(value: object, path: tuple[str | int, ...]) -> list[tuple[str | int, ...]]:
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        found = []
        for key, item in pairs:
            found.append((*path, key))
            if isinstance(item, (dict, list)):
                found += places(item, (*path, key))
        return found

    assert set(lines) == set(places(data, ()))
    assert all(1 <= line <= text.count("\n") for line, _ in lines.values())
