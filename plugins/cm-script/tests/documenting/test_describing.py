"""`cm help script` and `cm show script`: everything a recipe says about itself, on one screen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recipe_world import World

from cm_script.documenting import terminal
from cm_script.documenting.facts import facts
from cm_script.documenting.recipes import Recipes
from cm_script.documenting.wording import when
from cmcore.types import Request, Result, Table


def called(
    world: World, action: str, *words: str, here: Path | None = None, **flags: Any
) -> Result:
    """The result as the command line gets it."""
    before = os.getcwd()
    os.chdir(here or world.here)
    try:
        return world.context().call(Request(action, "script", words, flags, console=True))
    finally:
        os.chdir(before)


def view(world: World, action: str, *words: str, **flags: Any) -> str:
    """The same as text, tables by their cells."""
    shown = called(world, action, *words, **flags).view
    parts = [shown] if isinstance(shown, (str, Table)) else list(shown or ())
    return "\n".join(
        part if isinstance(part, str) else "\n".join("\t".join(row) for row in part.rows)
        for part in parts
    )


def by_words(world: World, *words: str) -> subprocess.CompletedProcess[str]:
    """A real command line, into a pipe."""
    command = [sys.executable, "-m", "cmcore", *words]
    return subprocess.run(
        command, cwd=world.here, env=world.environ, capture_output=True, text=True, check=True
    )


def tool(world: World, form: str = "cm") -> None:
    """A recipe with a bit of everything."""
    p = "CM" if form == "cm" else "MLC"
    world.recipe("detect-os", tags=["detect", "os"], form=form)
    world.recipe("get-python3", tags=["get", "python3"], form=form, variations={"venv": {}})
    world.recipe(
        "get-tool",
        form=form,
        name="Get the tool",
        tags=["get", "tool"],
        category="Tools",
        cache=True,
        input_mapping={"speed": f"{p}_SPEED", "dir": f"{p}_DIR"},
        input_description={
            "speed": {"desc": "how fast", "choices": ["slow", "fast"], "default": "slow"},
            "adr.python.version": {"desc": "which Python", "sort": 1},
        },
        default_env={f"{p}_DIR": "/opt"},
        env={f"{p}_ALWAYS": True},
        deps=[
            {"tags": "detect,os"},
            {
                "tags": "get,python3,_venv",
                "names": ["python"],
                "version_min": "3.9",
                "enable_if_env": {f"{p}_SPEED": ["fast"]},
                "skip_if_env": {f"{p}_NO_PYTHON": ["yes"]},
                "update_tags_from_env_with_prefix": {"_x.": [f"{p}_X"]},
            },
        ],
        post_deps=[{"tags": "get,nothing-like-it"}],
        variations={
            "debug": {"group": "mode", "env": {f"{p}_MODE": "slow"}},
            "release": {"group": "mode", "default": True, "base": ["opt"]},
            "opt": {"default_env": {f"{p}_OPT": 3}, "deps": [{"tags": "detect,os"}]},
            "rel": {"alias": "release"},
            "size.#": {"env": {f"{p}_SIZE": "#"}, "adr": {"python": {"version": "3.12"}}},
            "debug,opt": {"env": {f"{p}_BOTH": "yes"}},
        },
        versions={"1.0": {"env": {f"{p}_URL": "a"}}, "2.0": {}},
        default_version="2.0",
        new_env_keys=[f"{p}_TOOL_*", "+ PATH"],
        new_state_keys=["tool"],
        docker={"real_run": False, "base_image": "debian:12", "deps": [{"tags": "detect,os"}]},
        customize="def preprocess(i):\n    return {'return': 0}\n",
        run="true\n",
        files={"run-ubuntu.sh": "true\n", "run.bat": "", "help.sh": "", "notes.md": "# Notes\n"},
        tests={"run_inputs": [{}, {}]},
    )


@pytest.mark.parametrize("form", ["cm", "mlc"])
def test_the_description_holds_what_the_meta_says(world: World, form: str) -> None:
    tool(world, form)
    p = "CM" if form == "cm" else "MLC"
    answer = world.access("help", "script", artifact="get tool")
    found = answer["recipe"]
    assert json.loads(json.dumps(found)) == found
    assert [found[key] for key in ("alias", "name", "category", "dialect", "words")] == [
        "get-tool",
        "Get the tool",
        "Tools",
        form,
        "get tool",
    ]
    assert found["cache"] == {
        "cached": True,
        "on_request": False,
        "expires": "",
        "tags_from_env": [],
    }
    flags = {row["flag"]: row for row in found["inputs"]}
    assert list(flags) == ["adr.python.version", "speed", "dir"]
    assert flags["speed"]["choices"] == ["slow", "fast"]
    assert flags["speed"]["default"] == "slow"
    assert flags["dir"]["default"] == "/opt"
    assert flags["dir"]["variable"] == f"{p}_DIR"
    assert found["groups"] == [
        {"name": "mode", "default": "release", "members": ["debug", "release"]}
    ]
    table = {row["name"]: row for row in found["variations"]}
    assert table["debug,opt"]["combines"] == ["debug", "opt"]
    assert table["rel"]["alias"] == "release"
    assert table["release"]["bases"] == ["opt"]
    assert table["size.#"]["dynamic"]
    assert table["size.#"]["changes"] == {"python": {"version": "3.12"}}
    assert table["opt"]["deps"][0]["recipe"]["alias"] == "detect-os"
    assert set(found["default_variations"]) == {"release", "opt"}
    first, python, nothing, docker = found["deps"]
    assert first["recipe"]["alias"] == "detect-os"
    assert python["recipe"]["alias"] == "get-python3"
    assert python["names"] == ["python"]
    assert python["version"] == {"version_min": "3.9"}
    assert python["when"] == f"if {p}_SPEED is fast, and unless {p}_NO_PYTHON is set"
    assert python["tags_from_env"] == [f"_x.<{p}_X>"]
    assert (nothing["kind"], nothing["recipe"]) == ("post_deps", None)
    assert docker["kind"] == "docker.deps"
    assert found["versions"]["default"] == "2.0"
    assert [entry["version"] for entry in found["versions"]["known"]] == ["1.0", "2.0"]
    assert found["env"] == {"defaults": {f"{p}_DIR": "/opt"}, "set": {f"{p}_ALWAYS": "True"}}
    assert found["outputs"]["env"] == [f"{p}_TOOL_*", "+PATH"]
    assert found["docker"] == {
        "run": True,
        "real_run": False,
        "settings": {"base_image": "debian:12"},
    }
    assert found["hooks"] == ["preprocess"]
    assert {row["file"]: row["system"] for row in found["scripts"]} == {
        "help.sh": "used by the recipe's code",
        "run-ubuntu.sh": "ubuntu",
        "run.bat": "Windows",
        "run.sh": "Linux and macOS",
    }
    assert found["more"] == ["notes.md"]
    assert found["tests"] == 2


def test_the_screen_tells_all_of_it(world: World) -> None:
    tool(world)
    text = view(world, "help", "get tool")
    for words in (
        "get-tool  Get the tool",
        "--speed=slow|fast",
        "how fast; one of slow, fast; default slow; sets CM_SPEED",
        "mode    _release* _debug",
        "any of  _opt* _rel(=_release) _size.#",
        "special settings for 1 combination",
        "-> get-python3; if CM_SPEED is fast, and unless CM_NO_PYTHON is set; at least 3.9",
        "get,nothing-like-it  (no recipe found)",
        "--adr.python.version=1.2",
        "known    1.0 2.0",
        "variables  CM_TOOL_* +PATH",
        "2 tests: cm test script get-tool",
    ):
        assert words in text, words


def test_examples_are_commands_that_work(world: World) -> None:
    tool(world)
    world.recipe("nothing", tags=["get", "nothing-like-it"])
    for example in world.access("help", "script", artifact="get tool")["recipe"]["examples"]:
        line = example["command"].removeprefix("cm ")
        if line.startswith("run"):
            line = line.replace("run", "plan", 1)
        answer = world.context().access(line)
        assert answer["return"] == 0, (line, answer)


def test_variations_asked_for_are_explained(world: World) -> None:
    tool(world)
    text = view(world, "help", "get tool _debug _size.4")
    assert "sets CM_SIZE=#; changes python: version 3.12" in text
    assert "all that are on  _debug _size.4" in text
    answer = world.access("help", "script", artifact="get tool _debug _size.4")
    assert answer["recipe"]["asked_for"] == ["debug", "size.4"]


def test_long_lists_are_folded_and_all_unfolds_them(world: World) -> None:
    names = [f"v{number:02}" for number in range(40)]
    world.recipe(
        "long",
        variations={name: {"env": {"CM_X": name}} for name in names},
        input_mapping={f"f{number:02}": f"CM_F{number}" for number in range(40)},
        deps=[{"tags": "long", "names": [f"n{number:02}"]} for number in range(40)],
        default_env={f"CM_E{number:02}": "1" for number in range(40)},
    )
    short, whole = view(world, "help", "long"), view(world, "help", "long", all=True)
    assert len(short.splitlines()) < 90
    assert "and 28 more flags" in short
    assert "--all shows everything" in short
    assert "_v05" in short
    assert "_v30" not in short
    for word in ("_v39", "--f39", "n39", "CM_E39", "sets CM_X=v39"):
        assert word in whole, word
    assert "--all" not in whole


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.integers(min_value=40, max_value=160))
def test_lines_fit_the_terminal(world: World, width: int) -> None:
    if not world.access("find", "script")["list"]:
        tool(world)
    (artifact,) = world.context().search("script", tags="get,tool")
    found = facts(artifact, Recipes.all(world.context()))
    found["path"] = "/x"  # words that have no blank are never broken
    for line in terminal.draw(found, ["debug"], width).splitlines():
        assert len(line) <= width or " " not in line.strip(), line


def test_meta_cannot_steer_the_terminal(world: World) -> None:
    world.recipe("evil", name="\x1b[31mred\x07", tags=["evil"], category="a\nb\x1b]0;x\x07")
    text = view(world, "help", "evil")
    assert "red" in text
    assert all(char.isprintable() or char == "\n" for char in text)


@pytest.mark.parametrize("action", ["help", "show"])
def test_several_recipes_are_listed_with_a_way_to_narrow(world: World, action: str) -> None:
    for name in ("get-a", "get-b", "get-c"):
        world.recipe(name, tags=["get", "tool", name[-1]])
    assert view(world, action, "get tool") == "get-a\tcm\ta\nget-b\tcm\tb\nget-c\tcm\tc"
    piped = by_words(world, action, "script", "get tool")
    assert piped.stdout == "get-a\nget-b\nget-c\n"
    assert "3 recipes fit" in piped.stderr
    assert f"cm {action} script get-a" in piped.stderr
    assert "one more tag, such as a" in piped.stderr
    answer = world.access(action, "script", artifact="get tool")
    assert answer["recipe"] is None
    assert [row["alias"] for row in answer["list"]] == ["get-a", "get-b", "get-c"]


def test_help_takes_what_a_run_takes_and_names_the_others(world: World, tmp_path: Path) -> None:
    world.recipe("same", tags=["same", "one"], uid="00112233445566ff")
    other = tmp_path / "other"
    folder = other / "script/same"
    folder.mkdir(parents=True)
    (other / "cmr.yaml").write_text("alias: other-recipes\nuid: 00112233445566bb\n")
    meta = {"alias": "same", "uid": "00112233445566ff", "tags": ["same", "one"]}
    (folder / "meta.json").write_text(json.dumps(meta))
    assert world.access("add", "collection", artifact=str(other))["return"] == 0
    assert "also in        other-recipes (mlc)" in view(world, "help", "same one")
    assert "dialect        MLCFlow" in view(world, "help", "same one", dialect="mlc")
    shown = by_words(world, "show", "script", "same")
    assert shown.stdout == "same\nsame\n"
    assert "2 recipes fit" in shown.stderr
    assert "cm show script other-recipes:same" in shown.stderr
    assert "dialect        MLCFlow" in view(world, "show", "other-recipes:same")


@pytest.mark.parametrize("action", ["help", "show", "doc"])
@pytest.mark.parametrize(
    ("asked", "near"),
    [("get-tol", "get-tool"), ("get tooll", "tool"), ("get tool _debgu", "debug")],
)
def test_what_is_not_there_is_answered_with_what_is(
    world: World, action: str, asked: str, near: str
) -> None:
    tool(world)
    answer = world.access(action, "script", artifact=asked)
    assert answer["return"] == 16
    assert f"did you mean '{near}'" in answer["hint"]


def test_show_keeps_what_every_show_tells(world: World) -> None:
    tool(world)
    (row,) = world.access("show", "script", artifact="get-tool")["list"]
    assert row["cid"] == f"script,5b4e0237da074764::get-tool,{row['uid']}"
    assert "run.sh" in row["files"]
    assert row["meta"]["category"] == "Tools"


def test_a_dot_is_the_recipe_around(world: World) -> None:
    tool(world)
    inside = world.folder / "script/get-tool"
    for action in ("show", "help"):
        data = called(world, action, ".", here=inside).data
        assert data["recipe"]["alias"] == "get-tool"
    assert called(world, "doc", ".", here=inside, output="-").data["text"].count("# get-tool") == 1


def test_any_meta_can_be_described(world: World) -> None:
    """Wrong types are lint's business; a description leaves them out."""
    keys = (
        *("deps", "prehook_deps", "variations", "versions", "input_mapping", "env", "docker"),
        *("input_description", "default_env", "new_env_keys", "tests", "cache", "category"),
        *("name", "developers", "warnings", "private", "valid_variation_combinations"),
        *("extra_cache_tags_from_env", "update_meta_if_env", "print_env_at_the_end"),
        "default_variations",
    )
    values: list[Any] = ["text", 3, None, True, ["x", 1, None], {"a": 1, "b": None}, [{"a": []}]]
    for number, value in enumerate(values):
        world.recipe(f"odd-{number}", tags=["odd", str(number)], **dict.fromkeys(keys, value))
        nested = {"v": value, "w": dict.fromkeys(keys, value)}
        world.recipe(f"deep-{number}", variations=nested, versions=nested, docker=nested)
    for number in range(len(values)):
        for name in (f"odd-{number}", f"deep-{number}"):
            assert view(world, "help", name, all=True).startswith(name)
            page = called(world, "doc", name, output="-").data["text"]
            assert f"# {name}" in page


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({}, ""),
        ({"enable_if_env": {"A": ["yes"], "B": ["x", "y"]}}, "if A is set and B is x or y"),
        ({"enable_if_any_env": {"A": "on", "B": ["no"]}}, "if A is set or B is not set"),
        ({"skip_if_env": {"A": [True]}}, "unless A is set"),
        ({"skip_if_any_env": {"A": ["x"], "B": [""]}}, "unless A is x or B is empty"),
        ({"skip_if_fake_run": True}, "unless the run is a fake one"),
        ({"enable_if_env": "odd", "skip_if_env": {}}, ""),
    ],
)
def test_conditions_in_words(entry: dict[str, Any], expected: str) -> None:
    assert when(entry) == expected
