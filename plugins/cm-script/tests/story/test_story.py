"""One run, in order: what runs when, what is seen by whom, what comes back."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest
from recipe_world import World

HOOKS = """
import os

def note(word):
    with open({log!r}, "a") as f:
        f.write(word + "\\n")

def preprocess(i):
    note("preprocess")
    return {{"return": 0}}

def postprocess(i):
    note("postprocess")
    i["env"]["CM_MADE"] = os.getcwd()
    return {{"return": 0}}
"""


def test_everything_runs_in_the_documented_order(world: World) -> None:
    for name in ("dep", "pre", "posthook", "post"):
        world.recipe(name, run=world.notes(name))
    world.recipe(
        "main",
        deps=[{"tags": "dep"}],
        prehook_deps=[{"tags": "pre"}],
        posthook_deps=[{"tags": "posthook"}],
        post_deps=[{"tags": "post"}],
        customize=HOOKS.format(log=str(world.log)),
        run=world.notes("native"),
    )
    assert world.run("main")["return"] == 0
    expected = "dep preprocess pre native posthook postprocess post"
    assert world.noted() == expected.split()


def test_only_exported_keys_reach_the_parent_and_the_caller(world: World) -> None:
    world.recipe(
        "tool",
        run="printf '%s\\n' CM_TOOL_BIN=/opt/tool CM_SECRET=1 >> tmp-run-env.out\n",
        new_env_keys=["CM_TOOL_*"],
    )
    world.recipe(
        "main",
        deps=[{"tags": "tool"}],
        run='echo "CM_SEEN=$CM_TOOL_BIN,$CM_SECRET" >> tmp-run-env.out\n',
        new_env_keys=["CM_SEEN"],
    )
    answer = world.run("main", env={"CM_MINE": "x"})
    assert answer["new_env"] == {"CM_SEEN": "/opt/tool,"}
    assert answer["env"] == {"CM_MINE": "x", "CM_SEEN": "/opt/tool,"}


def test_private_keys_are_hidden_from_dependencies_and_come_back(world: World) -> None:
    show = 'echo "CM_GOT_{0}=[$CM_INPUT][$CM_LOCAL][$CM_OPEN]" >> tmp-run-env.out\n'
    world.recipe("dep", run=show.format("DEP"), new_env_keys=["CM_GOT_DEP"])
    world.recipe(
        "main",
        local_env_keys=["CM_LOCAL"],
        deps=[{"tags": "dep", "force_env_keys": ["CM_LOCAL"]}, {"tags": "dep"}],
        run=show.format("MAIN"),
        new_env_keys=["CM_GOT_*"],
    )
    answer = world.run("main", input="in", env={"CM_LOCAL": "local", "CM_OPEN": "open"})
    assert answer["new_env"]["CM_GOT_MAIN"] == "[in][local][open]"
    assert answer["new_env"]["CM_GOT_DEP"] == "[][][open]"


def test_a_failed_run_leaves_environment_and_folder_as_they_were(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world.here)
    world.recipe("bad", run="export CM_X=1\necho last words\nexit 7\n")
    world.recipe("main", deps=[{"tags": "bad"}], env={"CM_LEAK": "yes"})
    env = {"CM_MINE": "x"}
    before = world.context()
    from cm_script.engine import Engine
    from cmcore.errors import CmError

    engine = Engine(before)
    with pytest.raises(CmError) as caught:
        engine.run({"tags": "main", "env": env})
    assert env == {"CM_MINE": "x"}
    assert caught.value.code == 2
    assert "exit code 7" in caught.value.message
    assert [name.split(",")[0] for name in engine.failure[1]] == ["main", "bad"]


def test_a_step_that_fails_says_what_where_and_keeps_the_log(world: World) -> None:
    path = world.recipe("bad", run="echo first\necho last words\nexit 3\n")
    answer = world.run("bad")
    assert answer["return"] == 2
    assert "\n" not in answer["error"]
    assert "exit code 3" in answer["error"]
    assert answer["where"] == str(path / "run.sh")
    logs = list((world.home / "logs").iterdir())
    assert [log.read_text().split() for log in logs] == [["first", "last", "words"]]


def test_a_hook_that_skips_leaks_nothing(world: World) -> None:
    code = 'def preprocess(i):\n i["env"]["CM_LEAK"] = "1"\n return {"return": 0, "skip": True}\n'
    world.recipe("skips", customize=code, cache=True, run=world.notes("native"))
    world.recipe(
        "main",
        deps=[{"tags": "skips"}],
        run='echo "CM_SEEN=[$CM_LEAK]" >> tmp-run-env.out\n',
        new_env_keys=["CM_SEEN"],
    )
    assert world.run("main")["new_env"] == {"CM_SEEN": "[]"}
    assert world.noted() == []
    assert world.entries() == []


def test_a_hook_may_have_another_recipe_run_in_its_place(world: World) -> None:
    code = 'def preprocess(i):\n return {"return": 0, "skip": True, "script": {"tags": "other"}}\n'
    world.recipe("first", customize=code)
    world.recipe("other", env={"CM_WHO": "other"}, new_env_keys=["CM_WHO"])
    assert world.run("first")["new_env"] == {"CM_WHO": "other"}


def test_recipes_that_depend_on_each_other_are_named(world: World) -> None:
    world.recipe("one", deps=[{"tags": "two"}])
    world.recipe("two", deps=[{"tags": "one"}])
    answer = world.run("one")
    assert answer["return"] == 1
    assert "depends on itself" in answer["error"]
    assert "one" in answer["where"]
    assert "two" in answer["where"]


def test_a_recipe_may_depend_on_itself_with_another_variation(world: World) -> None:
    world.recipe(
        "nested",
        variations={"inner": {"env": {"CM_DEPTH": "1"}}},
        deps=[{"tags": "nested,_inner", "skip_if_env": {"CM_DEPTH": ["1"]}}],
        run=world.notes("ran"),
    )
    assert world.run("nested")["return"] == 0
    assert world.noted() == ["ran", "ran"]


def test_an_unknown_flag_is_named_with_the_nearest_one(world: World) -> None:
    world.recipe("main", input_mapping={"batch_size": "CM_BATCH"}, run=world.notes("ran"))
    answer = world.run("main", batchsize="8")
    assert answer["return"] == 4
    assert "--batchsize" in answer["error"]
    assert "--batch_size" in answer["hint"]
    assert world.noted() == []


def test_a_mapped_flag_with_dashes_is_known_as_the_command_line_spells_it(world: World) -> None:
    world.recipe("main", input_mapping={"no-rerun": "CM_NO_RERUN"}, new_env_keys=["CM_NO_RERUN"])
    assert world.run("main", no_rerun="yes")["new_env"] == {"CM_NO_RERUN": "yes"}


def test_a_flag_that_a_hook_reads_is_known(world: World) -> None:
    code = (
        'def preprocess(i):\n i["env"]["CM_X"] = i["input"].get("odd", "")\n return {"return": 0}\n'
    )
    world.recipe("main", customize=code, new_env_keys=["CM_X"])
    assert world.run("main", odd="yes")["new_env"] == {"CM_X": "yes"}


def test_what_a_user_passes_is_data(world: World) -> None:
    bait = world.here / "bait"
    value = f"$(touch {bait}) `touch {bait}` \"q\" 'a'\nb=c $HOME"
    world.recipe("main", run='printf %s "$CM_X" > got\n')
    assert world.run("main", env={"CM_X": value})["return"] == 0
    assert (world.here / "got").read_text() == value
    assert not bait.exists()


def test_references_that_a_recipe_writes_are_expanded(world: World) -> None:
    world.recipe("main", env={"CM_A": "one", "CM_B": "$CM_A/two"}, run='printf %s "$CM_B" > got\n')
    assert world.run("main")["return"] == 0
    assert (world.here / "got").read_text() == "one/two"


def test_an_uncached_run_leaves_only_what_the_recipe_made(world: World) -> None:
    world.recipe("main", run="echo x > mine\necho y > scrap\n", clean_files=["scrap"])
    assert world.run("main")["return"] == 0
    assert [path.name for path in world.here.iterdir()] == ["mine"]


def test_output_folder_is_made_and_used(world: World) -> None:
    world.recipe("main", run="pwd > where\n")
    assert world.run("main", outdirname="out/deep")["return"] == 0
    where = world.here / "out" / "deep"
    assert (where / "where").read_text().strip() == str(where)


def test_a_hook_can_call_the_engine_again(world: World) -> None:
    world.recipe("helper", env={"CM_HELP": "1"}, new_env_keys=["CM_HELP"])
    code = """
