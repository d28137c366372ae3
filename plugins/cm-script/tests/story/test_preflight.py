"""What a run would surely stumble over is said before anything acts."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from recipe_world import World


def run(world: World, tags: str, **flags: Any) -> dict[str, Any]:
    return world.access("run", "script", tags=tags, quiet=True, **flags)


def first_acts(world: World, **meta: Any) -> None:
    """A dependency that leaves a note, so that a test sees whether anything ran."""
    world.recipe("acts", run=world.notes("acted"), **meta)


@pytest.mark.parametrize("form", ["cm", "mlc"])
@pytest.mark.parametrize("cache", [False, True])
def test_a_missing_recipe_is_found_before_the_one_before_it_runs(
    world: World, form: str, cache: bool
) -> None:
    first_acts(world, form=form, cache=cache)
    deps = [{"tags": "acts"}, {"tags": "aktz"}]
    world.recipe("top", form=form, deps=deps, cache=cache)
    answer = run(world, "top")
    assert answer["return"] == 16
    assert "nothing was run, because no recipe" in answer["error"]
    assert answer["where"] == "top -> aktz"
    assert "acts" in answer["hint"]
    assert world.noted() == []


def test_deep_down_and_behind_a_cached_one(world: World) -> None:
    first_acts(world, cache=True)
    assert run(world, "acts")["return"] == 0
    world.noted()
    world.recipe("deep", deps=[{"tags": "bottom,_missing"}])
    world.recipe("bottom", variations={"there": {}})
    world.recipe("other", run=world.notes("other"))
    world.recipe("top", deps=[{"tags": "acts"}, {"tags": "other"}, {"tags": "deep"}])
    answer = run(world, "top")
    assert answer["return"] == 16
    assert "bottom has no variation 'missing'" in answer["error"]
    assert answer["where"].startswith("top -> deep -> bottom")
    assert world.noted() == []


def test_a_cycle_is_found_before_anything_runs(world: World) -> None:
    first_acts(world)
    world.recipe("one", deps=[{"tags": "acts"}, {"tags": "two"}])
    world.recipe("two", deps=[{"tags": "one"}])
    answer = run(world, "one")
    assert answer["return"] == 1
    assert "depends on itself" in answer["error"]
    assert world.noted() == []


@pytest.mark.parametrize("kind", ["prehook_deps", "posthook_deps", "post_deps"])
def test_later_lists_are_looked_at_before_a_hook_is_called(world: World, kind: str) -> None:
    code = f"def preprocess(i):\n    open({str(world.log)!r}, 'a').write('hook ')\n"
    code += "    return {'return': 0}\n"
    world.recipe("top", customize=code, **{kind: [{"tags": "nowhere"}]})
    assert run(world, "top")["return"] == 16
    assert world.noted() == []


def test_what_a_hook_decides_is_left_to_the_run(world: World) -> None:
    code = "def preprocess(i):\n    i['env']['CM_GO'] = 'no'\n    return {'return': 0}\n"
    dep = {"tags": "nowhere", "enable_if_env": {"CM_GO": ["yes"]}}
    world.recipe("top", customize=code, env={"CM_GO": "yes"}, prehook_deps=[dep])
    assert run(world, "top")["return"] == 0


def test_a_hook_that_may_skip_its_recipe_may_skip_what_is_missing(world: World) -> None:
    code = "def preprocess(i):\n    return {'return': 0, 'skip': True}\n"
    world.recipe("top", customize=code, post_deps=[{"tags": "nowhere"}])
    assert run(world, "top")["return"] == 0


def test_a_dependency_whose_condition_a_step_decides_is_left_to_the_run(world: World) -> None:
    world.recipe("tells", run="echo CM_KIND=a >> tmp-run-env.out\n", new_env_keys=["CM_KIND"])
    dep = {"tags": "nowhere", "enable_if_env": {"CM_KIND": ["b"]}}
    world.recipe("top", deps=[{"tags": "tells"}, dep])
    assert run(world, "top")["return"] == 0


def test_an_optional_dependency_may_be_missing(world: World) -> None:
    first_acts(world, form="mlc")
    world.recipe(
        "top", form="mlc", deps=[{"tags": "acts"}, {"tags": "nowhere", "continue_on_error": True}]
    )
    assert run(world, "top")["return"] == 0
    assert world.noted() == ["acted"]


def test_an_optional_dependency_does_not_hide_what_was_foreseen(world: World) -> None:
    first_acts(world, form="mlc")
    deps = [{"tags": "acts", "continue_on_error": True}, {"tags": "nowhere"}]
    world.recipe("top", form="mlc", deps=deps)
    assert run(world, "top")["return"] == 16
    assert world.noted() == []


def test_a_recipe_that_brings_recipes_may_bring_the_one_that_is_missing(world: World) -> None:
    late = world.folder / "script" / "late"
    text = '{"alias": "late", "uid": "1234567890abcdef", "tags": ["late"]}'
    step = f"true || cm pull repo\nmkdir -p '{late}'\necho '{text}' > '{late}/_cm.json'\n"
    world.recipe("brings", run=step)
    world.recipe("top", deps=[{"tags": "brings"}, {"tags": "late"}])
    answer = run(world, "top")
    # The index is held while a run lasts, so the new recipe is not seen; but the step was run.
    assert "nothing was run" not in answer.get("error", "")
    assert late.is_dir()


def test_the_caller_stands_where_he_stood(world: World) -> None:
    world.recipe("leaf", run="pwd > where\n")
    world.recipe("top", cache=True, deps=[{"tags": "leaf"}], run="true\n")
    answer = run(world, "top")
    assert answer["return"] == 0
    assert not (world.here / "where").exists(), "a dependency runs in the entry of its parent"


def test_each_sure_failure_is_named_and_undefined_placeholders_are_told(world: World) -> None:
    first_acts(world)
    deps = [{"tags": "acts"}, {"tags": "nowhere-one"}, {"tags": "nowhere-two"}]
    world.recipe("top", deps=deps)
    world.recipe("holds", env={"CM_MODEL": "1", "CM_X": "<<<CM_MODELL>>>"}, deps=deps[:1])
    environ = {**world.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "cmcore", "run", "script", "--quiet"]
    done = subprocess.run(
        [*command, "--tags=top"], env=environ, cwd=world.here, capture_output=True, text=True
    )
    assert done.returncode == 16
    assert "also: no recipe" in done.stderr
    assert "nowhere-one" in done.stderr
    assert "nowhere-two" in done.stderr
    assert world.noted() == []
    done = subprocess.run(
        [*command, "--tags=holds"], env=environ, cwd=world.here, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "refers to <<<CM_MODELL>>>, which nothing sets" in done.stderr
    assert "did you mean <<<CM_MODEL>>>?" in done.stderr
    assert world.noted() == ["acted"]


def _hook(line: str, hook: str = "preprocess") -> str:
    return f"def {hook}(i):\n    env = i['env']\n    {line}\n    return {{'return': 0}}\n"


@pytest.mark.parametrize("form", ["cm", "mlc"])
@pytest.mark.parametrize(
    "line",
    [
        "env.update({'X_OFF': 'yes'})",
        "i['env'].update(X_OFF='yes')",
        "env |= {'X_OFF': 'yes'}",
        "env['X_OFF'], env['X_Z'] = 'yes', 'no'",
        "# set\n    env |= {'X_OFF': 'yes'}",
        "e = i['env']; e['X_' + 'OFF'] = 'yes'",
        'exec(\'env["X_OFF"] = "yes"\')',
        "del env['X_ON']",
        "env.pop('X_ON')",
        "import more; more.fill(env)",
    ],
)
@pytest.mark.parametrize("kind", ["prehook_deps", "post_deps"])
def test_whatever_a_hook_does_to_variables_is_left_to_the_run(
    world: World, form: str, line: str, kind: str
) -> None:
    dep = {"tags": "nowhere", "skip_if_env": {"X_OFF": ["yes"]}, "enable_if_env": {"X_ON": ["1"]}}
    world.recipe("below", form=form, deps=[dep])
    files = {"more.py": "def fill(env):\n    env['X_OFF'] = 'yes'\n"}
    deps = {kind: [{"tags": "below"}]}
    world.recipe("top", form=form, env={"X_ON": "1"}, customize=_hook(line), files=files, **deps)
    assert run(world, "top")["return"] == 0


@pytest.mark.parametrize("form", ["cm", "mlc"])
@pytest.mark.parametrize(
    "code",
    [
        "def preprocess(i):\n    out = True\n    return {'return': 0, 'skip': out}\n",
        "def preprocess(i):\n    return dict([('return', 0)], skip=True)\n",
        "from more import go\ndef preprocess(i):\n    return go()\n",
        "def preprocess(i):\n    del i['meta']['post_deps'][:]\n    return {'return': 0}\n",
    ],
)
def test_a_hook_may_bend_what_comes_after_it_in_more_than_one_way(
    world: World, form: str, code: str
) -> None:
    files = {"more.py": "def go():\n    return {'return': 0, 'skip': True}\n"}
    world.recipe("top", form=form, customize=code, files=files, post_deps=[{"tags": "nowhere"}])
    assert run(world, "top")["return"] == 0


@pytest.mark.parametrize("form", ["cm", "mlc"])
def test_a_step_tells_its_own_later_dependencies_more_than_its_text_shows(
    world: World, form: str
) -> None:
    dep = {"tags": "nowhere", "skip_if_env": {"X_OFF": ["yes"]}}
    world.recipe("below", form=form, deps=[dep])
    step = "printf 'X_%s=yes\\n' OFF > tmp-run-env.out\n"
    world.recipe("top", form=form, run=step, post_deps=[{"tags": "below"}])
    assert run(world, "top")["return"] == 0


@pytest.mark.parametrize("form", ["cm", "mlc"])
@pytest.mark.parametrize(
    "meta",
    [
        {"env": {"X_OFF": "<<<X_KIND>>>"}},
        {"deps": [{"tags": "below", "update_meta_if_env": [{"enable_if_env": {}}]}]},
        {"env_key_mappings": {"X_KI": "X_O"}},
    ],
    ids=["placeholder", "block of a dependency", "mapping"],
)
def test_values_made_from_what_a_step_tells_are_left_to_the_run(
    world: World, form: str, meta: dict[str, Any]
) -> None:
    tells = "echo X_KIND=yes > tmp-run-env.out\necho X_KIFF=yes >> tmp-run-env.out\n"
    world.recipe("tells", form=form, run=tells, new_env_keys=["X_KI*"])
    below = {"tags": "nowhere", "skip_if_env": {"X_OFF": ["yes"]}}
    world.recipe("below", form=form, deps=[below])
    if "deps" in meta:
        block = {"enable_if_env": {"X_KIND": ["yes"]}, "env": {"X_OFF": "yes"}}
        meta = {"deps": [{"tags": "below", "update_meta_if_env": [block]}]}
    deps = [{"tags": "tells"}, *meta.pop("deps", [])]
    later = [] if len(deps) > 1 else [{"tags": "below"}]
    world.recipe("top", form=form, deps=deps, post_deps=later, **meta)
    assert run(world, "top")["return"] == 0


def test_a_block_of_a_recipe_that_a_step_decides_is_left_to_the_run(world: World) -> None:
    world.recipe(
        "tells", form="mlc", run="echo X_KIND=b > tmp-run-env.out\n", new_env_keys=["X_KIND"]
    )
    block = {"enable_if_env": {"X_KIND": ["b"]}, "env": {"X_OFF": "yes"}}
    dep = {"tags": "nowhere", "skip_if_env": {"X_OFF": ["yes"]}}
    world.recipe("asks", form="mlc", update_meta_if_env=[block], deps=[dep])
    world.recipe("top", form="mlc", deps=[{"tags": "tells"}, {"tags": "asks"}])
    assert run(world, "top")["return"] == 0


@pytest.mark.parametrize("form", ["cm", "mlc"])
def test_names_of_exports_may_be_computed(world: World, form: str) -> None:
    code = _hook("env.update(X_NAME='X_OFF', X_OFF='yes')")
    world.recipe("tells", form=form, customize=code, new_env_keys=["<<<X_NAME>>>"])
    dep = {"tags": "nowhere", "skip_if_env": {"X_OFF": ["yes"]}}
    world.recipe("top", form=form, deps=[{"tags": "tells"}, dep])
    assert run(world, "top")["return"] == 0


def test_a_step_that_has_a_script_for_each_system_has_a_script(world: World) -> None:
    system = world.access("run", "script", tags="tells-os", quiet=True)
    assert system["return"] == 16  # nobody in this home tells the system: the run has to
    step = "echo CM_HOST_OS_FLAVOR=ours > tmp-run-env.out\n"
    world.recipe("tells-os", run=step, new_env_keys=["CM_HOST_OS_FLAVOR"])
    files = {"go-ours.sh": world.notes("ours")}
    world.recipe("top", script_name="go", files=files, deps=[{"tags": "tells-os"}])
    assert run(world, "top")["return"] == 0
    assert world.noted() == ["ours"]


def test_a_dependency_that_may_be_left_out_may_have_told_something(world: World) -> None:
    """What it would export, and what fails below it, is as open as itself."""
    world.recipe("tells", run="echo X_GO=no > tmp-run-env.out\n", new_env_keys=["X_GO"])
    world.recipe("maybe", env={"X_OFF": "yes"}, new_env_keys=["X_OFF"])
    deps = [
        {"tags": "tells"},
        {"tags": "maybe", "enable_if_env": {"X_GO": ["no"]}},
        {"tags": "nowhere", "skip_if_env": {"X_OFF": ["yes"]}},
    ]
    world.recipe("top", deps=deps)
    assert run(world, "top")["return"] == 0
