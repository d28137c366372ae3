"""Rules for compliance tests: needed in the closed division, judged wherever they stand."""

from __future__ import annotations

import os

from cm_mlperf.rounds import metrics
from cm_mlperf.submission.checking import performance
from cm_mlperf.submission.layout import ACCURACY_LOG, DETAIL, SUMMARY
from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from cm_mlperf.submission.checking.scene import Scene

#: Test to the file in which its verification says TEST PASS.
_ACCURACY_VERDICTS = {
    "TEST01": "verify_accuracy.txt",
    "TEST06": "verify_accuracy.txt",
    "TEST07": "verify_accuracy.txt",
    "TEST08": "verify_accuracy.txt",
    "TEST09": "verify_output_len.txt",
}
#: Tests that are performance runs of their own.
WITH_RUN = ("TEST01", "TEST04")
_PASS = "TEST PASS"
_TEST06_LINES = ("EOS check pass: True", "Sample length check pass: True")


def check(scene: Scene) -> None:
    """All compliance tests of a result: the needed ones, and further ones that are there."""
    base = scene.place.compliance(scene.round)
    needed = scene.rules.compliance if scene.rules and scene.closed else ()
    there = [test for test in ("TEST01", "TEST04") if os.path.isdir(scene.path(f"{base}/{test}"))]
    for test in dict.fromkeys([*needed, *there]):
        folder = f"{base}/{test}"
        if not os.path.isdir(scene.path(folder)):
            scene.add(
                "compliance",
                folder,
                f"is missing; closed results of {scene.place.benchmark} need {test}",
                f"run it with 'cm audit mlperf DIR --test={test}'",
            )
            continue
        _verdict(scene, folder, test)
        if test in WITH_RUN:
            _passed(scene, f"{folder}/verify_performance.txt")
            _run(scene, folder, test)


def _verdict(scene: Scene, folder: str, test: str) -> None:
    name = _ACCURACY_VERDICTS.get(test)
    if not name:
        return
    text = scene.text(f"{folder}/{name}")
    lines = [line.strip() for line in (text or "").splitlines()]
    if text is None:
        scene.add("compliance", f"{folder}/{name}", "is missing", f"run the verification of {test}")
    elif test == "TEST06":
        lacking = [line for line in _TEST06_LINES if line not in lines]
        first = {f"First token check pass: {word}" for word in ("True", "Skipped")}
        if not first.intersection(lines):
            lacking.append("First token check pass: True")
        if lacking:
            scene.add("compliance", f"{folder}/{name}", f"lacks '{lacking[0]}'")
    elif _PASS not in lines and not (test == "TEST01" and _same_accuracy(scene, folder)):
        scene.add(
            "compliance",
            f"{folder}/{name}",
            f"does not say {_PASS}",
            "answers in performance mode must be those of the accuracy run",
        )


def _passed(scene: Scene, file: str) -> None:
    text = scene.text(file)
    if text is None or _PASS not in text:
        scene.add(
            "compliance",
            file,
            "is missing" if text is None else f"does not say {_PASS}",
            "the speed of the test must be near that of the performance run; run it again",
        )


def _same_accuracy(scene: Scene, folder: str) -> bool:
    """Whether the accuracy of the sampled answers is near that of the accuracy run.

    The way out for programs whose answers differ a little from run to run.
    """
    if scene.rules is None:
        return False
    texts = [
        scene.text(f"{folder}/accuracy/{name}_accuracy.txt") for name in ("baseline", "compliance")
    ]
    if None in texts:
        return False
    baseline, compliance = (metrics.read(text or "").values for text in texts)
    for bound in scene.rules.accuracy(scene.place.scenario):
        if bound.at_least is None:
            continue
        one, other = baseline.get(bound.metric), compliance.get(bound.metric)
        if not one or not other:
            return False
        if abs(1 - one / other) * 100 > scene.rules.compliance_delta_percent(bound.metric):
            return False
    return True


def _run(scene: Scene, folder: str, test: str) -> None:
    run = scene.run(f"{folder}/performance/run_1")
    performance.check(scene, run, audit=True)
    log = run.detail
    if log is not None and log.lines:
        key = {
            "TEST01": "effective_accuracy_log_sampling_target",
            "TEST04": "effective_performance_issue_same",
        }[test]
        if not log.get(key):
            scene.add(
                "compliance",
                run.file,
                f"{key} is {log.get(key)}: this is no run of {test}",
                f"run with the audit.config of {test}",
            )
    try:
        names = set(os.listdir(scene.path(run.folder)))
    except OSError:
        return
    for name in sorted(names - {SUMMARY, DETAIL, ACCURACY_LOG, "mlperf_log_trace.json"}):
        scene.add("compliance", f"{run.folder}/{name}", "does not belong here", "remove it")
