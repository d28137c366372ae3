"""`cm test script`: which requests are made, and what is told about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
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
    assert outcomes(answer) == [(1, "_a", "passed"), (1, "_a,_n.2", "passed"), (2, "", "passed")]
    assert world.noted() == ["run-x", "run-x", "run-nobody"]


def test_a_failure_is_told_and_the_rest_still_runs(world: World) -> None:
    recipe(world, {"run_inputs": [{"variations_list": ["b", "a"]}]})
    answer = world.access("test", "script", artifact="tried")
    assert answer["return"] == 1
    assert outcomes(answer) == [(1, "_b", "failed"), (1, "_a", "passed")]
    detail = answer["tests"][0]["detail"]
    folder = Path(detail.partition("(files in ")[2].rstrip(")"))
    assert folder.is_dir()
    assert answer["counts"] == {"passed": 1, "failed": 1, "skipped": 0}


def test_all_variations_means_those_that_stand_alone(world: World) -> None:
    recipe(world, {"run_inputs": [{"test-all-variations": "yes"}]})
    answer = world.access("test", "script", artifact="tried")
    assert outcomes(answer) == [(1, "_a", "passed"), (1, "_b", "failed")]


def test_all_groups_means_each_of_their_variations(world: World) -> None:
    recipe(world, {"run_inputs": [{"test-all-groups": True, "variations_list": ["a,g"]}]})
    answer = world.access("test", "script", artifact="tried")
    assert outcomes(answer) == [(1, "_a,_g", "passed"), (1, "_g", "passed")]


def test_tests_without_inputs_are_one_run(world: World) -> None:
    recipe(world, {"needs_pat": False})
    assert outcomes(world.access("test", "script", artifact="tried")) == [(1, "", "passed")]
    assert world.noted() == ["run-nobody"]


def test_a_caller_may_bring_the_inputs(world: World) -> None:
    recipe(world, {"run_inputs": [{}]})
    call = {"run_inputs": [{"variations_list": ["a"]}, {"disable_run_script": True}]}
    answer = world.access("test", "script", artifact="tried", **call)
    assert outcomes(answer) == [(1, "_a", "passed"), (2, "", "skipped")]


@pytest.mark.parametrize("form", ["cm", "mlc"])
def test_flags_with_names_join_those_of_the_entry(world: World, form: str) -> None:
    key = f"{form.upper()}_WHO"
    run = world.notes(f"lib-${{{key}:-nobody}}")
    world.recipe("lib", form=form, run=run, variations={"x": {"env": {key: "x"}}, "y": {}})
    world.recipe(
        "top",
        form=form,
        deps=[{"tags": "lib", "names": ["l"]}],
        tests={"run_inputs": [{"adr": {"l": {"tags": "_x"}}, "env": {"A": "1"}}]},
    )
    answer = world.access("test", "script", artifact="top", adr={"l": {"version": "3"}})
    assert answer["return"] == 0, answer
    assert world.noted() == ["lib-x"]


def test_junit(world: World) -> None:
    from xml.etree import ElementTree

    inputs = [{"variations_list": ["a", "b"]}, {"docker": True}]
    recipe(world, {"run_inputs": inputs})
    path = world.here / "results.xml"
    answer = world.access("test", "script", artifact="tried", junit=str(path))
    assert answer["return"] == 1
    top = ElementTree.parse(path).getroot()
    (suite,) = top
    for element in (top, suite):
        sums = {key: element.get(key) for key in ("tests", "failures", "errors", "skipped")}
        assert sums == {"tests": "3", "failures": "1", "errors": "0", "skipped": "1"}
    assert [(case.get("classname"), case.get("name")) for case in suite] == [
        ("tried", "1 _a"),
        ("tried", "1 _b"),
        ("tried", "2"),
    ]
    passed, failed, skipped = suite
    assert len(passed) == 0
    assert failed[0].tag == "failure"
    assert str(failed[0].text).startswith(str(failed[0].get("message")))
    assert "container" in str(skipped[0].get("message"))
    assert skipped[0].tag == "skipped"
    path.write_text("old")
    assert world.access("test", "script", artifact="nobody", junit=str(path))["return"] == 16
    assert path.read_text() == "old"


@pytest.mark.parametrize("where", ["", True, "no/such/folder/x.xml", "."])
def test_a_report_that_cannot_be_written(world: World, where: object) -> None:
    recipe(world, {"run_inputs": [{}]})
    answer = world.access("test", "script", artifact="tried", junit=where)
    assert answer["return"] == 4
    assert world.noted() == [], "it is known before anything runs"


@given(st.text(), st.text(), st.text())
@example("", "\x1b[1m", "\ufffe \ud800")
def test_any_text_fits_into_a_report(name: str, variations: str, detail: str) -> None:
    from xml.etree import ElementTree

    from cm_script.authoring.junit import xml

    row = {"index": 1, "variations": variations, "seconds": 0.1, "detail": detail}
    text = xml(name, [{**row, "outcome": outcome} for outcome in ("failed", "skipped", "passed")])
    suite = ElementTree.fromstring(text.encode("utf-8"))[0]
    assert len(suite) == 3
    legal = all(c.isprintable() for c in detail)
    assert not legal or (suite[0][0].text or "") == detail


def test_side_by_side(world: World) -> None:
    """Two of these commands at once: a shared cached dependency is built by one of them."""
    import subprocess
    import sys

    world.recipe("lib", cache=True, run="sleep 0.3\n" + world.notes("built"))
    run = '[ -z "$(ls)" ] || [ "$(ls)" = tmp-run.sh ]\necho x > here.txt\n' + world.notes("run")
    world.recipe(
        "tried", deps=[{"tags": "lib"}], run="true\n" + run, tests={"run_inputs": [{}, {}]}
    )
    command = [sys.executable, "-m", "cmcore", "test", "script", "tried", "--out=json"]
    both = [
        subprocess.Popen(command, env=world.environ, cwd=world.here, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    for process in both:
        output, _ = process.communicate()
        assert process.returncode == 0, output.decode()
    assert sorted(world.noted()) == ["built", *["run"] * 4]
    assert list(world.here.iterdir()) == []


def test_some_of_the_tests(world: World) -> None:
    recipe(world, {"run_inputs": [{"id": "one"}, {}, {"id": "two"}]})

    def places(**flags: str) -> list[int]:
        answer = world.access("test", "script", artifact="tried", **flags)
        return [t["index"] for t in answer["tests"]]

    assert places() == [1, 2, 3]
    assert places(test_input_index="1") == [1]
    assert places(test_input_index="2+") == [2, 3]
    assert places(test_input_id="two") == [3]
    for flags in (
        {"test_input_index": "4"},
        {"test_input_index": "0"},
        {"test_input_index": "x"},
        {"test_input_id": "z"},
    ):
        answer = world.access("test", "script", artifact="tried", **flags)
        assert answer["return"] == 4
        assert "names no test" in answer["error"]


def test_variations_of_the_request_take_the_place_of_the_listed_ones(world: World) -> None:
    recipe(world, {"run_inputs": [{"variations_list": ["b", "a,g"]}]})
    answer = world.access("test", "script", tags="tried,_a")
    assert outcomes(answer) == [(1, "_a", "passed")]


def test_flags_of_the_request_win(world: World) -> None:
    recipe(world, {"run_inputs": [{"env": {"CM_WHO": "x"}}]})
    world.access("test", "script", artifact="tried", env={"CM_WHO": "y"})
    assert world.noted() == ["run-y"]


def test_private_repositories_need_a_token(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CM_GH_TOKEN", "MLC_GH_TOKEN", "GH_TOKEN", "GITHUB_TOKEN", "PAT"):
        monkeypatch.delenv(name, raising=False)
    recipe(world, {"needs_pat": True, "run_inputs": [{}]})
    answer = world.access("test", "script", artifact="tried")
    assert outcomes(answer) == [(1, "", "skipped")]
    assert "token" in answer["tests"][0]["detail"]
    assert answer["return"] == 0
    answer = world.access("test", "script", artifact="tried", gh_token="secret")
    assert outcomes(answer) == [(1, "", "passed")]
    assert world.noted() == ["run-nobody"]


def test_containers_are_skipped(world: World) -> None:
    recipe(world, {"run_inputs": [{"docker": "yes"}]})
    assert outcomes(world.access("test", "script", artifact="tried")) == [(1, "", "skipped")]


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
