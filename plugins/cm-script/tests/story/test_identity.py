"""What decides whether a cached result is the result of this request."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from recipe_world import World


def meta(world: World) -> list[dict[str, Any]]:
    found = world.access("find", "cache")["list"]
    return [entry["meta"] for entry in found]


def runs(world: World, tags: str, **flags: Any) -> bool:
    """Whether a request ran the recipe that notes `made`, rather than being served."""
    answer = world.access("run", "script", tags=tags, quiet=True, **flags)
    assert answer["return"] == 0, answer
    return "made" in world.noted()


def maker(world: World, alias: str = "tool", form: str = "cm", **extra: Any) -> Path:
    prefix = form.upper()
    code = f"def preprocess(i):\n    kind = i['env'].get('{prefix}_KIND', '')\n"
    code += "    return {'return': 0}\n"
    defaults = {"form": form, "cache": True, "customize": code, "run": world.notes("made")}
    return world.recipe(alias, **{**defaults, **extra})


@pytest.mark.parametrize("form", ["cm", "mlc"])
def test_a_variable_that_a_hook_reads(world: World, form: str) -> None:
    maker(world, form=form)
    key = f"{form.upper()}_KIND"
    assert runs(world, "tool", env={key: "a"})
    assert not runs(world, "tool", env={key: "a", "OTHER": "x"})
    assert runs(world, "tool", env={key: "b"})
    assert not runs(world, "tool", env={key: "a"})
    assert not runs(world, "tool", env={key: "b"})
    assert len(meta(world)) == 2
    assert runs(world, "tool"), "made without a kind is something else again"


def test_a_variable_that_only_a_dependency_reads(world: World) -> None:
    maker(world, "leaf", cache=False)
    world.recipe("top", cache=True, deps=[{"tags": "leaf"}])
    assert runs(world, "top", env={"CM_KIND": "a"})
    assert not runs(world, "top", env={"CM_KIND": "a"})
    assert runs(world, "top", env={"CM_KIND": "b"})
    (one, two) = meta(world)
    assert {one["inputs"]["CM_KIND"], two["inputs"]["CM_KIND"]} == {"a", "b"}


def test_what_the_recipes_below_tell_each_other_is_no_input(world: World) -> None:
    world.recipe("first", run="echo CM_KIND=$RANDOM >> tmp-run-env.out\n", new_env_keys=["CM_KIND"])
    maker(world, "second", cache=False)
    world.recipe("top", cache=True, deps=[{"tags": "first"}, {"tags": "second"}])
    assert runs(world, "top", env={"CM_KIND": "a"})
    assert not runs(world, "top", env={"CM_KIND": "b"})


def test_what_a_recipe_exports_itself_is_no_input(world: World) -> None:
    maker(world, new_env_keys=["CM_KIND"], env={"CM_KIND": "own"})
    assert runs(world, "tool")
    assert not runs(world, "tool", env={"CM_KIND": "of an earlier run"})


def test_a_place_that_was_made_known_need_not_be_repeated(world: World) -> None:
    code = "def preprocess(i):\n    i['env'].get('CM_DATA_PATH')\n    return {'return': 0}\n"
    maker(world, customize=code, input_mapping={"from": "CM_DATA_PATH", "size": "CM_SIZE"})
    assert runs(world, "tool", **{"from": "/somewhere"})
    assert runs(world, "tool", **{"from": "/elsewhere"}), "another place is another result"
    assert runs(world, "tool", size="5")
    assert not runs(world, "tool", size="5")
    assert runs(world, "tool", size="6")
    world.access("rm", "cache", tags="tool", f=True)
    assert runs(world, "tool", **{"from": "/somewhere"})
    assert not runs(world, "tool"), "found where it was said to be"


def test_how_to_run_is_no_input(world: World) -> None:
    maker(world)
    assert runs(world, "tool")
    env = {"CM_QUIET": "yes", "CM_TMP_X": "1", "CM_HOST_OS_TYPE": "odd", "CM_SUDO": "sudo"}
    assert not runs(world, "tool", env=env)


def test_the_files_of_the_recipe(world: World) -> None:
    path = maker(world)
    assert runs(world, "tool")
    (path / "README.md").write_text("what it is for\n")
    os.utime(path / "run.sh", (1, 1))
    assert not runs(world, "tool"), "neither a document nor a date makes another recipe"
    (path / "run.sh").write_text(world.notes("made") + "true\n")
    assert runs(world, "tool")
    assert not runs(world, "tool")
    data = json.loads((path / "_cm.json").read_text())
    (path / "_cm.json").write_text(json.dumps({**data, "category": "tools"}, indent=4))
    assert not runs(world, "tool")
    (path / "_cm.json").write_text(json.dumps({**data, "env": {"CM_NEW": "1"}}))
    assert runs(world, "tool")


def test_variations_that_were_taken_by_default(world: World) -> None:
    group = {"group": "size"}
    maker(world, variations={"small": {**group, "default": True}, "large": group})
    assert runs(world, "tool,_large")
    assert runs(world, "tool"), "small by default is not large"
    assert not runs(world, "tool")
    assert not runs(world, "tool,_large")


def test_what_only_other_variations_look_at_is_no_input(world: World) -> None:
    variations = {name: {"new_env_keys": [f"CM_{name.upper()}_VERSION"]} for name in ("one", "two")}
    variations["any.#"] = {"env": {"CM_ASKED": "<<<CM_OTHER>>>"}}
    maker(world, variations=variations)
    assert runs(world, "tool,_one")
    assert not runs(world, "tool,_one", env={"CM_TWO_VERSION": "2", "CM_OTHER": "x"})
    assert runs(world, "tool,_any.thing", env={"CM_OTHER": "x"})
    assert runs(world, "tool,_any.thing", env={"CM_OTHER": "y"})


def test_the_default_version_is_not_another_one(world: World) -> None:
    maker(world, default_version="2.0", versions={"1.0": {}, "2.0": {}})
    assert runs(world, "tool", version="1.0")
    assert runs(world, "tool")
    assert not runs(world, "tool", version="1.0")


def test_tags_alone_decide_when_asked_to(world: World) -> None:
    path = maker(world)
    assert runs(world, "tool", env={"CM_KIND": "a"})
    (path / "run.sh").write_text(world.notes("made") + "true\n")
    assert not runs(world, "tool", env={"CM_KIND": "b"}, cache_reuse="tags")
    world.environ["CM_SETTING_SCRIPT_CACHE_REUSE"] = "tags"
    assert not runs(world, "tool", env={"CM_KIND": "b"})
    answer = world.access("run", "script", tags="tool", cache_reuse="name")
    assert answer["return"] == 4
    assert "--cache_reuse is key or tags, not 'name'" in answer["error"]


def test_a_measurement_is_not_served_silently(world: World) -> None:
    maker(world, tags=["benchmark", "tool"])
    assert runs(world, "tool")
    assert runs(world, "tool")
    assert not runs(world, "tool", reuse_measured=True)
    assert {entry["class"] for entry in meta(world)} == {"measured"}


def test_classes(world: World) -> None:
    found = "def postprocess(i):\n    i['env']['CM_BASH_PATH'] = '/bin/bash'\n"
    found += "    return {'return': 0}\n"
    maker(world, "found", customize=found, new_env_keys=["CM_BASH_PATH"])
    maker(world, "made", run="echo made > it\n")
    stated = {"customize": found, "new_env_keys": ["CM_BASH_PATH"]}
    maker(world, "stated", cache_class="data", **stated)
    maker(world, "measures", tags=["measures", "benchmark"], **stated)
    # Nothing was made, no place is named: the package is somewhere on this machine.
    maker(world, "package", run="echo 1.2 > tmp-version.out\n")
    for tags in ("found", "made", "stated", "measures", "package"):
        world.access("run", "script", tags=tags, quiet=True)
    classes = {entry["tags"][0]: entry["class"] for entry in meta(world)}
    assert classes == {
        "found": "detected",
        "made": "built",
        "stated": "data",
        "measures": "measured",
        "package": "detected",
    }


@pytest.mark.parametrize("flags", [{}, {"renew": True}])
def test_a_tool_that_changes_again_is_detected_again(world: World, flags: dict[str, Any]) -> None:
    tool = world.here / "tool.sh"
    code = f"def postprocess(i):\n    with open('{tool}') as file:\n"
    code += f"        i['env'] |= {{'CM_AT': '{tool}', 'CM_IS': file.read()}}\n"
    code += "    return {'return': 0}\n"
    world.recipe("tool", cache=True, customize=code, new_env_keys=["CM_AT", "CM_IS"])
    for version in ("one", "second", "the third"):
        tool.write_text(version)
        assert world.run("tool", **flags)["env"]["CM_IS"] == version
        assert [entry["class"] for entry in meta(world)] == ["detected"]


def test_what_an_entry_tells_about_itself(world: World) -> None:
    maker(world, "leaf")
    world.recipe("between", deps=[{"tags": "leaf"}])
    world.recipe("top", cache=True, deps=[{"tags": "between"}], input_mapping={"token": "CM_TOKEN"})
    secret = "hunter2-hunter2"
    assert runs(world, "top", env={"CM_API_TOKEN": secret}, token=secret)
    entries = {entry["tags"][0]: entry for entry in meta(world)}
    assert entries["top"]["depends"] == [entries["leaf"]["uid"]]
    assert "run script" in entries["top"]["run"]["command"]
    record = Path(world.home) / "records" / entries["top"]["run"]["record"]
    assert record.is_file()
    for file in Path(world.home).rglob("_cm.json"):
        assert secret not in file.read_text()


def told(world: World, *flags: str) -> str:
    """What `cm run script tool` says on stderr."""
    environ = {**world.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "cmcore", "run", "script", "tool", "--quiet", *flags]
    done = subprocess.run(command, env=environ, cwd=world.here, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_explain(world: World) -> None:
    maker(world)
    assert "cache miss: no entry of this recipe" in told(world, "--env.CM_KIND=a", "--explain")
    assert "cache hit: entry" in told(world, "--env.CM_KIND=a", "--explain")
    assert "made by: cm run script tool" in told(world, "--env.CM_KIND=a", "--explain")
    text = told(world, "--env.CM_KIND=b", "--explain")
    assert "cache miss: entry" in text
    assert "CM_KIND: a there, b here" in text
    # Work that is done again for a reason that the request does not show is explained unasked.
    assert "is not used: CM_KIND" in told(world, "--env.CM_KIND=c")


def test_explain_what_happens_to_an_entry_that_is_there(world: World) -> None:
    tool = world.here / "tool.sh"
    tool.write_text("one")
    code = f"def postprocess(i):\n    i['env']['CM_AT'] = '{tool}'\n    return {{'return': 0}}\n"
    world.recipe("tool", cache=True, customize=code, new_env_keys=["CM_AT"])
    told(world)
    assert "; --renew builds it again" in told(world, "--explain", "--renew")
    tool.write_text("another")
    uid = world.entries()[0].name
    assert f"cache miss: entry {uid}: {tool} has changed since" in told(world, "--explain")
    assert f"cache hit: entry {uid}" in told(world, "--explain")
    assert "renew" not in told(world, "--explain")


@pytest.mark.parametrize("form", ["cm", "mlc"])
@pytest.mark.parametrize("deep", [False, True])
def test_another_dependency_that_a_person_chose(world: World, form: str, deep: bool) -> None:
    key = f"{form.upper()}_LEVEL"
    for name in ("gcc", "llvm"):
        world.recipe(
            name, form=form, tags=["compiler", name], cache=True, env={key: "1"},
            variations={"fast": {}}, versions={"1": {}, "2": {}}, default_version="1",
        )  # fmt: skip
    needs = [{"tags": "compiler,gcc", "names": ["cc"]}]
    if deep:
        world.recipe("between", form=form, deps=[{"tags": "choose,cc"}])
        world.recipe("choose", form=form, tags=["choose", "cc"], cache=True, deps=needs)
        needs = [{"tags": "between"}]
    maker(world, form=form, deps=needs)
    assert runs(world, "tool")
    assert not runs(world, "tool")
    # Said in other words, it is the same.
    assert not runs(world, "tool", adr={"cc": {"tags": "gcc"}})
    assert not runs(world, "tool", adr={"cc": {"version": "1"}})
    assert not runs(world, "tool", adr={"cc": {"version_min": "0.5"}})
    assert not runs(world, "tool", adr={"cc": {"tags": "-llvm"}})
    # What no dependency of it is called changes nothing.
    assert not runs(world, "tool", adr={"other": {"tags": "llvm"}})
    for change in (
        {"tags": "_fast"},
        {"version": "2"},
        {"env": {key: "2"}},
    ):
        assert runs(world, "tool", adr={"cc": change}), change
        assert not runs(world, "tool", adr={"cc": change}), change
    # And what was made with it is not what the plain request asks for.
    assert not runs(world, "tool")
    assert len([one for one in meta(world) if one.get("edits")]) >= 2


def test_why_an_edit_of_a_dependency_is_a_miss(world: World) -> None:
    for name in ("gcc", "llvm"):
        world.recipe(name, tags=["compiler", name])
    maker(world, deps=[{"tags": "compiler,gcc", "names": ["cc"]}])
    assert runs(world, "tool")
    answer = world.access("plan", "script", tags="tool", quiet=True, adr={"cc": {"tags": "llvm"}})
    assert "--adr.cc.tags: none there, llvm here" in json.dumps(answer["tree"])
