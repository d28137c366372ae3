"""Composing a run: who beats whom, in both dialects."""

import json

import pytest

from cm_script.compose import compose, take_default_version
from cm_script.dialects import CM, MLC
from cm_script.query import parse_query
from cm_script.scope import Scope
from cmcore.errors import CmError
from cmcore.types import Artifact, Collection

PLACE = Collection("here", "", "/here", "/here", "folder")
both = pytest.mark.parametrize("dialect", [CM, MLC], ids=lambda d: d.name)


def composed(meta, dialect, tags="r", inputs=None, **parts):
    recipe = Artifact("script", "r", "0123456789abcdef", ("r",), "/here/r", "cm", PLACE, "{}")
    scope = Scope(meta=json.loads(json.dumps(meta)), **parts)
    query = parse_query(tags)
    compose(scope, recipe=recipe, query=query, inputs=inputs or {}, dialect=dialect)
    return scope


FULL = {
    "default_env": {"V": "default"},
    "env": {"V": "meta"},
    "input_mapping": {"flag": "V"},
    "versions": {"1": {"env": {"V": "version"}}},
    "variations": {
        "base": {"env": {"V": "base"}},
        "a": {"env": {"V": "a"}, "base": ["base"]},
        "b": {"env": {"V": "b"}},
        "a,b": {"env": {"V": "both"}},
    },
}


def without(*names, variations=()):
    meta = {key: value for key, value in FULL.items() if key not in names}
    table = {k: v for k, v in FULL["variations"].items() if k not in variations}
    return {**meta, "variations": table} if "variations" in meta else meta


@pytest.mark.parametrize(
    ("meta", "tags", "inputs", "env", "cm", "mlc"),
    [
        (without("env"), "r", {}, {"V": "user"}, "user", "user"),
        (FULL, "r", {}, {"V": "user"}, "meta", "meta"),
        (FULL, "r", {"flag": "flag"}, {}, "flag", "flag"),
        (FULL, "r,_b", {}, {}, "b", "b"),
        (FULL, "r,_a", {}, {}, "base", "a"),
        (FULL, "r,_a,_b", {}, {}, "both", "both"),
        (FULL, "r,_b", {"version": "1"}, {}, "version", "b"),
        (FULL, "r", {"version": "1"}, {}, "version", "version"),
    ],
)
def test_precedence(meta, tags, inputs, env, cm, mlc):
    for dialect, expected in ((CM, cm), (MLC, mlc)):
        scope = composed(meta, dialect, tags, inputs, env=dict(env))
        assert scope.env["V"] == expected, dialect.name


def test_mapped_flags_are_constants_in_cm_only():
    scope = composed(FULL, CM, "r,_b", {"flag": "flag"})
    assert (scope.env["V"], scope.const) == ("b", {"V": "flag"})
    scope = composed(FULL, MLC, "r,_b", {"flag": "flag"})
    assert (scope.env["V"], scope.const) == ("b", {})


def test_constants_beat_meta_at_once_in_cm_and_when_asserted_in_mlc():
    meta = {"env": {"V": "meta"}}
    assert composed(meta, CM, const={"V": "const"}).env["V"] == "const"
    scope = composed(meta, MLC, const={"V": "const"})
    assert (scope.env["V"], scope.const) == ("meta", {"V": "const"})


def test_a_placeholder_of_the_meta_sees_variations_in_cm_only():
    meta = {"env": {"X": "meta", "V": "<<<X>>>"}, "variations": {"a": {"env": {"X": "a"}}}}
    assert composed(meta, CM, "r,_a").env["V"] == "a"
    assert composed(meta, MLC, "r,_a").env["V"] == "meta"


def test_lists_in_blocks_accumulate_in_mlc_only():
    table = {"a": {"env": {"+L": ["a"]}}, "b": {"env": {"+L": ["b"]}}}
    meta = {"env": {"+L": ["m"]}, "variations": table}
    assert composed(meta, CM, "r,_a,_b").env["+L"] == ["b"]
    assert composed(meta, MLC, "r,_a,_b").env["+L"] == ["m", "a", "b"]


def test_a_dynamic_variation_can_be_chosen_twice():
    meta = {"variations": {"x.#": {"env": {"V": "#"}, "new_env_keys": ["K_#"]}}}
    for dialect in (CM, MLC):
        scope = composed(meta, dialect, "r,_x.1,_x.2")
        assert scope.env["V"] == "2"
        assert scope.new_env_keys == ["K_1", "K_2"]


def test_container_settings_are_in_the_state_in_cm_only():
    meta = {"docker": {"run": True}, "variations": {"a": {"docker": {"real_run": False}}}}
    scope = composed(meta, CM, "r,_a")
    assert scope.state["docker"] == {"run": True, "real_run": False}
    assert scope.state["docker"] is scope.docker
    scope = composed(meta, MLC, "r,_a")
    assert scope.docker == {"run": True, "real_run": False}
    assert "docker" not in scope.state


def test_a_version_switches_on_its_variation_in_mlc():
    meta = {"variations": {"version.#": {"env": {"V": "#"}}}}
    assert composed(meta, CM, inputs={"version": "1.2"}).variations == []
    scope = composed(meta, MLC, inputs={"version": "1.2"})
    assert scope.variations == scope.explicit_variations == ["version.1.2"]
    assert scope.env["V"] == "1.2"


