"""`cm test script`: which requests are made, and what is told about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from recipe_world import World


def outcomes(answer: dict[str, Any]) -> list[tuple[int, str, str]]:
    return [(t["index"], t["variations"], t["outcome"]) for t in answer["tests"]]


def recipe(world: World, tests: dict[str, Any], **meta: Any) -> None:
    variations = {
        "a": {},
        "b": {"env": {"CM_FAIL": "yes"}},
        "g": {"group": "x"},
        "n.#": {},
        "a,b": {},
        "no": {"exclude-in-test": True},
    }
    run = world.notes("run-${CM_WHO:-nobody}") + '[ "$CM_FAIL" != yes ]\n'
    world.recipe("tried", tests=tests, variations=variations, run=run, **meta)


def test_every_input_with_every_list_of_variations(world: World) -> None:
    recipe(
        world,
        {"run_inputs": [{"variations_list": ["a", "_a,n.2"], "env": {"CM_WHO": "x"}}, {}]},
    )
    answer = world.access("test", "script", artifact="tried")
    assert answer["return"] == 0
    assert outcomes(answer) == [(0, "_a", "passed"), (0, "_a,_n.2", "passed"), (1, "", "passed")]
    assert world.noted() == ["run-x", "run-x", "run-nobody"]


def test_a_failure_is_told_and_the_rest_still_runs(world: World) -> None:
    recipe(world, {"run_inputs": [{"variations_list": ["b", "a"]}]})
    answer = world.access("test", "script", artifact="tried")
    assert answer["return"] == 1
    assert outcomes(answer) == [(0, "_b", "failed"), (0, "_a", "passed")]
    detail = answer["tests"][0]["detail"]
    folder = Path(detail.partition("(files in ")[2].rstrip(")"))
    assert folder.is_dir()
    assert answer["counts"] == {"passed": 1, "failed": 1, "skipped": 0}


def test_all_variations_means_those_that_stand_alone(world: World) -> None:
    recipe(world, {"run_inputs": [{"test-all-variations": "yes"}]})
    answer = world.access("test", "script", artifact="tried")
    assert outcomes(answer) == [(0, "_a", "passed"), (0, "_b", "failed")]


def test_some_of_the_tests(world: World) -> None:
    recipe(world, {"run_inputs": [{"id": "one"}, {}, {"id": "two"}]})

    def places(**flags: str) -> list[int]:
        answer = world.access("test", "script", artifact="tried", **flags)
        return [t["index"] for t in answer["tests"]]

    assert places(test_input_index="1") == [1]
    assert places(test_input_index="1+") == [1, 2]
    assert places(test_input_id="two") == [2]
    for flags in ({"test_input_index": "3"}, {"test_input_index": "x"}, {"test_input_id": "z"}):
        answer = world.access("test", "script", artifact="tried", **flags)
        assert answer["return"] == 4
        assert "names no test" in answer["error"]


def test_variations_of_the_request_take_the_place_of_the_listed_ones(world: World) -> None:
    recipe(world, {"run_inputs": [{"variations_list": ["b", "a,g"]}]})
    answer = world.access("test", "script", tags="tried,_a")
    assert outcomes(answer) == [(0, "_a", "passed")]


def test_flags_of_the_request_win(world: World) -> None:
    recipe(world, {"run_inputs": [{"env": {"CM_WHO": "x"}}]})
    world.access("test", "script", artifact="tried", env={"CM_WHO": "y"})
    assert world.noted() == ["run-y"]


def test_private_repositories_need_a_token(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CM_GH_TOKEN", "MLC_GH_TOKEN", "GH_TOKEN", "GITHUB_TOKEN", "PAT"):
        monkeypatch.delenv(name, raising=False)
    recipe(world, {"needs_pat": True, "run_inputs": [{}]})
    answer = world.access("test", "script", artifact="tried")
    assert outcomes(answer) == [(0, "", "skipped")]
    assert "token" in answer["tests"][0]["detail"]
    assert answer["return"] == 0
    answer = world.access("test", "script", artifact="tried", gh_token="secret")
    assert outcomes(answer) == [(0, "", "passed")]
    assert world.noted() == ["run-nobody"]


def test_containers_are_skipped(world: World) -> None:
    recipe(world, {"run_inputs": [{"docker": "yes"}]})
    assert outcomes(world.access("test", "script", artifact="tried")) == [(0, "", "skipped")]


def test_a_recipe_without_tests(world: World) -> None:
    world.recipe("bare")
    answer = world.access("test", "script", artifact="bare")
    assert answer["return"] == 4
    assert "declares no tests" in answer["error"]


@pytest.mark.parametrize(
    ("asked", "made"), [("a,n.1", "_a,_n.1"), (5, ""), ([["a"]], None), (None, ""), ([], "")]
)
def test_variations_that_are_no_list(world: World, asked: object, made: str | None) -> None:
    recipe(world, {"run_inputs": [{"variations_list": asked}, "no mapping"]})
    answer = world.access("test", "script", artifact="tried")
    told = [(t["variations"], t["outcome"]) for t in answer["tests"]]
    assert told[1:] == [("", "passed")]
    assert made is None or told[0] == (made, "passed")
