"""Runs that cannot succeed, runs that are killed, and runs that meet each other."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from kit import User, must
from trials import RunLog

KILLER = Path(__file__).with_name("killer.py")
TOP = ("run", "script", "make top", "--quiet", "--out=json")


def test_cyclic_dependencies_are_named(owner: User) -> None:
    line = owner.refused("run", "script", "make loop-a", "--quiet")
    assert "make-loop-a" in line, line
    assert "make-loop-b" in line, line


def test_a_failing_step_tells_command_and_log(owner: User) -> None:
    answer = owner.cm("run", "script", "make failing", "--quiet")
    assert answer.code == 2, answer.text
    assert "make-failing" in answer.err, answer.text
    assert "nosuchtool" in answer.out + answer.err, answer.text


def test_no_bash(owner: User, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    line = owner.refused("run", "script", "make plain", "--quiet", env={"PATH": str(empty)})
    assert "bash" in line, line
    owner.ok("run", "script", "make plain", "--quiet")


def test_no_terminal_means_no_question(owner: User) -> None:
    """Two recipes fit and nobody can be asked: an answer or an error at once, never a hang."""
    answer = owner.cm("run", "script", "make", timeout=60)
    assert "make" in answer.out + answer.err, answer.text


def test_ctrl_c_leaves_nothing_half_done(owner: User, runs: RunLog) -> None:
    block = owner.machine.environment(owner.home, **owner.env)
    argv = [str(owner.machine.bin / "cm"), "run", "script", "make slow", "--quiet"]
    with subprocess.Popen(
        argv,
        env=block,
        cwd=owner.home,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        _wait_for(lambda: runs.path.exists() and "slow" in runs.path.read_text())
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode in (130, -signal.SIGINT), err
    assert "Traceback" not in out + err, err
    assert owner.data("find", "cache", "--tags=slow")["list"] == []
    answer = must(owner.cm("run", "script", "make slow", "--quiet", "--out=json"))
    assert answer.json()["new_env"] == {"CM_SLOW": "made"}


def _wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the step never started"
        time.sleep(0.02)


def test_many_at_once_build_an_entry_once(owner: User, runs: RunLog) -> None:
    words = ("run", "script", "make slow", "--quiet", "--out=json")
    with ThreadPoolExecutor(6) as pool:
        for answer in pool.map(lambda _: owner.cm(*words), range(6)):
            assert must(answer).json()["new_env"] == {"CM_SLOW": "made"}
    assert runs.names() == ["slow"]


@pytest.mark.slow
def test_killed_between_any_two_changes(owner: User, runs: RunLog, tmp_path: Path) -> None:
    """Whatever a killed run leaves, the next run gives the right answer, and keeps it."""
    owner.ok("find", "script")
    spare = tmp_path / "killer"
    spare.mkdir()
    shutil.copy(KILLER, spare / "sitecustomize.py")
    saved = tmp_path / "saved"
    shutil.copytree(owner.cm_home, saved, symlinks=True)

    def fresh() -> None:
        shutil.rmtree(owner.cm_home)
        shutil.copytree(saved, owner.cm_home, symlinks=True)
        runs.path.unlink(missing_ok=True)

    log = tmp_path / "changes.log"
    counted = {"PYTHONPATH": str(spare), "KILL_LOG": str(log)}
    assert must(owner.cm(*TOP, env=counted)).json()["new_env"] == {"CM_TOP": "made"}
    changes = log.read_text().splitlines()
    assert len(changes) > 10, changes
    for number, change in enumerate(changes, start=1):
        fresh()
        killed = owner.cm(*TOP, env={"PYTHONPATH": str(spare), "KILL_AT": str(number)})
        # Paths differ from run to run, so the last points may lie beyond the end of this one.
        assert killed.code == -signal.SIGKILL or number > len(changes) - 5, killed.text
        again = owner.cm(*TOP)
        assert again.code == 0, f"killed before {change}\n{again.text}"
        assert again.json()["new_env"] == {"CM_TOP": "made"}, f"killed before {change}"
        before = runs.names()
        assert set(before) == {"base", "top"}, f"killed before {change}: {before}"
        assert owner.cm(*TOP).json()["new_env"] == {"CM_TOP": "made"}
        assert runs.names() == before, f"killed before {change}: not served from the cache"
        entries = owner.data("find", "cache", "--tags=make")["list"]
        assert len(entries) == 2, f"killed before {change}: {entries}"
