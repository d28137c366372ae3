"""What a hit exports: what the recipe made and what its own caller has, not what others had."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from recipe_world import World

#: Ways to set CM_K to the text that the caller has as well.
SETS = {
    "hook": {"customize": "def postprocess(i):\n i['env']['CM_K'] = 'theirs'\n"},
    "step": {"run": "echo CM_K=theirs >> tmp-run-env.out\n"},
    "meta": {"env": {"CM_K": "theirs"}},
    "constant": {"const": {"CM_K": "theirs"}, "form": "mlc"},
    "dependency": {"deps": [{"tags": "setter"}]},
    "cached dependency": {"deps": [{"tags": "keeper"}]},
    "prehook": {"prehook_deps": [{"tags": "keeper"}]},
    "nested": {
        "customize": "def preprocess(i):\n"
        " run = {'action': 'run', 'automation': 'script', 'tags': 'setter', 'env': i['env']}\n"
        " r = i['automation'].cmind.access(run)\n"
        " i['env'].update(r.get('new_env', {}))\n return r if r['return'] else {'return': 0}\n"
    },
}


def entry_of(world: World, alias: str) -> dict[str, Any]:
    """What is stored for a recipe."""
    for path in world.entries():
        if json.loads((path / "_cm.json").read_text())["key"]["recipe"].startswith(alias + ","):
            state: dict[str, Any] = json.loads((path / "cm-cached-state.json").read_text())
            return state
    raise AssertionError(f"nothing is stored for {alias}")


def test_a_variable_that_nobody_set_is_the_callers(world: World) -> None:
    world.recipe("tool", cache=True, run=world.notes("ran"), new_env_keys=["CM_K*"])
    assert world.run("tool", env={"CM_K": "first"})["new_env"] == {"CM_K": "first"}
    assert world.run("tool")["new_env"] == {}
    assert world.run("tool", env={"CM_K": "other"})["new_env"] == {"CM_K": "other"}
    assert world.noted() == ["ran"]
    assert entry_of(world, "tool")["new_env"] == {}


@pytest.mark.parametrize("how", SETS)
def test_what_is_set_to_the_callers_own_text_is_the_recipes(world: World, how: str) -> None:
    world.recipe("setter", env={"CM_K": "theirs"}, new_env_keys=["CM_K"])
    world.recipe("keeper", cache=True, new_env_keys=["CM_K"], **SETS["hook"])
    world.recipe("tool", cache=True, new_env_keys=["CM_K"], **SETS[how])  # type: ignore[arg-type]
    assert world.run("tool", env={"CM_K": "theirs"})["new_env"] == {"CM_K": "theirs"}
    assert entry_of(world, "tool")["new_env"] == {"CM_K": "theirs"}
    assert world.run("tool")["new_env"] == {"CM_K": "theirs"}


def test_lists_of_an_entry_join_those_of_its_caller(world: World) -> None:
    code = "def preprocess(i):\n env = i['env']\n"
    code += " env['+CM_L'] = ['before', *env.get('+CM_L', []), 'after']\n return {'return': 0}\n"
    world.recipe("tool", cache=True, customize=code, new_env_keys=["+CM_L"])
    world.run("tool", env={"+CM_L": ["one"]})
    assert entry_of(world, "tool")["new_env"] == {"+CM_L": ["before", "after"]}
    served = world.run("tool", env={"+CM_L": ["two", "three"]})
    assert served["new_env"] == {"+CM_L": ["before", "two", "three", "after"]}
    assert world.run("tool", env={"+CM_L": ["after"]})["new_env"] == {"+CM_L": ["before", "after"]}


def test_a_list_that_met_none_is_exported_as_it_is_and_joins_the_callers(world: World) -> None:
    world.recipe("tool", form="mlc", cache=True, env={"+CM_L": ["own"]}, new_env_keys=["+CM_L"])
    assert world.run("tool")["new_env"] == {"+CM_L": ["own"]}
    served = world.run("tool", env={"+CM_L": ["mine"]})
    assert served["new_env"] == {"+CM_L": ["own"]}
    assert served["env"] == {"+CM_L": ["mine", "own"]}


def test_a_list_that_a_recipe_replaces_stays_alone(world: World) -> None:
    code = "def preprocess(i):\n i['env']['+CM_L'] = ['own']\n return {'return': 0}\n"
    world.recipe("tool", cache=True, customize=code, new_env_keys=["+CM_L"])
    for item in ("one", "two"):
        assert world.run("tool", env={"+CM_L": [item]})["new_env"] == {"+CM_L": ["own"]}


def test_an_item_that_the_caller_has_and_the_recipe_adds_is_stored(world: World) -> None:
    world.recipe("adds", form="mlc", env={"+CM_L": ["shared"]}, new_env_keys=["+CM_L"])
    world.recipe("tool", cache=True, deps=[{"tags": "adds"}], new_env_keys=["+CM_L"])
    world.run("tool", env={"+CM_L": ["shared"]})
    assert world.run("tool")["new_env"] == {"+CM_L": ["shared"]}


def test_a_variable_that_a_recipe_removes_is_not_added_again(world: World) -> None:
    code = "def preprocess(i):\n i['env'].pop('CM_K', None)\n return {'return': 0}\n"
    world.recipe("tool", cache=True, customize=code, new_env_keys=["CM_K"])
    for text in ("first", "first"):
        assert world.run("tool", env={"CM_K": text})["new_env"] == {}


def test_state_is_handled_like_the_environment(world: World) -> None:
    code = "def preprocess(i):\n s = i['state'].setdefault('s', {})\n"
    code += " s['own'] = 'made here'\n s.setdefault('list', []).append('item')\n"
    code += " return {'return': 0}\n"
    world.recipe("tool", cache=True, customize=code, new_state_keys=["s", "t"])
    first = world.run("tool", state={"s": {"a": "one", "list": ["mine"]}, "t": {"b": "two"}})
    assert first["new_state"]["s"]["a"] == "one"
    made = {"s": {"own": "made here", "list": ["item"]}}
    assert entry_of(world, "tool")["new_state"] == made
    assert world.run("tool")["new_state"] == made
    served = world.run("tool", state={"s": {"c": "new"}, "t": {"d": "newer"}})
    assert served["new_state"] == {"s": {"c": "new", **made["s"]}, "t": {"d": "newer"}}


def test_constants_of_a_caller_are_the_callers(world: World) -> None:
    world.recipe("tool", cache=True, new_env_keys=["CM_C"])
    main = {"const": {"CM_C": "of main"}, "new_env_keys": ["CM_C"], "deps": [{"tags": "tool"}]}
    world.recipe("main", form="mlc", **main)
    assert world.run("main")["new_env"] == {"CM_C": "of main"}
    assert world.run("tool", const={"CM_C": "typed"})["new_env"] == {"CM_C": "typed"}
    assert world.run("tool")["new_env"] == {}
    assert entry_of(world, "tool")["new_env"] == {}


def test_what_a_dependency_is_given_is_not_its_own(world: World) -> None:
    world.recipe("tool", cache=True, run=world.notes("ran"), new_env_keys=["CM_K"])
    world.recipe("main", deps=[{"tags": "tool", "env": {"CM_K": "for it"}}], new_env_keys=["CM_K"])
    assert world.run("main")["new_env"] == {"CM_K": "for it"}
    assert world.run("tool")["new_env"] == {}
    assert world.noted() == ["ran"]


def test_an_inherited_variable_passes_through_cached_recipes_to_a_cached_one(world: World) -> None:
    world.recipe("low", cache=True, new_env_keys=["CM_K", "CM_LOW"], env={"CM_LOW": "low"})
    world.recipe("mid", cache=True, deps=[{"tags": "low"}], new_env_keys=["CM_*K", "CM_LOW"])
    world.recipe("top", cache=True, deps=[{"tags": "mid"}], new_env_keys=["CM_K", "CM_LOW"])
    world.run("top", env={"CM_K": "first"})
    for alias in ("low", "mid", "top"):
        assert entry_of(world, alias)["new_env"] == {"CM_LOW": "low"}
    assert world.run("top", env={"CM_K": "second"})["new_env"] == {
        "CM_K": "second",
        "CM_LOW": "low",
    }


def test_a_place_that_was_said_once_is_kept(world: World) -> None:
    code = "def preprocess(i):\n assert 'CM_DATA_PATH' in i['env']\n return {'return': 0}\n"
    world.recipe("tool", cache=True, customize=code, new_env_keys=["CM_DATA_PATH"])
    for env in ({"CM_DATA_PATH": "/data/set"}, {}):
        assert world.run("tool", env=env)["new_env"] == {"CM_DATA_PATH": "/data/set"}


def test_what_was_given_instead_of_a_default_is_for_callers_that_give_nothing(world: World) -> None:
    world.recipe("low", default_env={"CM_K": "by default"}, new_env_keys=["CM_K"])
    world.recipe("tool", cache=True, deps=[{"tags": "low"}], new_env_keys=["CM_K"])
    for given_now, exported in (("first", "first"), ("other", "other"), ("", "first")):
        env = {"CM_K": given_now} if given_now else {}
        assert world.run("tool", env=env)["new_env"] == {"CM_K": exported}
    assert len(world.entries()) == 1


def test_a_plan_knows_what_a_hit_will_give(world: World) -> None:
    world.recipe("low", default_env={"CM_K": "by default"}, new_env_keys=["CM_K"])
    world.recipe("tool", cache=True, deps=[{"tags": "low"}], new_env_keys=["CM_K"])
    world.recipe("then", run=world.notes("then"))
    then = {"tags": "then", "enable_if_env": {"CM_K": ["other"]}}
    world.recipe("main", deps=[{"tags": "tool"}, then])
    world.run("tool", env={"CM_K": "first"})
    answer = world.access("plan", "script", tags="main", env={"CM_K": "other"})
    outcomes = {child["asked"]: child["outcome"] for child in answer["tree"]["children"]}
    world.run("main", env={"CM_K": "other"})
    assert outcomes == {"tool": "cached", "then": "run"}
    assert world.noted() == ["then"]


def test_an_entry_without_the_mark_is_served_as_it_is(world: World) -> None:
    world.recipe("tool", cache=True, run=world.notes("ran"), new_env_keys=["CM_K", "+CM_L"])
    world.run("tool")
    (entry,) = world.entries()
    file = entry / "cm-cached-state.json"
    state = json.loads(file.read_text())
    del state["inherited"]
    state["new_env"] = {"CM_K": "stored", "+CM_L": ["stored"]}
    file.write_text(json.dumps(state))
    served = world.run("tool", env={"CM_K": "mine", "+CM_L": ["mine"]})
    assert served["new_env"] == {"CM_K": "stored", "+CM_L": ["stored"]}
    assert world.noted() == ["ran"]


# -- generated worlds ---------------------------------------------------------------------------

NUMBER = 150 if os.environ.get("CM_TEST_THOROUGH") else 12
NAMES = ("CM_XA", "CM_XB", "CM_Y")
TEXTS = ("one", "two", "three")
PATTERNS = ("CM_X*", "CM_XA", "CM_Y", "+CM_L", "*")
KEYS = st.sampled_from(NAMES)
EFFECTS = st.tuples(st.sampled_from(("hook", "step", "meta", "list", "state")), KEYS)


def recipe(at: int) -> st.SearchStrategy[dict[str, Any]]:
    below = st.lists(st.integers(0, at - 1), max_size=2, unique=True) if at else st.just([])
    return st.fixed_dictionaries(
        {
            "cache": st.sampled_from((True, True, False)),
            "form": st.sampled_from(("cm", "mlc")),
            "exports": st.lists(st.sampled_from(PATTERNS[:4]), max_size=3, unique=True),
            "effects": st.lists(st.tuples(EFFECTS, st.sampled_from(TEXTS)), max_size=3),
            "deps": below,
        }
    )


CALLERS = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.sampled_from(TEXTS) for name in NAMES},
        "+CM_L": st.lists(st.sampled_from(TEXTS), min_size=1, max_size=2, unique=True),
    },
)
WORLDS = st.integers(1, 3).flatmap(lambda n: st.tuples(*(recipe(at) for at in range(n))))


def write(world: World, specs: tuple[dict[str, Any], ...]) -> None:
    for at, spec in enumerate(specs):
        hook, step = "", world.notes(f"r{at}")
        meta: dict[str, Any] = {}
        for (kind, key), text in spec["effects"]:
            if kind == "list" and spec["form"] == "cm":
                continue  # there a list in the meta takes the place of the caller's
            if kind == "hook":
                hook += f" env['{key}'] = '{text}'\n"
            elif kind == "list":
                meta.setdefault("+CM_L", []).append(text)
            elif kind == "state":
                hook += f" i['state'].setdefault('s', {{}})['{key}'] = '{text}'\n"
            elif kind == "step":
                step += f"echo {key}={text} >> tmp-run-env.out\n"
            else:
                meta[key] = text
        world.recipe(
            f"r{at}",
            uid=f"{at:016x}",
            cache=spec["cache"] or at == len(specs) - 1,
            form=spec["form"],
            customize=f"def postprocess(i):\n env = i['env']\n{hook} return {{'return': 0}}\n",
            run=step,
            env=meta,
            deps=[{"tags": f"r{below}"} for below in spec["deps"]],
            new_env_keys=spec["exports"],
            new_state_keys=["s"],
        )


@settings(
    max_examples=NUMBER,
    deadline=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
@given(WORLDS, CALLERS, CALLERS, CALLERS)
def test_a_hit_gives_what_a_run_would_give(
    specs: tuple[dict[str, Any], ...],
    before: dict[str, Any],
    caller: dict[str, Any],
    state: dict[str, Any],
) -> None:
    """`before` fills the cache; then `caller` asks there, and where nothing has run yet."""
    top = f"r{len(specs) - 1}"
    answers = []
    with tempfile.TemporaryDirectory() as name:
        for folder, earlier in (("used", before), ("new", None)):
            world = World(Path(name, folder))
            write(world, specs)
            if earlier is not None:
                given_state = {"s": dict(state)} if state else {}
                assert world.run(top, env=earlier, state=given_state)["return"] == 0
                world.noted()
            answer = world.run(top, env=json.loads(json.dumps(caller)))
            assert answer["return"] == 0
            answers.append({k: answer[k] for k in ("new_env", "new_state", "env", "state")})
            if earlier is not None:
                event("hit" if not world.noted() else "no hit")
                again = world.run(top, env=json.loads(json.dumps(caller)), new=True)
                answers.append({k: again[k] for k in answers[0]})
    if "+CM_L" not in before:
        # Of such a list an entry does not know how it would join the caller's.
        for answer in answers:
            items = answer["new_env"].pop("+CM_L", [])
            answer["new"] = [i for i in items if i not in caller.get("+CM_L", [])]
    assert answers[0] == answers[1] == answers[2]
