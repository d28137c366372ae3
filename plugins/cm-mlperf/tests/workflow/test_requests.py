"""Requests on the command line: refused before anything runs, planned, or led elsewhere."""

from __future__ import annotations

import json
from importlib.resources import files as package_files
from typing import Any

import pytest
import yaml

from cm_mlperf.workflow import command, option_table

WHITE_PAPER = (
    "--tags=run-mlperf,inference,_r4.1", "--model=sdxl", "--implementation=reference",
    "--framework=pytorch", "--category=datacenter", "--scenario=Offline",
    "--execution_mode=valid", "--device=cuda", "--quiet",
)  # fmt: skip


def recipe() -> dict[str, Any]:
    path = package_files("cm_mlperf") / "recipes/script/run-mlperf-inference-cm/_cm.yaml"
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    return found


def manifest() -> dict[str, Any]:
    path = package_files("cm_mlperf") / "cm-plugin.json"
    found: dict[str, Any] = json.loads(path.read_text())["automations"]["mlperf"]["actions"]
    return found


def test_recipe_and_command_line_have_the_same_options() -> None:
    mapping = {
        name: option.variable
        for option in option_table.OPTIONS
        for name in (option.name, *option.also)
    }
    assert recipe()["input_mapping"] == mapping
    assert set(recipe()["input_description"]) == {option.name for option in option_table.OPTIONS}
    for action in ("run", "plan"):
        assert set(manifest()[action]["flags"]) == {*(o.name for o in option_table.OPTIONS), "adr"}


def test_recipe_and_command_line_have_the_same_variations() -> None:
    found = {name: about.get("default_env", {}) for name, about in recipe()["variations"].items()}
    ours = {
        name: {option_table.BY_NAME[key].variable: value for key, value in values.items()}
        for name, values in command._VARIATIONS.items()
    }
    assert found == ours


@pytest.mark.parametrize("noun", ["mlperf", "script"])
def test_the_white_papers_command_plans(place: Any, noun: str) -> None:
    said = place.cm("plan", noun, *WHITE_PAPER, "--out=json")
    assert said.code == 0, said.err
    plan = said.json
    assert plan["ok"]
    assert plan["tree"]["recipe"]["alias"] == "run-mlperf-inference-cm"
    assert [one["name"] for one in plan["tree"]["variations"]] == ["r4.1"]
    asked = [child["asked"] for child in plan["tree"]["children"]]
    assert any("_pytorch" in text for text in asked)
    assert any("_sdxl" in text for text in asked)
    if noun == "mlperf":
        assert [point["scenario"] for point in plan["points"]] == ["Offline"]
        assert "sdxl" in plan["not_here"]


@pytest.mark.parametrize("noun", ["mlperf", "script"])
def test_the_white_papers_run_says_who_does_it(place: Any, noun: str) -> None:
    said = place.cm("run", noun, *WHITE_PAPER)
    assert said.code == 1
    (last,) = [line for line in said.err.splitlines() if line.startswith("cm: error:")]
    assert "model sdxl and MLCommons' reference implementation are not part of" in last
    assert "cm add collection mlperf-automations" in last
    assert not (place.home / "cache").exists() or not list(
        (place.home / "cache").glob("*/_cm.json")
    )
    assert not list(place.here.iterdir())


def test_our_models_are_for_onnxruntime(place: Any) -> None:
    said = place.cm("run", "mlperf", "--model=resnet50", "--backend=pytorch", "--quiet")
    assert said.code == 1
    assert "model resnet50 for pytorch is not part of cm-plugin-mlperf" in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--scenario=Offlin"], "did you mean Offline"),
        (["--modl=digits"], "did you mean --model"),
        (["--model=digit"], "did you mean digits"),
        (["--threads=0"], "--threads=0 must be a whole number"),
        (["--category=edge", "--scenario=Server"], "does not go with --category=edge"),
        (["_r6.2"], "did you mean _r6"),
        (["resnet50"], "--model=resnet50"),
        (["--model"], "--model needs a value"),
    ],
)
@pytest.mark.parametrize("action", ["run", "plan"])
def test_what_makes_no_sense_is_refused(
    place: Any, action: str, words: list[str], says: str
) -> None:
    said = place.cm(action, "mlperf", *words)
    assert said.code == 4
    assert says in said.err
    assert said.err.count("\n") == 1
    assert not list(place.here.iterdir())


def test_the_recipe_refuses_the_same(place: Any) -> None:
    said = place.cm("run", "script", "run-mlperf inference", "--scenario=Offlin", "--quiet")
    assert said.code == 4
    assert "did you mean Offline" in said.err
    assert "get mlperf-model" not in said.err


def test_options_of_other_workflows_are_understood(place: Any) -> None:
    said = place.cm("plan", "mlperf", "--docker", "--power=no", "_short,_all-scenarios")
    assert said.code == 0
    assert "--docker, --power change nothing in cm-plugin-mlperf" in said.err


@pytest.mark.parametrize("name", ["r4.0", "r4.1", "r5.0", "r5.1-dev", "r6.0", "r6.1", "r6.1-dev"])
def test_rounds_are_variations(name: str) -> None:
    assert command._VARIATIONS[name] == {"round": name.removesuffix("-dev")}
    assert name in recipe()["variations"]


def test_an_option_wins_over_a_variation(place: Any) -> None:
    said = place.cm("plan", "mlperf", "_short", "--execution_mode=valid", "--out=json")
    assert {point["execution_mode"] for point in said.json["points"]} == {"valid"}


def test_a_plan_does_nothing(place: Any) -> None:
    said = place.cm("plan", "mlperf")
    assert said.code == 0
    assert said.out.splitlines()[0].startswith("digits Offline")
    assert not list(place.here.iterdir())
    assert not (place.home / "cache").exists()
