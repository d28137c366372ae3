"""Two runs in one folder do not take each other's files for their own."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from recipe_world import World

from cm_script import turns

STEP = """
echo "tool $T_ME" > tmp-ver.out
echo "T_A=$T_ME" > tmp-run-env.out
for n in 1 2 3 4 5; do sleep 0.05; echo "T_B=$T_ME" >> tmp-run-env.out; done
echo "{\\"S\\": \\"$T_ME\\"}" > tmp-run-state.json
"""
HOOK = """
import time
def preprocess(i):
    env, rsi = i["env"], i["run_script_input"]
    rsi["script_name"] = "other"
    i["automation"].run_native_script(
        {"run_script_input": rsi, "env": env, "script_name": "other"})
    rsi["script_name"] = "run"
    time.sleep(0.1)
    r = i["automation"].parse_version({"match_text": r"tool (\\S+)", "group_number": 1,
        "env_key": "T_C", "which_env": env})
    return r
def postprocess(i):
    time.sleep(0.1)
    return i["automation"].parse_version({"match_text": r"tool (\\S+)", "group_number": 1,
        "env_key": "T_D", "which_env": i["env"]})
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def started(world: World, *words: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "cmcore", "run", "script", *words, "--out=json"]
    return subprocess.Popen(
        argv,
        env=world.environ,
        cwd=world.here,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_runs_side_by_side_get_their_own_answers(world: World) -> None:
    world.recipe(
        "r",
        run=STEP,
        customize=HOOK,
        files={"other.sh": STEP},
        new_env_keys=["T_*"],
        new_state_keys=["S"],
    )
    runs = {name: started(world, "--tags=r", f"--env.T_ME={name}") for name in ("one", "two", "3")}
    for name, run in runs.items():
        out, err = run.communicate()
        assert run.returncode == 0, err
        answer = json.loads(out)
        assert answer["new_env"] == {f"T_{key}": name for key in ("A", "B", "C", "D", "ME")}
        assert answer["new_state"] == {"S": name}
    assert os.listdir(world.here) == []


def test_a_step_that_starts_the_command_again_does_not_wait_for_itself(world: World) -> None:
    world.recipe("inner", run="echo T_INNER=1 > tmp-run-env.out\n")
    again = f'"{sys.executable}" -m cmcore run script --tags=inner'
    world.recipe(
        "outer", run=f"{again} || exit 1\necho T_OUTER=1 > tmp-run-env.out\n", new_env_keys=["T_*"]
    )
    run = started(world, "--tags=outer")
    out, err = run.communicate()
    assert run.returncode == 0, err
    assert json.loads(out)["new_env"] == {"T_OUTER": "1"}
    assert "another run's step" not in err


def test_who_waits_in_vain_goes_on_and_leaves_the_other_s_files_alone(
    world: World, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.1)
    monkeypatch.setattr(turns, "_in_vain", set())
    names = ("tmp-run-env.out", "tmp-run.sh", "tmp-state.json", "tmp-ver.out")
    for name in names:
        (world.here / name).write_text("the other's")
    world.recipe("r", run=STEP, new_env_keys=["T_*"])
    holder = os.open(world.here, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    try:
        for _ in range(2):
            answer = world.run("r", env={"T_ME": "me"})
            assert answer["return"] == 0, answer
            assert answer["new_env"]["T_B"] == "me"
    finally:
        os.close(holder)
    assert {name: (world.here / name).read_text() for name in names} == dict.fromkeys(
        names, "the other's"
    )
    assert "another run's step" in capfd.readouterr().err


def test_the_turn_is_given_back(world: World) -> None:
    world.recipe("fails", run="exit 3\n")
    world.recipe(
        "forks",
        customize="import os, time\ndef preprocess(i):\n"
        "    if not os.fork():\n        time.sleep(2)\n        os._exit(0)\n",
    )
    assert world.run("fails")["return"] == 2
    assert world.run("forks")["return"] == 0
    assert turns.VARIABLE not in os.environ
    holder = os.open(world.here, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(holder)


def test_a_folder_without_locks_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fcntl, "flock", refuse)
    console = SimpleNamespace(log=lambda text: pytest.fail(text))
    with turns.turn(console) as alone, turns.turn(console) as inner:
        assert (alone, inner) == (True, True)
