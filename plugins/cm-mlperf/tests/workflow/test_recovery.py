"""Runs that are killed, and two at once: the next one ends well."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Unix signals")

_PATIENCE = 300.0


@pytest.fixture
def ready(main_job: Any, place: Any) -> Any:
    """A folder of its own, and the home in which digits is there already."""
    place.environ["CM_HOME"] = str(main_job.place.home)
    return place


def wait_for(running: Any, pattern: str, here: Path) -> Path:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        found = sorted(here.glob(pattern))
        if found:
            return found[0]
        assert running.poll() is None, running.communicate()
        time.sleep(0.05)
    raise AssertionError(f"no {pattern} in {here}")


def harness_of(folder: Path) -> list[int]:
    """Processes that measure into a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(word.startswith(bytes(folder)) for word in words):
            found.append(int(path.parent.name))
    return found


LONG = ("run", "mlperf", "--quiet", "--scenario=Server", "--mode=performance")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks into /proc")
def test_a_killed_run_is_measured_anew(ready: Any) -> None:
    running = ready.start(*LONG, "--test_query_count=60000")
    folder = wait_for(running, "mlperf-results/*/*/digits/server", ready.here)
    wait_for(running, "mlperf-results/*/*/digits/server/performance/run_1.tmp", ready.here)
    running.kill()
    running.communicate()
    assert running.returncode == -signal.SIGKILL
    end = time.monotonic() + _PATIENCE
    while harness_of(folder) and time.monotonic() < end:
        time.sleep(0.05)
    assert not harness_of(folder), "the harness outlives the command that started it"
    assert not (folder / "cm-result.json").exists()
    assert not (folder / "performance" / "run_1").exists()
    said = ready.cm(*LONG)
    assert said.code == 0, said.err
    result = json.loads((folder / "cm-result.json").read_text())
    assert result["performance"]["valid"]
    assert result["performance"]["samples"] == 700
    assert [path.name for path in (folder / "performance").iterdir()] == ["run_1"]


def test_a_finished_point_survives_a_killed_neighbour(ready: Any) -> None:
    words = ("run", "mlperf", "--quiet", "--scenario=SingleStream,Server", "--mode=performance")
    running = ready.start(*words, "--min_query_count=20000")
    wait_for(running, "mlperf-results/*/*/digits/server/performance/run_1.tmp", ready.here)
    running.kill()
    running.communicate()
    (first,) = ready.here.glob("mlperf-results/*/*/digits/singlestream/cm-result.json")
    before = json.loads(first.read_text())
    said = ready.cm(
        "run", "mlperf", "--quiet", "--scenario=SingleStream", "--mode=performance",
        "--min_query_count=20000",
    )  # fmt: skip
    assert "kept as it is" in said.err
    assert json.loads(first.read_text())["id"] == before["id"]


def test_an_interrupt_ends_the_run_and_leaves_no_result(ready: Any) -> None:
    running = ready.start(*LONG, "--test_query_count=60000")
    folder = wait_for(running, "mlperf-results/*/*/digits/server", ready.here)
    wait_for(running, "mlperf-results/*/*/digits/server/performance/run_1.tmp", ready.here)
    os.killpg(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=_PATIENCE)
    assert running.returncode not in (0, None), (out, err)
    assert "Traceback" not in err
    assert not (folder / "cm-result.json").exists()
    assert not harness_of(folder)


def test_two_runs_of_one_point_wait_for_each_other(ready: Any) -> None:
    both = [ready.start(*LONG), ready.start(*LONG)]
    said = [one.communicate(timeout=_PATIENCE) for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    # The second finds what the first has measured.
    assert sum("kept as it is" in err for _, err in said) == 1


def test_two_points_are_measured_at_once_in_one_folder(ready: Any) -> None:
    server = ready.start(*LONG, "--test_query_count=6000")
    wait_for(server, "mlperf-results/*/*/digits/server/performance/run_1.tmp", ready.here)
    said = ready.cm(*LONG[:3], "--scenario=SingleStream", "--mode=performance")
    assert said.code == 0
    _, err = server.communicate(timeout=_PATIENCE)
    assert server.returncode == 0
    for told in (said.err, err):
        assert "cm: warning" not in told
    assert not list(ready.here.glob("**/tmp-*"))


def test_rerun_measures_again(ready: Any) -> None:
    words = (*LONG[:3], "--scenario=SingleStream", "--mode=performance", "--out=json")
    first = ready.cm(*words).json["results"][0]
    again = ready.cm(*words, "--rerun").json["results"][0]
    assert first["id"] != again["id"]


def test_what_was_asked_for_differently_is_measured_again(ready: Any) -> None:
    words = (*LONG[:3], "--scenario=SingleStream", "--out=json")
    first = ready.cm(*words, "--mode=performance").json["results"][0]
    assert first["accuracy"] is None
    both = ready.cm(*words).json["results"][0]
    assert both["performance"] == first["performance"]
    assert both["accuracy"]["met"]
    other = ready.cm(*words, "--threads=1").json["results"][0]
    assert other["settings"]["threads"] == 1
    assert other["performance"] != first["performance"]
    (lost,) = ready.here.glob("mlperf-results/*/*/digits/singlestream/cm-result.json")
    lost.write_text("{")
    assert ready.cm(*words).json["results"][0]["performance"]["valid"]


def test_an_invalid_run_says_which_rule_and_is_tried_again(ready: Any) -> None:
    said = ready.cm(*LONG[:3], "--scenario=SingleStream", "--mode=performance",
                    "--min_query_count=10")  # fmt: skip
    first, *rest = [line for line in said.err.splitlines() if "SingleStream" in line]
    assert "INVALID: 10 queries are too few" in first
    assert "once more with min_query_count 64" in first
    assert rest[-1].endswith("VALID")
    assert said.code == 0


def test_a_run_that_stays_invalid_ends_with_1(ready: Any) -> None:
    said = ready.cm(*LONG[:3], "--scenario=SingleStream", "--mode=performance",
                    "--max_query_count=10", "--out=json")  # fmt: skip
    assert said.code == 1
    result = said.json["results"][0]
    assert result["performance"]["valid"] is False
    assert result["why_not"][1].startswith("LoadGen says INVALID: ")
