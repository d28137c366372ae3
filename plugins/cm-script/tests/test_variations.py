"""Resolving variations and the order of their blocks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cm_script.dialects import CM, MLC
from cm_script.variations import resolve
from cm_script.varnames import application_order, block_of, key_of, suffix_of
from cmcore.errors import CmError, NotFoundError, UsageError

both = pytest.mark.parametrize("dialect", [CM, MLC], ids=lambda d: d.name)


def chosen(asked, variations, dialect=CM, **meta):
    return resolve(asked, {"variations": variations, **meta}, dialect).variations


@pytest.mark.parametrize(
    ("name", "key", "suffix"),
    [("a", "a", ""), ("x.1", "x.#", "1"), ("x.b.c", "x.#", "b.c"), ("x.y", "x.y", "")],
)
def test_names_and_keys(name, key, suffix):
    table = {"a": {}, "x.#": {}, "x.y": {}}
    assert key_of(name, table) == key
    assert suffix_of(name, table) == suffix


@pytest.mark.parametrize("name", ["b", "x.", "y.1", "x"])
def test_unknown_names_have_no_key(name):
    assert key_of(name, {"a": {}, "x.#": {}}) == ""


def test_an_empty_block_is_a_block():
    assert block_of("a", {"a": None}) == {}


@both
def test_unknown_variations_are_named_with_the_nearest(dialect):
    with pytest.raises(NotFoundError, match="no variation 'cudaa'") as error:
        chosen(["cudaa"], {"cuda": {}, "cpu": {}}, dialect)
    assert "'cuda'" in error.value.hint


@both
def test_aliases_join(dialect):
    assert chosen(["a"], {"a": {"alias": "b"}, "b": {}}, dialect) == ["a", "b"]


@both
@pytest.mark.parametrize(
    ("asked", "table", "kind", "text"),
    [
        (["a", "-b"], {"a": {"alias": "b"}, "b": {}}, UsageError, "stands for 'b'"),
        (["a"], {"a": {"alias": "b"}}, NotFoundError, "no variation 'b'"),
        (["a"], {"a": {"alias": "b", "group": "g"}, "b": {}}, CmError, "cannot belong"),
        (["a"], {"a": {"base": ["b"]}}, NotFoundError, "the base of 'a'"),
        (["a", "-b"], {"a": {"base": ["b"]}, "b": {}}, UsageError, "builds on 'b'"),
        (
            [],
            {"a": {"group": "g", "default": 1}, "b": {"group": "g", "default": 1}},
            CmError,
            "two",
        ),
        (["a"], {"a": {"default_variations": {"nope": "b"}}, "b": {}}, CmError, "no group"),
    ],
)
def test_contradictions(dialect, asked, table, kind, text):
    with pytest.raises(kind, match=text):
        chosen(asked, table, dialect)


@both
def test_two_of_a_group_are_refused_with_its_members(dialect):
    table = {"cpu": {"group": "device"}, "cuda": {"group": "device"}, "rocm": {"group": "device"}}
    with pytest.raises(UsageError, match="'cpu' and 'cuda'") as error:
        chosen(["cpu", "cuda"], table, dialect)
    assert "rocm" in error.value.hint


@both
def test_group_defaults_come_last_and_may_be_excluded(dialect):
    table = {"g1": {"group": "g", "default": False}, "g2": {"group": "g"}, "a": {}}
    assert chosen(["a"], table, dialect) == ["a", "g1"]
    assert chosen(["g2"], table, dialect) == ["g2"]
    assert chosen(["-g1"], table, dialect) == ["-g1"]


@both
def test_defaults_that_a_variation_brings(dialect):
    table = {
        "a": {"default_variations": {"g": "g2"}},
        "g1": {"group": "g", "default": True},
        "g2": {"group": "g"},
    }
    assert chosen(["a"], table, dialect) == ["a", "g2"]
    assert chosen(["a", "g1"], table, dialect) == ["a", "g1"]
    assert chosen(["a", "-g2"], table, dialect) == ["a", "-g2", "g1"]


@both
def test_different_defaults_for_a_group_contradict_each_other(dialect):
    table = {
        "a": {"default_variations": {"g": "g1"}},
        "b": {"default_variations": {"g": "g2"}},
        "g1": {"group": "g"},
        "g2": {"group": "g"},
    }
    with pytest.raises(UsageError, match="group 'g'"):
        chosen(["a", "b"], table, dialect)


def test_bases_follow_in_cm_and_lead_in_mlc():
    table = {"c": {}, "top": {"base": ["a", "b"]}, "a": {"base": ["aa"]}, "b": {}, "aa": {}}
    assert chosen(["c", "top"], table, CM) == ["c", "top", "a", "b", "aa"]
    assert chosen(["c", "top"], table, MLC) == ["aa", "b", "a", "c", "top"]


@both
def test_bases_in_a_circle_end(dialect):
    table = {"a": {"base": ["b"]}, "b": {"base": ["c"]}, "c": {"base": ["a", "c"]}}
    assert sorted(chosen(["a"], table, dialect)) == ["a", "b", "c"]


def test_a_dynamic_base_is_added_beside_another_value_in_mlc_only():
    table = {"x.#": {}, "a": {"base": ["x.1"]}}
    assert chosen(["x.2", "a"], table, CM) == ["x.2", "a"]
    assert sorted(chosen(["x.2", "a"], table, MLC)) == ["a", "x.1", "x.2"]


@both
def test_defaults_of_combinations(dialect):
    table = {
        "a": {},
        "b": {},
        "a,b": {"default_variations": {"g": "g2"}},
        "g1": {"group": "g", "default": True},
        "g2": {"group": "g"},
    }
    assert chosen(["a", "b"], table, dialect) == ["a", "b", "g2"]
    assert chosen(["a"], table, dialect) == ["a", "g1"]


def test_bases_of_combinations_count_in_mlc():
    table = {"a": {}, "b": {}, "a,b": {"base": ["c"]}, "c": {}}
    assert chosen(["a", "b"], table, CM) == ["a", "b"]
    assert chosen(["a", "b"], table, MLC) == ["c", "a", "b"]


@both
def test_defaults_from_outside_win_by_order(dialect):
    meta = {"variations": {"g1": {"group": "g", "default": True}, "g2": {"group": "g"}}}
    sources = [{"g": "g2"}, {"g": "g1"}]
    assert resolve([], meta, dialect, sources).variations == ["g2"]


@both
def test_the_recipe_default_counts_when_nothing_is_asked(dialect):
    table = {"a": {}, "b": {}}
    assert chosen([], table, dialect, default_variation="a") == ["a"]
    assert chosen(["b"], table, dialect, default_variation="a") == ["b"]
    assert chosen(["-a"], table, dialect, default_variation="a") == ["-a"]


@both
def test_valid_and_invalid_combinations(dialect):
    table = {"a": {}, "b": {}, "c": {}}
    rules = {
        "valid_variation_combinations": [["a"], ["b"]],
        "invalid_variation_combinations": [["a", "b"]],
    }
    assert chosen(["a", "c"], table, dialect, **rules) == ["a", "c"]
    with pytest.raises(CmError, match="a, b do not go together"):
        chosen(["a", "b"], table, dialect, **rules)
    with pytest.raises(CmError, match="c do not go together"):
        chosen(["c"], table, dialect, **rules)


@both
def test_groups_are_told(dialect):
    table = {"a": {"group": "g"}, "x.#": {"group": "g"}, "b": {}}
    assert resolve([], {"variations": table}, dialect).groups == {"g": ["a", "x.#"]}


def test_combinations_apply_after_each_variation_in_cm_and_once_in_mlc():
    table = {"a": {}, "b": {}, "a,b,c": {}, "a,b": {}, "c": {}}
    pair, triple = ("a,b", ""), ("a,b,c", "")
    assert application_order(["a", "-x", "b"], table, CM) == [("a", ""), pair, ("b", ""), pair]
    assert application_order(["c", "a", "b"], table, MLC) == [
        ("c", ""),
        ("a", ""),
        ("b", ""),
        pair,
        triple,
    ]


def test_dynamic_parts_of_combinations_match_in_mlc_only():
    table = {"a": {}, "x.#": {}, "y.#": {}, "a,x.#": {}, "x.#,y.#": {}}
    singles = [("a", ""), ("x.#", "1"), ("y.#", "2")]
    assert application_order(["a", "x.1", "y.2"], table, CM) == singles
    assert application_order(["a", "x.1", "y.2"], table, MLC) == [*singles, ("a,x.#", "1")]


@st.composite
def tables(draw):
    """Recipes whose group members bring nothing, so that only the request can break a group."""
    names = ["a", "b", "c", "d.#"]
    members = ["g1", "g2", "h1", "h2.#"]
    some = st.sampled_from(["a", "b", "c", "d.1", "d.2"])
    table = {}
    for name in names:
        block = {}
        if draw(st.booleans()):
            block["base"] = draw(st.lists(some, max_size=2))
        if draw(st.booleans()):
            block["default_variations"] = draw(
                st.dictionaries(st.just("g"), st.sampled_from(["g1", "g2"]), max_size=1)
            )
        table[name] = block
    for name in members:
        table[name] = {"group": name[0]}
    for name in draw(st.sets(st.sampled_from(["g1", "h2.#"]))):
        table[name]["default"] = True
    table["a,b"] = {"base": draw(st.lists(some, max_size=2))}
    return table


@both
@given(
    table=tables(),
    asked=st.lists(
        st.sampled_from(["a", "b", "c", "d.1", "g1", "g2", "h1", "h2.3", "-a", "-g1"]), unique=True
    ),
)
def test_resolution_ends_is_repeatable_and_keeps_groups(dialect, table, asked):
    try:
        first = resolve(asked, {"variations": table}, dialect)
    except CmError:
        with pytest.raises(CmError):
            resolve(asked, {"variations": table}, dialect)
        return
    assert resolve(asked, {"variations": table}, dialect) == first
    assert set(asked) <= set(first.variations)
    assert len(set(first.variations)) == len(first.variations)
    on = [name for name in first.variations if not name.startswith("-")]
    for members in first.groups.values():
        assert len({key_of(name, table) for name in on} & set(members)) <= 1
    for name in on:
        for base in block_of(name, table).get("base", []):
            prefix = base[: base.index(".") + 1] if "." in base else base
            assert any(other.startswith(prefix) for other in on)
