from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cm_script import outputs
from cm_script.dialects import CM, MLC
from cmcore.errors import CmError


def test_lines_become_variables(work, dialect):
    text = 'T_PLAIN=v\nT_EMPTY=\nT_QUOTED="q q"\nT_OVER=after\r\n T_BLANK= x \n\nT_EQ=a=b=c\n'
    (work / "tmp-run-env.out").write_text(text)
    env = {"T_OVER": "before", "T_KEEP": ["k"]}
    found = outputs.import_env(env, dialect)
    assert found == {
        "T_PLAIN": "v",
        "T_EMPTY": "",
        "T_QUOTED": '"q q"',
        "T_OVER": "after",
        "T_BLANK": "x",
        "T_EQ": "a=b=c",
    }
    assert env == {**found, "T_KEEP": ["k"]}


def test_a_line_without_equals_sign_counts_in_one_dialect():
    assert outputs.parse_env("T_OK=1\nT_NOEQ\n=x\n", CM) == {"T_OK": "1", "T_NOEQ": ""}
    assert outputs.parse_env("T_OK=1\nT_NOEQ\n=x\n", MLC) == {"T_OK": "1"}


@given(st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"])))
def test_no_value_is_cut(value):
    assert outputs.parse_env(f"K={value}\n", MLC) == {"K": value.strip()}


def test_bytes_that_are_no_utf8_survive(work):
    (work / "tmp-run-env.out").write_bytes(b"K=caf\xe9\n")
    env: dict[str, str] = {}
    outputs.import_env(env, CM)
    assert env["K"].encode("utf-8", "surrogateescape") == b"caf\xe9"


def test_nothing_written_is_nothing_read(work, dialect):
    env, state = {"A": "1"}, {"S": 1}
    assert outputs.import_env(env, dialect) == {}
    outputs.import_state(state, dialect)
    assert (env, state) == ({"A": "1"}, {"S": 1})


@pytest.mark.parametrize(("which", "items"), [(CM, ["x", "y", "x"]), (MLC, ["x", "y"])])
def test_state_is_merged_as_the_dialect_merges(work, which, items):
    (work / "tmp-run-state.json").write_text('{"T_S": {"b": 2, "l": ["y", "x"]}, "T_N": 3}')
    state = {"T_S": {"a": 1, "l": ["x"]}}
    outputs.import_state(state, which)
    assert state == {"T_S": {"a": 1, "b": 2, "l": items}, "T_N": 3}


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_a_state_file_that_makes_no_sense_is_named(work, text):
    (work / "tmp-run-state.json").write_text(text)
    with pytest.raises(CmError) as caught:
        outputs.import_state({}, CM)
    assert caught.value.where == str(work / "tmp-run-state.json")


def test_answers_of_an_earlier_step_are_deleted(work):
    (work / "tmp-run-env.out").write_text("A=1")
    (work / "tmp-run-state.json").write_text("{}")
    outputs.discard()
    assert list(work.iterdir()) == []
