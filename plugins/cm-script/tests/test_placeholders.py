"""Placeholders."""

import pytest

from cm_script.placeholders import fill, fill_nested, names, resolved
from cmcore.errors import CmError


def test_one_pass_in_insertion_order():
    env = {"A": "<<<B>>>", "B": "<<<C>>>", "C": "c", "D": "<<<A>>>/<<<NONE>>>"}
    fill(env)
    assert env == {"A": "<<<C>>>", "B": "c", "C": "c", "D": "<<<C>>>/<<<NONE>>>"}
    fill(env)
    assert env["A"] == "c"


def test_lists_numbers_and_extra_names():
    env = {"N": 3, "+L": ["<<<N>>>", 4, "<<<X>>>"], "B": True}
    fill(env, {"X": "x"})
    assert env == {"N": 3, "+L": ["3", 4, "x"], "B": True}


def test_own_names_win_over_extra_ones():
    assert resolved("<<<A>>>", {"A": "own"}, {"A": "extra"}) == "own"


def test_a_plus_key_without_a_list_is_an_error():
    with pytest.raises(CmError, match=r"\+PATH"):
        fill({"+PATH": "text"})


def test_nested_texts_are_filled_and_lists_left():
    data = {"tags": "_<<<A>>>", "env": {"X": "<<<A>>>"}, "names": ["<<<A>>>"]}
    fill_nested(data, {"A": "1"})
    assert data == {"tags": "_1", "env": {"X": "1"}, "names": ["<<<A>>>"]}


def test_names():
    assert names("a<<<B>>>c<<<D>>>") == ["B", "D"]


@pytest.mark.parametrize("prefix", ["CM_", "MLC_"])
@pytest.mark.parametrize(
    ("extra", "url", "expected"),
    [
        ({"GH_TOKEN": "t"}, "https://example.org/o/r.git", "https://git:t@example.org/o/r"),
        ({"GH_TOKEN": "t"}, "https://u@example.org/o/r", "https://u@example.org/o/r"),
        ({"GIT_SSH": "yes"}, "https://example.org/o/r", "git@example.org:o/r.git"),
        ({"GIT_SSH": "yes"}, "git@example.org:o/r.git", "git@example.org:o/r.git"),
        ({"GIT_SSH": "yes"}, "../local/repo", "../local/repo"),
        ({}, "https://example.org/o/r", "https://example.org/o/r"),
    ],
)
def test_private_repositories_get_credentials(prefix, extra, url, expected):
    env = {f"{prefix}GIT_AUTH": "yes", f"{prefix}GIT_URL": url}
    env.update({prefix + key: value for key, value in extra.items()})
    fill(env)
    assert env[prefix + "GIT_URL"] == expected
    fill(env)
    assert env[prefix + "GIT_URL"] == expected


def test_no_credentials_without_being_asked():
    env = {"CM_GIT_URL": "https://example.org/o/r", "CM_GH_TOKEN": "t"}
    fill(env)
    assert env["CM_GIT_URL"] == "https://example.org/o/r"
