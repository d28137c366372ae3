"""Applying one block of meta."""

import copy

import pytest

from cm_script.blocks import apply_block, apply_conditionals, map_inputs, with_suffix
from cm_script.dialects import CM, MLC
from cm_script.scope import Scope
from cmcore.errors import CmError

both = pytest.mark.parametrize("dialect", [CM, MLC], ids=lambda d: d.name)


def applied(block, dialect=CM, inputs=None, **parts):
    scope = Scope(**parts)
    apply_block(scope, block, inputs or {}, dialect)
    return scope


@both
def test_defaults_yield_env_overrides_and_constants_win(dialect):
    block = {
        "default_env": {"A": "default", "B": "default"},
        "env": {"C": "block", "D": "block", "E": "<<<A>>>"},
        "const": {"D": "const"},
    }
    scope = applied(block, dialect, env={"A": "own", "C": "own"})
    assert scope.env == {"A": "own", "B": "default", "C": "block", "D": "const", "E": "own"}
    assert scope.const == {"D": "const"}


@both
def test_the_first_const_state_counts(dialect):
    scope = applied({"state": {"a": 1}, "const_state": {"b": 2}}, dialect)
    assert scope.state == {"a": 1, "b": 2}
    assert scope.const_state == {"b": 2}


@both
def test_deps_join_and_are_edited_across_lists(dialect):
    block = {
        "deps": [{"tags": "a", "names": ["x"]}],
        "post_deps": [{"tags": "b", "names": ["y"]}],
        "ad": {"x": {"tags": "_1"}},
        "add_deps": {"y": {"version": "2"}},
    }
    scope = applied(block, dialect)
    assert scope.deps("deps") == [{"tags": "a,_1", "names": ["x"]}]
    assert scope.deps("post_deps") == [{"tags": "b", "names": ["y"], "version": "2"}]
    assert scope.meta["deps"] is scope.deps("deps")


@both
def test_an_edit_of_nothing_is_an_error(dialect):
    with pytest.raises(CmError, match="'x'"):
        applied({"ad": {"x": {"tags": "_1"}}}, dialect)


@both
def test_recursive_edits_are_collected_with_united_tags(dialect):
    adr = {"x": {"tags": "_0"}}
    scope = applied(
        {"adr": {"x": {"tags": "_1"}}, "add_deps_recursive": {"y": {"tags": "_2"}}},
        dialect,
        adr=adr,
    )
    assert scope.adr is adr
    assert adr == {"x": {"tags": "_0,_1"}, "y": {"tags": "_2"}}


@both
def test_keys_settings_and_container(dialect):
    block = {
        "new_env_keys": ["A"],
        "new_state_keys": ["s"],
        "file_path_env_keys": ["F"],
        "cache": True,
        "docker": {"run": False, "deps": [{"tags": "d", "names": ["n"]}]},
        "deps": [{"tags": "a", "names": ["n"]}],
        "ad": {"n": {"tags": "_1"}},
    }
    scope = applied(block, dialect, meta={"new_env_keys": ["M"]})
    assert (scope.new_env_keys, scope.new_state_keys) == (["M", "A"], ["s"])
    assert scope.path_env_keys == {"file_path_env_keys": ["F"]}
    assert scope.cache is True
    assert scope.docker["run"] is False
    assert scope.docker["deps"][0]["tags"] == "d,_1"


@both
def test_conditional_entries_are_tested_again_with_every_block(dialect):
    scope = Scope()
    entry = {"enable_if_env": {"K": ["yes"]}, "env": {"V": "on"}}
    apply_block(scope, {"update_meta_if_env": [entry]}, {}, dialect)
    assert "V" not in scope.env
    apply_block(scope, {"env": {"K": "yes"}}, {}, dialect)
    assert scope.env["V"] == "on"


def test_of_conflicting_entries_the_older_wins_in_cm_and_the_newer_in_mlc():
    for dialect, expected in ((CM, "old"), (MLC, "new")):
        scope = Scope()
        for value in ("old", "new"):
            apply_block(scope, {"update_meta_if_env": [{"env": {"V": value}}]}, {}, dialect)
        assert scope.env["V"] == expected


def test_conditional_entries_may_change_more_in_mlc():
    entry = {
        "default_env": {"D": "1"},
        "const": {"C": "1"},
        "adr": {"x": {"tags": "_1"}},
        "ad": {"y": {"tags": "_2"}},
        "default_variations": {"g": "g1"},
        "docker": {"run": True},
    }
    for dialect in (CM, MLC):
        scope = Scope()
        edits = apply_conditionals(scope, [entry], dialect)
        assert scope.docker == {"run": True}
        if dialect is CM:
            assert (scope.env, scope.const, scope.adr, edits) == ({}, {}, {}, {})
        else:
            assert (scope.env, scope.const) == ({"D": "1"}, {"C": "1"})
            assert (scope.adr, edits) == ({"x": {"tags": "_1"}}, {"y": {"tags": "_2"}})
            assert scope.conditional_defaults == {"g": "g1"}


def test_edits_of_conditional_entries_reach_the_lists_in_mlc():
    block = {
        "deps": [{"tags": "a", "names": ["n"]}],
        "update_meta_if_env": [{"ad": {"n": {"tags": "_1"}}}],
    }
    assert applied(block, CM).deps("deps")[0]["tags"] == "a"
    assert applied(block, MLC).deps("deps")[0]["tags"] == "a,_1"


@both
def test_nulls_and_slips_in_a_block_do_no_harm(dialect):
    block = dict.fromkeys(
        ["env", "default_env", "deps", "adr", "docker", "new_env_keys", "input_mapping", "cache"]
    )
    scope = applied({**block, "update_meta_if_env": ["slip"]}, dialect, env={"A": 1})
    assert scope.env == {"A": 1}
    assert scope.cache is False


@both
def test_mapped_flags(dialect):
    block = {"input_mapping": {"size": "T_SIZE", "no-run": "T_NO_RUN", "other": "T_OTHER"}}
    scope = applied(block, dialect, {"size": "3", "no_run": True})
    assert scope.env == {"T_SIZE": "3", "T_NO_RUN": True}


def test_paths_are_made_absolute(monkeypatch):
    monkeypatch.setenv("HOME", "/home/u")
    block = {
        "input_mapping": {"f": "F", "g": "G", "h": "H"},
        "input_description": {"f": {"is_path": True}, "g": {"is_path": "yes"}, "h": "text"},
    }
    env = {}
    map_inputs(env, block, {"f": "a/../b", "g": "~/x", "h": "a"}, "/run")
    assert env == {"F": "/run/b", "G": "/home/u/x", "H": "a"}


def test_the_suffix_reaches_every_text_of_a_copy():
    block = {"env": {"A": "#-#", "N": 1}, "deps": [{"tags": "_p.#", "env": {"X": "#"}}], "l": ["#"]}
    before = copy.deepcopy(block)
    made = with_suffix(block, "v")
    assert made == {
        "env": {"A": "v-v", "N": 1},
        "deps": [{"tags": "_p.v", "env": {"X": "v"}}],
        "l": ["v"],
    }
    assert block == before