import cmind as cm

def preprocess(i):
    r = cm.access({"action": "find", "automation": "script", "tags": "helper"})
    if r["return"] > 0: return r
    found = r["list"][0]
    i["env"]["CM_FOUND"] = found.meta["alias"] + " " + found.path
    r = i["automation"].cmind.access({"action": "run", "automation": "script", "tags": "helper"})
    if r["return"] > 0: return r
    i["env"]["CM_NESTED"] = r["new_env"]["CM_HELP"]
    return {"return": 0}
"""
    world.recipe("main", customize=code, new_env_keys=["CM_FOUND", "CM_NESTED"])
    answer = world.run("main")
    path = world.folder / "script" / "helper"
    assert answer["new_env"] == {"CM_FOUND": f"helper {path}", "CM_NESTED": "1"}


def test_a_dependency_prefers_its_parents_dialect(world: World) -> None:
    for form, prefix in (("cm", "CM"), ("mlc", "MLC")):
        world.recipe(
            "tool",
            dir=f"tool-{form}",
            form=form,
            uid="aaaabbbbccccdddd",
            env={f"{prefix}_WHO": form},
            new_env_keys=[f"{prefix}_WHO"],
        )
        world.recipe(f"main-{form}", form=form, deps=[{"tags": "tool"}], new_env_keys=["*_WHO"])
    assert world.run("main-cm")["new_env"] == {"CM_WHO": "cm"}
    assert world.run("main-mlc")["new_env"] == {"MLC_WHO": "mlc"}
    assert world.run("tool", dialect="mlc")["new_env"] == {"MLC_WHO": "mlc"}


def test_a_record_says_what_ran_and_hides_secrets(world: World) -> None:
    world.recipe("dep")
    world.recipe("main", deps=[{"tags": "dep"}], new_env_keys=["CM_*"])
    world.run("main", env={"CM_API_TOKEN": "hunter2", "CM_X": "1"})
    (path,) = (world.home / "records").iterdir()
    text = path.read_text()
    record = json.loads(text)
    assert [r["recipe"].split(",")[0] for r in record["recipes"]] == ["dep", "main"]
    assert record["outcome"]["return"] == 0
    assert record["outcome"]["new_env"]["CM_X"] == "1"
    assert "hunter2" not in text


def test_a_failed_request_is_recorded_too(world: World) -> None:
    world.recipe("bad", run="exit 5\n")
    world.run("bad")
    (path,) = (world.home / "records").iterdir()
    outcome = json.loads(path.read_text())["outcome"]
    assert outcome["return"] == 2
    assert "exit code 5" in outcome["error"]


@pytest.mark.parametrize("tags", ["", " ", True])
def test_empty_tags_are_refused(world: World, tags: object) -> None:
    answer = world.access("run", "script", tags=tags)
    assert answer["return"] == 4
    assert "tags" in answer["error"]


def test_nothing_that_fits_is_said_with_what_would(world: World) -> None:
    world.recipe("detector", tags=["detect", "gadget"])
    answer = world.run("detect,gadgit")
    assert answer["return"] == 16
    assert "gadget" in answer["hint"]


def test_several_that_fit_are_decided_the_same_way_every_time(world: World) -> None:
    for name, sort in (("a", 2), ("b", 1), ("c", 3)):
        world.recipe(name, tags=["pick"], sort=sort, env={"CM_WHO": name}, new_env_keys=["CM_WHO"])
    assert [world.run("pick")["new_env"]["CM_WHO"] for _ in range(3)] == ["b", "b", "b"]


def test_inside_a_container_recipes_can_be_left_out(world: World) -> None:
    world.recipe("outside", docker={"run": False}, run=world.notes("outside"))
    world.recipe(
        "half", docker={"real_run": False}, deps=[{"tags": "dep"}], run=world.notes("half")
    )
    world.recipe("dep", run=world.notes("dep"))
    inside = {"CM_RUN_STATE_DOCKER": "True"}
    assert world.run("outside", env=dict(inside))["new_env"] == {}
    assert world.run("half", env=dict(inside))["return"] == 0
    assert world.noted() == ["dep"]


def test_save_env_writes_a_script_that_can_be_sourced(world: World, tmp_path: Path) -> None:
    import subprocess

    world.recipe("main", env={"CM_X": 'a "b" c'}, new_env_keys=["CM_X"])
    assert world.run("main", save_env=True)["return"] == 0
    script = world.here / "tmp-env.sh"
    line = ["bash", "-c", f'. "{script}"; printf %s "$CM_X"']
    assert subprocess.run(line, capture_output=True, check=True).stdout == b'a "b" c'


def test_a_step_that_a_hook_started_fails_as_itself(world: World) -> None:
    code = """
