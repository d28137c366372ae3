"""Rules for every LoadGen run: whole logs, no errors, the round's seeds, a clock that runs on."""

from __future__ import annotations

from cm_mlperf.submission.detail import moment, seconds_between
from cm_mlperf.submission.layout import SUMMARY
from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from cm_mlperf.submission.checking.scene import Run, Scene

#: Seconds between the begin of the log (UTC) and of the measured part (the machine's zone): zones
#: are up to 14 hours apart, and loading the first samples takes its time.
_ZONES = 20 * 3600


def check(scene: Scene, run: Run, mode: str) -> bool:
    """Look at one run; False when there is too little of it to look any further.

    Args:
        scene: the result it belongs to.
        run: the run.
        mode: the test mode it must have been made in, `PerformanceOnly` or `AccuracyOnly`.
    """
    again = f"run LoadGen again in mode {mode} and copy both logs"
    if run.summary is None:
        scene.add("summary-log", f"{run.folder}/{SUMMARY}", "is missing", again)
    elif not run.summary.strip():
        scene.add("summary-log", f"{run.folder}/{SUMMARY}", "is empty", again)
    log = run.detail
    if log is None or not log.lines:
        scene.add("detail-log", run.file, "is missing" if log is None else "is empty", again)
        return False
    if log.broken:
        lines = ", ".join(str(number) for number in log.broken)
        scene.add("detail-log", run.file, f"is damaged: line {lines} is no log line", again)
    if log.repeated:
        keys = ", ".join(log.repeated)
        scene.add("detail-log", run.file, f"tells several values of {keys}", again)
    _mode(scene, run, mode)
    _errors(scene, run)
    _seeds(scene, run)
    _clock(scene, run)
    return True


def _mode(scene: Scene, run: Run, mode: str) -> None:
    log = run.detail
    assert log is not None
    found = log.get("effective_test_mode")
    if found != mode:
        scene.add("test-mode", run.file, f"was made in mode {found}", f"needs a run in mode {mode}")


def _errors(scene: Scene, run: Run) -> None:
    log = run.detail
    assert log is not None
    count = log.number("num_errors") or 0
    if log.errors or count:
        told = "; ".join(error[:200] for error in log.errors[:3]) or f"num_errors is {count:.0f}"
        scene.add(
            "loadgen-errors",
            run.file,
            f"LoadGen counted {max(len(log.errors), int(count))} errors: {told}",
            "remove the cause and run again; a run with errors is no result",
        )
    if log.get("loadgen_git_status_message"):
        scene.add(
            "loadgen-changed",
            run.file,
            "LoadGen was built from changed sources",
            "use a released LoadGen (pip install mlcommons-loadgen)",
        )


def _seeds(scene: Scene, run: Run) -> None:
    log = run.detail
    assert log is not None
    for name, wanted in scene.round.seeds.items():
        found = log.get(f"effective_{name}")
        if found != wanted:
            scene.add(
                "seeds",
                run.file,
                f"{name} is {found}, round {scene.round.name} needs {wanted}",
                f"use the LoadGen of round {scene.round.name} and no seeds in user.conf",
            )


def _clock(scene: Scene, run: Run) -> None:
    log = run.detail
    assert log is not None
    remedy = "copy the logs of one run as LoadGen wrote them"
    if log.backwards:
        scene.add("clock", run.file, f"the clock goes back at line {log.backwards}", remedy)
    seconds = seconds_between(log)
    if seconds is not None and seconds < 0:
        scene.add("clock", run.file, "power_end is before power_begin", remedy)
    started, begin = moment(log.get("test_datetime")), moment(log.get("power_begin"))
    if started is None:
        scene.add("clock", run.file, "tells no test_datetime", remedy)
    elif begin is not None and abs(begin - started) > _ZONES:
        scene.add("clock", run.file, "test_datetime and power_begin are of different days", remedy)