def test_default_variations_of_the_recipe_count_in_mlc():
    members = {"g1": {"group": "g", "default": True}, "g2": {"group": "g"}, "g3": {"group": "g"}}
    meta = {"variations": members, "default_variations": {"g": "g2"}}
    assert composed(meta, CM).variations == ["g1"]
    assert composed(meta, MLC).variations == ["g2"]
    meta["update_meta_if_env"] = [{"default_variations": {"g": "g3"}}]
    assert composed(meta, MLC).variations == ["g3"]


@both
def test_edits_from_flags_reach_all_lists_after_everything_else(dialect):
    meta = {
        "deps": [{"tags": "a", "names": ["n"]}],
        "prehook_deps": [{"tags": "b", "names": ["n", "m"]}],
        "variations": {"v": {"ad": {"n": {"version": "1"}}}},
    }
    inputs = {"ad": {"m": {"tags": "_1"}}}
    scope = composed(meta, dialect, "r,_v", inputs, adr={"n": {"version": "2"}})
    assert scope.deps("deps") == [{"tags": "a", "names": ["n"], "version": "2"}]
    assert scope.deps("prehook_deps") == [
        {"tags": "b,_1", "names": ["n", "m"], "version": "2"},
    ]


@both
def test_an_edit_of_this_request_beats_recursive_edits(dialect):
    meta = {
        "deps": [{"tags": "a", "names": ["n"]}],
        "variations": {"v": {"adr": {"n": {"version": "1", "tags": "_1"}}}},
    }
    inputs = {"ad": {"n": {"version": "2"}}}
    scope = composed(meta, dialect, "r,_v", inputs)
    assert scope.deps("deps") == [{"tags": "a,_1", "names": ["n"], "version": "2"}]


@both
def test_an_edit_of_a_combination_survives_its_second_application(dialect):
    meta = {
        "variations": {
            "a": {},
            "b": {},
            "a,b": {"deps": [{"tags": "d", "names": ["n"]}], "ad": {"n": {"tags": "_1"}}},
        }
    }
    scope = composed(meta, dialect, "r,_a,_b")
    assert scope.deps("deps") == [{"tags": "d,_1", "names": ["n"]}]


@both
def test_settings_of_variations(dialect):
    meta = {
        "default_version": "1",
        "warnings": ["w"],
        "variations": {
            "a": {
                "script_name": "other",
                "default_version": "2",
                "required_disk_space": 100,
                "warning": "careful",
            },
            "b": {"required_disk_space": 50, "default_version": ""},
        },
    }
    scope = composed(meta, dialect, "r,_a,_b")
    assert scope.script_name == scope.meta["script_name"] == "other"
    assert scope.disk_mb == 150
    assert scope.warnings == ["w", "careful", "Required disk space: 150 MB"]
    assert scope.default_version == ""


@both
def test_default_version(dialect):
    meta = {
        "default_version": 3.1,
        "versions": {"3.1": {"env": {"V": "3.1"}}, "2": {"env": {"V": "2"}}},
    }
    scope = composed(meta, dialect)
    assert take_default_version(scope, dialect) == "3.1"
    assert (scope.env[dialect.key("VERSION")], scope.env["V"]) == ("3.1", "3.1")
    scope = composed(meta, dialect, inputs={"version_max": 2})
    assert take_default_version(scope, dialect) == "2"
    assert scope.env["V"] == "2"
    scope = composed(meta, dialect, inputs={"version": "7"})
    assert take_default_version(scope, dialect) == "7"
    assert "V" not in scope.env


@both
def test_a_default_without_a_block_where_limits_moved_it_takes_its_own(dialect):
    """What a recipe cannot work without, such as an address, stands in the default's block."""
    meta = {
        "default_version": "3",
        "versions": {"3": {"env": {"URL": "three"}}, "2": {"env": {"URL": "two"}}},
    }
    for limit, version, url in (("2", "2", "two"), ("1", "1", "three")):
        scope = composed(meta, dialect, inputs={"version_max": limit})
        assert take_default_version(scope, dialect) == version
        assert scope.env["URL"] == url


@both
def test_edits_of_the_default_version_are_for_deeper_dependencies(dialect):
    meta = {
        "deps": [{"tags": "a", "names": ["n"]}],
        "default_version": "1",
        "versions": {"1": {"add_deps_recursive": {"n": {"tags": "_1"}}}},
    }
    scope = composed(meta, dialect)
    take_default_version(scope, dialect)
    assert scope.deps("deps")[0]["tags"] == "a"
    assert scope.adr == {"n": {"tags": "_1"}}
    asked = composed(meta, dialect, inputs={"version": "1"})
    assert asked.deps("deps")[0]["tags"] == "a,_1"


@both
def test_errors_name_the_recipe(dialect):
    with pytest.raises(CmError) as error:
        composed({}, dialect, inputs={"ad": {"n": {}}})
    assert "r,0123456789abcdef" in error.value.where


@both
def test_meta_without_anything(dialect):
    scope = composed({}, dialect, env={"A": "1"})
    assert scope.env["A"] == "1"
    assert scope.variations == []