def preprocess(i):
    return i["automation"].run_native_script(
        {"run_script_input": i["run_script_input"], "env": i["env"], "script_name": "install"})
"""
    world.recipe("main", customize=code, files={"install.sh": "echo broken\nexit 9\n"})
    answer = world.run("main")
    assert answer["return"] == 2
    assert "exit code 9" in answer["error"]
    assert answer["last_lines"] == ["broken"]


def test_hooks_find_repositories(world: World) -> None:
    code = """
import cmind

def preprocess(i):
    r = cmind.access({"action": "find", "automation": "repo", "artifact": "test-recipes"})
    if r["return"] > 0: return r
    i["env"]["CM_REPO"] = r["list"][0].path
    return {"return": 0}
"""
    world.recipe("main", customize=code, new_env_keys=["CM_REPO"])
    assert world.run("main")["new_env"] == {"CM_REPO": str(world.folder)}


def test_edits_that_name_no_dependency_are_told(world: World, capfd) -> None:
    world.recipe("dep")
    world.recipe("main", deps=[{"tags": "dep", "names": ["compiler"]}])
    assert world.run("main", adr={"compilr": {"tags": "x"}})["return"] == 0
    said = capfd.readouterr().err
    assert "--adr.compilr changed nothing" in said
    assert "did you mean 'compiler'?" in said
    world.run("main", adr={"compiler": {"version": "1"}})
    assert "changed nothing" not in capfd.readouterr().err


@pytest.mark.parametrize("edits", ["x", True, {"x": True}, ["x"]])
def test_edits_without_a_key_are_refused(world: World, edits: object) -> None:
    world.recipe("main")
    for flag in ("ad", "adr"):
        answer = world.run("main", **{flag: edits})
        assert answer["return"] == 4
        assert f"--{flag}" in answer["error"]


def test_a_dependency_that_does_not_exist_is_told_with_who_wants_it(world: World) -> None:
    world.recipe("main", deps=[{"tags": "nowhere"}])
    answer = world.run("main")
    assert answer["return"] == 16
    assert "dependency of main" in answer["where"]


@pytest.mark.parametrize(
    ("meta", "customize"),
    [
        ({"input_mapping": ["a"]}, ""),
        ({"new_env_keys": ["*"]}, 'def preprocess(i):\n    i["env"][3] = 4\n'),
    ],
)
def test_what_a_recipe_should_not_hold_names_the_recipe(
    world: World, meta: dict[str, object], customize: str
) -> None:
    world.recipe("odd", customize=customize, **meta)
    answer = world.run("odd")
    assert answer["return"] == 1
    assert answer["error"].startswith("recipe odd")
    assert "plugin" not in answer["error"]


def test_a_recipe_hidden_by_a_mistake_in_its_meta_is_told(world: World, capfd) -> None:
    world.recipe("good")
    path = world.recipe("broken")
    (path / "_cm.json").write_text("{")
    capfd.readouterr()
    assert world.run("broken")["return"] == 16
    assert str(path / "_cm.json") in capfd.readouterr().err


def test_a_name_with_tags_that_it_lacks(world: World) -> None:
    world.recipe("main", tags=["one", "two"])
    answer = world.access("run", "script", artifact="main", tags="three")
    assert answer["error"] == "recipe 'main' does not have the tags 'three'"
    assert answer["hint"] == "it has one,two"


def test_threads_take_turns(world: World) -> None:
    world.recipe(
        "echo",
        variations={"say.#": {"env": {"CM_SAID": "#"}}},
        run='echo "CM_HEARD=$CM_SAID" > tmp-run-env.out\n',
        new_env_keys=["CM_HEARD"],
    )
    context, before = world.context(), os.getcwd()
    os.chdir(world.here)
    heard: dict[int, object] = {}

    def ask(number: int) -> None:
        answer = context.access(
            {"action": "run", "automation": "script", "tags": f"echo,_say.{number}"}
        )
        heard[number] = answer.get("new_env", answer)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        os.chdir(before)
    assert heard == {number: {"CM_HEARD": str(number)} for number in range(8)}


@pytest.mark.parametrize(
    "flags", [{"tags": 5}, {"env": {5: 6}}, {"env": 5}, {"state": {None: 1}}, {"tags": {"a": 1}}]
)
def test_requests_of_the_wrong_shape_are_refused(world: World, flags: dict[str, object]) -> None:
    world.recipe("main")
    call = {"action": "run", "automation": "script", "artifact": "main", **flags}
    assert world.context().access(call)["return"] == 4


def test_a_value_that_contains_itself_is_refused(world: World) -> None:
    world.recipe("main")
    env: dict[str, object] = {}
    env["CM_SELF"] = env
    assert world.run("main", env=env)["error"] == "a value of the request contains itself"


def test_a_working_folder_that_is_taken_away_names_the_recipe(world: World) -> None:
    world.recipe("main", cache=True, run='rm -r "$PWD"\n')
    answer = world.run("main")
    assert answer["return"] == 1
    assert answer["error"].startswith("recipe main")
    assert "plugin" not in answer["error"]


def test_a_current_folder_that_is_gone_is_said(world: World) -> None:
    world.recipe("main")
    before, gone = os.getcwd(), world.here / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    try:
        call = {"action": "run", "automation": "script", "tags": "main"}
        assert world.context().access(call)["error"] == "the current folder was deleted"
    finally:
        os.chdir(before)
