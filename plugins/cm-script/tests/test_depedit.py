"""Editing dependency lists."""

import pytest

from cm_script import depedit
from cm_script.dialects import CM, MLC
from cmcore.errors import CmError

both = pytest.mark.parametrize("dialect", [CM, MLC], ids=lambda d: d.name)


def test_equal_names_replace_in_place_whatever_their_order():
    live = [{"tags": "a", "names": ["x", "y"]}, {"tags": "b"}]
    depedit.append(live, [{"tags": "c", "names": ["y", "x"]}])
    assert [dep["tags"] for dep in live] == ["c", "b"]


def test_without_names_equal_tags_replace():
    live = [{"tags": "a,b"}, {"tags": "c"}]
    new = {"tags": "b,a", "version": "1"}
    depedit.append(live, [new, {"tags": "d"}])
    assert live == [new, {"tags": "c"}, {"tags": "d"}]
    assert live[0] is new


def test_some_equal_names_are_another_dependency():
    live = [{"tags": "a", "names": ["x", "y"]}]
    depedit.append(live, [{"tags": "c", "names": ["x"]}])
    assert len(live) == 2


def test_entries_without_tags_and_slips_do_no_harm():
    live = [{"names": ["x"]}]
    depedit.append(live, ["slip", {"env": {}}, {"tags": "a"}])
    assert live == [{"names": ["x"]}, {"env": {}}, {"tags": "a"}]


@both
def test_a_change_adds_tags_merges_dictionaries_and_replaces_values(dialect):
    dep = {"tags": "a,b", "env": {"X": "1"}, "names": ["n"], "version": "1"}
    change = {
        "tags": "b,_z,_<<<OPEN>>>,_c",
        "env": {"Y": "2"},
        "names": ["m"],
        "version": "2",
        "skip_if_env": {"Z": ["yes"]},
    }
    depedit.change_one(dep, change, dialect)
    assert dep == {
        "tags": "a,b,_z,_c",
        "env": {"X": "1", "Y": "2"},
        "names": ["n", "m"],
        "version": "2",
    }


@both
def test_edits_reach_every_list_and_resolve_placeholders_for_good(dialect):
    lists = [[{"tags": "a", "names": ["x"]}], [{"tags": "b", "names": ["x", "y"]}]]
    edits = {"x": {"tags": "_<<<K>>>"}, "gone": {"tags": "_no"}}
    assert depedit.edit(lists, edits, {"K": "v"}, dialect) == ["gone"]
    assert [dep["tags"] for live in lists for dep in live] == ["a,_v", "b,_v"]
    assert edits["x"] == {"tags": "_v"}
    assert edits["gone"] == {"tags": "_no"}


@both
def test_an_edit_has_conditions_of_its_own(dialect):
    lists = [[{"tags": "a", "names": ["x"]}]]
    edits = {"x": {"tags": "_v", "skip_if_env": {"K": ["yes"]}}}
    depedit.edit(lists, edits, {"K": "yes"}, dialect)
    assert lists[0][0]["tags"] == "a"


@both
def test_names_given_as_one_text_match_by_part(dialect):
    lists = [[{"tags": "a", "names": "python3 compiler"}]]
    assert depedit.edit(lists, {"python": {"tags": "_v"}}, {}, dialect) == []
    assert lists[0][0]["tags"] == "a,_v"


@both
def test_required_names_may_be_in_different_lists(dialect):
    lists = [[{"tags": "a", "names": ["x"]}], [{"tags": "b", "names": ["y"]}]]
    depedit.edit_or_fail(lists, {"y": {"tags": "_1"}, "x": {"tags": "_2"}}, {}, dialect)
    assert [lists[0][0]["tags"], lists[1][0]["tags"]] == ["a,_2", "b,_1"]


@both
def test_a_required_name_that_nobody_has_is_an_error_with_the_nearest(dialect):
    lists = [[{"tags": "a", "names": ["compiler"]}]]
    with pytest.raises(CmError, match="'compiller'") as error:
        depedit.edit_or_fail(lists, {"compiller": {}}, {}, dialect)
    assert "'compiler'" in error.value.hint


@both
def test_what_is_no_edit_is_passed_over(dialect):
    depedit.edit_or_fail([[{"tags": "a", "names": ["x"]}]], {"x": "slip"}, {}, dialect)
