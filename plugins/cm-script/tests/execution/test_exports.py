from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cm_script.dialects import CM, MLC, Dialect
from cm_script.exports import render
from cm_script.osinfo import os_info
from cmcore.errors import CmError


def in_bash(env: dict[str, Any], dialect: Dialect = CM, literal=frozenset(), **outside):
    """The environment that a program started by the rendered script sees."""
    text = render(env, dialect, os_info(dialect), literal)
    script = text + "\nenv -0\n"
    done = subprocess.run(
        ["bash"],
        input=script.encode("utf-8", "surrogateescape"),
        env={"PATH": os.environ["PATH"], **outside},
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""
    pairs = done.stdout.decode("utf-8", "surrogateescape").rstrip("\0").split("\0")
    return dict(pair.split("=", 1) for pair in pairs)


NASTY = "".join(chr(c) for c in range(1, 128)) + "\u00e9\u2028\U0001f600\udcff"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
        min_size=1,
        max_size=20,
    )
)
@example([NASTY, "'", "\\", '"', "$(touch x)", "`touch x`", "${HOME}", "a\nb\n", "\\\n", "!!"])
def test_any_literal_value_arrives_as_it_is(values):
    env = {f"V{n}": value for n, value in enumerate(values)}
    seen = in_bash(env, literal=frozenset(env), HOME="/not/this")
    assert {key: seen.get(key) for key in env} == env


@settings(max_examples=30, deadline=None)
@given(st.text(st.characters(exclude_characters="\0$\\", exclude_categories=["Cs"])))
def test_a_recipe_value_without_reference_or_escape_arrives_as_it_is(value):
    for dialect in (CM, MLC):
        assert in_bash({"V": value}, dialect)["V"] == value


@pytest.mark.parametrize(
    "value",
    [
        "$(echo sub)",
        "`echo sub`",
        "$((1+1))",
        "a;b&c|d>e",
        "${X:-y}",
        "${X%.*}",
        "awk '{print $3}'",
    ],
)
def test_nothing_but_plain_references_is_interpreted(value, dialect, tmp_path):
    assert in_bash({"V": value}, dialect)["V"] == value


def test_references_see_the_process_and_earlier_names_only(dialect):
    env = {
        "T_QA": "va",
        "T_QB": "$T_QA/b",
        "T_QC": "${HOST_ONLY}-$T_QB.x",
        "T_Q0": "<$T_QA>",
    }
    seen = in_bash(env, dialect, HOST_ONLY="host")
    assert (seen["T_QB"], seen["T_QC"], seen["T_Q0"]) == ("va/b", "host-va/b.x", "<>")


def test_a_reference_in_a_value_that_a_person_typed_is_text(dialect):
    env = {"A": "1", "USERS": "$A", "RECIPES": "$A"}
    seen = in_bash(env, dialect, literal=frozenset({"USERS"}))
    assert (seen["USERS"], seen["RECIPES"]) == ("$A", "1")


def test_what_a_reference_brings_is_not_interpreted_again(dialect):
    env = {"A_USER": '$(echo no) "q" $HOME', "B": "got $A_USER"}
    seen = in_bash(env, dialect, literal=frozenset({"A_USER"}), HOME="/h")
    assert seen["B"] == 'got $(echo no) "q" $HOME'


def test_escapes_of_recipes_keep_their_meaning(dialect):
    shapes = r"\"input_tensor:0\": (BATCH_SIZE, 3, 224, 224)"
    env = {"SHAPES": shapes, "LATER": r"\${NAME}", "RE": r"\b(\d+\.\d+)\b"}
    seen = in_bash(env, dialect, NAME="expanded")
    assert seen["SHAPES"] == '"input_tensor:0": (BATCH_SIZE, 3, 224, 224)'
    assert seen["LATER"] == "${NAME}"
    assert seen["RE"] == r"\b(\d+\.\d+)\b"


def test_plus_lists_go_before_the_old_value_with_their_own_joiner(dialect):
    env = {"+PL": ["x", "y"], "+ FL": ["-a", "-b"], "+,CL": ["p", "q"], "+PATH": ["/first"]}
    seen = in_bash(env, dialect, CL="old")
    assert (seen["PL"], seen["FL"], seen["CL"]) == ("x:y:", "-a -b ", "p,q,old")
    assert seen["PATH"] == "/first:" + os.environ["PATH"]


def test_items_of_a_plus_list_are_data_too(dialect):
    assert in_bash({"+P": ["$(x)", '"'], "A": "1"}, dialect)["P"] == '$(x):":'
    assert in_bash({"+P": ["$A"], "A": "1"}, dialect, literal={"+P"})["P"] == "$A:"


def test_values_that_are_no_text():
    env = {"B": True, "I": 5, "F": 0.6, "N": None}
    seen = in_bash(env)
    assert [seen[key] for key in "BIFN"] == ["True", "5", "0.6", "None"]
    assert in_bash({"L": ["l1", "l2"]}, CM)["L"] == "['l1', 'l2']"
    assert in_bash({"L": ["l1", "l2"]}, MLC)["L"] == "l1:l2"


def test_a_name_that_no_shell_accepts_is_left_out_and_said(dialect):
    env = {"a-b": "1", "1x": "2", "UID": "0", "x\n$(touch z)": "3", "+": ["4"], "GOOD": "5"}
    text = render(env, dialect, os_info(dialect))
    assert text.count("# left out") == 5
    assert in_bash(env, dialect)["GOOD"] == "5"


def test_a_nul_character_is_named_instead_of_cutting_the_value(dialect):
    with pytest.raises(CmError, match="variable V holds a NUL character"):
        render({"V": "a\0b"}, dialect, os_info(dialect))


def test_exports_of_a_detected_list_and_a_windows_host():
    info = {**os_info(CM), "platform": "windows", "env_separator": ";"}
    text = render({"A": "x&y", "+PATH": ["C:\\b"], "a-b": 1}, CM, info)
    assert text == (
        "set PATH=C:\\b;%PATH%\nset A=\"x&y\"\nrem left out: 'a-b' cannot be a shell variable\n"
    )


def test_nothing_is_executed_while_exporting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    env = {
        "A": "$(touch pwned)",
        "B": "`touch pwned`",
        "C": '"; touch pwned; "',
        "D": "\\$(touch p)",
    }
    in_bash(env)
    in_bash(env, MLC)
    assert list(tmp_path.iterdir()) == []
