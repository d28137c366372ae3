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
