"""Merging: order, uniqueness, no sharing, in both dialects."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cm_script.dialects import CM, MLC
from cm_script.merge import copied, merge, merge_edits, merge_env, split_tags, unique

_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(0, 3), st.sampled_from("abc")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from("xyz"), inner, max_size=3)
    ),
    max_leaves=8,
)
_DICTS = st.dictionaries(st.sampled_from("pqrs"), _VALUES, max_size=4)
both = pytest.mark.parametrize("dialect", [CM, MLC], ids=lambda d: d.name)


@both
def test_new_items_join_at_the_end(dialect):
    env = {"+PATH": ["parent"]}
    merge(env, {"+PATH": ["new", "parent"]}, dialect)
    assert env == {"+PATH": ["parent", "new"]}


@both
def test_a_value_of_another_kind_replaces(dialect):
    env = {"a": "text", "b": {"x": 1}, "c": [1]}
    merge(env, {"a": [1], "b": "text", "c": {"y": 2}}, dialect)
    assert env == {"a": [1], "b": "text", "c": {"y": 2}}


def test_nested_lists_stay_unique_in_mlc_only():
    for dialect, expected in ((CM, [1, 1, 2]), (MLC, [1, 2])):
        data = {"d": {"l": [1]}}
        merge(data, {"d": {"l": [1, 2]}}, dialect)
        assert data["d"]["l"] == expected


def test_block_env_replaces_lists_in_cm_and_extends_them_in_mlc():
    for dialect, expected in ((CM, ["b"]), (MLC, ["a", "b"])):
        env = {"+L": ["a"]}
        merge_env(env, {"+L": ["b"]}, dialect)
        assert env == {"+L": expected}


@both
@given(first=_DICTS, second=_DICTS)
def test_merge_keeps_keys_and_shares_nothing(dialect, first, second):
    before = copy.deepcopy(second)
    into = copy.deepcopy(first)
    merge(into, second, dialect)
    assert list(into)[: len(first)] == list(first)
    assert set(into) == set(first) | set(second)
    _spoil(into)
    assert second == before


@both
@given(data=_DICTS)
def test_merging_a_copy_changes_nothing(dialect, data):
    into = copy.deepcopy(data)
    merge(into, copied(data), dialect)
    assert into == data


@both
@given(first=st.lists(_VALUES, max_size=5), second=st.lists(_VALUES, max_size=5))
def test_merging_lists_twice_is_merging_them_once(dialect, first, second):
    into = {"l": first}
    merge(into, {"l": second}, dialect)
    once = copy.deepcopy(into)
    merge(into, {"l": second}, dialect)
    assert unique(into["l"]) == unique(once["l"])
    assert all(item in once["l"] for item in [*first, *second])


def _spoil(value):
    if isinstance(value, dict):
        for item in value.values():
            _spoil(item)
        value["spoilt"] = True
    elif isinstance(value, list):
        for item in value:
            _spoil(item)
        value.append("spoilt")


@both
def test_edits_unite_tags_and_ignore_what_is_no_edit(dialect):
    edits = {"a": {"tags": "_x,_y", "version": "1"}, "b": "slip"}
    merge_edits(edits, {"a": {"tags": "_y,_z", "version": "2"}, "c": "slip", "b": {}}, dialect)
    assert edits == {"a": {"tags": "_x,_y,_z", "version": "2"}, "b": {}}


def test_split_tags_takes_text_lists_and_nothing():
    assert split_tags(" a,,b ") == ["a", "b"]
    assert split_tags(["a", 1]) == ["a", "1"]
    assert split_tags(None) == []
