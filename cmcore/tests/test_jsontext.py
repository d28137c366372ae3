"""`cmcore.jsontext` against the library's `json`."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cmcore import jsontext

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
KEYS = st.text() | st.integers() | st.booleans() | st.none() | st.floats()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=20
)
WORDS = ("null", "true", "NaN", "Infinity", '"a"', "\ufeff", "\0", "é")
PIECES = st.sampled_from((*'{}[]:,"\\ \t\n\r-+.01eE', *WORDS))


def outcome(function: Any, *args: Any, **options: Any) -> tuple[str, str]:
    """What a function does, comparable also where a NaN is in it."""
    try:
        return "value", repr(function(*args, **options))
    except (ValueError, TypeError, RecursionError) as error:
        return type(error).__name__, str(error)


@given(VALUES)
def test_what_is_written_is_what_the_library_writes(value: Any) -> None:
    for options in (
        {},
        {"separators": (",", ":")},
        {"ensure_ascii": False},
        {"sort_keys": True},
        {"default": str},
        {"indent": 1},
        {"indent": 2, "sort_keys": True, "ensure_ascii": False},
    ):
        assert outcome(jsontext.dumps, value, **options) == outcome(json.dumps, value, **options)


@given(VALUES, st.sampled_from((None, 1)))
def test_what_is_read_is_what_the_library_reads(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    for given_text in (text, f" \n{text}\t", text.encode()):
        assert outcome(jsontext.loads, given_text) == outcome(json.loads, given_text)


@given(st.lists(PIECES, max_size=12).map("".join))
@example("")
@example(" ")
@example("[1,]")
@example('{"a": 1} x')
@example('"\t"')
@example("[" * 100_000)
def test_what_is_no_json_gets_the_same_answer(text: str) -> None:
    assert outcome(jsontext.loads, text) == outcome(json.loads, text)
    assert outcome(jsontext.loads, text.encode()) == outcome(json.loads, text.encode())


@given(st.binary(max_size=8))
@example(b"\xef\xbb\xbf{}")
@example("{}".encode("utf-16"))
@example("[1]".encode("utf-32-le"))
@example(b"\xfe\xff")
@example(b'"\xff"')
@example(b'"\xed\xa0\x80"')
def test_any_bytes_get_the_same_answer(text: bytes) -> None:
    assert outcome(jsontext.loads, text) == outcome(json.loads, text)


@pytest.mark.parametrize("value", [object(), {"a": {1, 2}}, b"x"])
def test_what_json_has_not_is_refused(value: object) -> None:
    assert outcome(jsontext.dumps, value) == outcome(json.dumps, value)
    for indent in (None, 2):
        for default in (str, lambda _: [7]):
            options = {"default": default, "indent": indent}
            assert outcome(jsontext.dumps, value, **options) == outcome(
                json.dumps, value, **options
            )
    assert jsontext.dumps(value, default=lambda _: 7) == json.dumps(value, default=lambda _: 7)


def test_a_value_within_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    for indent in (None, 2):
        assert outcome(jsontext.dumps, value, indent=indent) == outcome(
            json.dumps, value, indent=indent
        )


def test_an_interpreter_without_the_c_code() -> None:
    code = (
        "import sys; sys.modules['_json'] = None\n"
        "from cmcore.jsontext import dumps, loads\n"
        "print(loads('[1, {\"a\": null}]'), dumps({'b': 1.5}, separators=(',', ':')))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[1, {'a': None}] {\"b\":1.5}\n"


@pytest.mark.parametrize("text", ["{", "[1,]", '{"a" 1}', '"\\q"', ""])
def test_an_error_is_the_librarys_also_when_json_is_not_imported_yet(text: str) -> None:
    code = (
        "import sys; from cmcore.jsontext import loads\n"
        "assert 'json' not in sys.modules\n"
        f"try: loads({text!r})\n"
        "except ValueError as error: print(type(error).__name__, error, end='')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert tuple(done.stdout.split(" ", 1)) == outcome(json.loads, text)


def test_it_imports_neither_json_nor_re() -> None:
    code = (
        "import sys; had = set(sys.modules)\n"
        "from cmcore import jsontext\n"
        "jsontext.dumps(jsontext.loads('[1]'))\n"
        "print(sorted({'json', 're', 'enum'} & (set(sys.modules) - had)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
