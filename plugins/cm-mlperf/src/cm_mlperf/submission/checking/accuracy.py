"""Rules for accuracy runs: the whole data set, the target, a short log with the right digest."""

from __future__ import annotations

import os
import re

from cm_mlperf.rounds import metrics
from cm_mlperf.submission.checking import loadgen
from cm_mlperf.submission.layout import ACCURACY_LIMIT, ACCURACY_LOG, ACCURACY_TEXT
from cm_mlperf.submission.truncating import digest_of, is_shortened
from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from cm_mlperf.submission.checking.scene import Scene


def check(scene: Scene) -> None:
    """All rules for the accuracy run of a result."""
    run = scene.accuracy
    if loadgen.check(scene, run, "AccuracyOnly"):
        _samples(scene)
    text = scene.text(f"{run.folder}/{ACCURACY_TEXT}")
    digest = _text(scene, text)
    _log(scene, digest)
    if scene.rules is None:
        return
    for folder, names in scene.rules.accuracy_files.items():
        try:
            there = {
                name.split(".")[0] for name in os.listdir(scene.path(f"{run.folder}/{folder}"))
            }
        except OSError:
            there = set()
        lacking = [name for name in names if name not in there]
        if lacking:
            scene.add(
                "accuracy-files",
                f"{run.folder}/{folder}",
                f"lacks the files of samples {', '.join(lacking)}",
                "copy what the accuracy run wrote for them",
            )


def _samples(scene: Scene) -> None:
    log, run = scene.accuracy.detail, scene.accuracy
    assert log is not None
    scenario = str(log.get("effective_scenario"))
    if scene.performance.detail and scene.performance.detail.get("effective_scenario") != scenario:
        scene.add(
            "scenario",
            run.file,
            f"is a run of {scenario}, the performance run is one of"
            f" {scene.performance.detail.get('effective_scenario')}",
            "make both runs in the same scenario",
        )
    if scene.rules is None:
        return
    wanted = scene.rules.accuracy_sample_count(scene.place.scenario)
    found = log.number("effective_accuracy_sample_count")
    if found is None:
        found = log.number("qsl_reported_total_count")
    if found != wanted:
        scene.add(
            "accuracy-samples",
            run.file,
            f"answers {found if found is None else round(found)} samples,"
            f" {scene.rules.name} needs {wanted}",
            "run accuracy over the whole data set; a smaller one is cycled",
        )


def _text(scene: Scene, text: str | None) -> str:
    file = f"{scene.accuracy.folder}/{ACCURACY_TEXT}"
    if text is None:
        scene.add("accuracy-text", file, "is missing", "run the accuracy script on the whole log")
        return ""
    told = metrics.read(text)
    if not re.fullmatch(r"[0-9a-f]{64}", told.digest):
        scene.add(
            "accuracy-hash",
            file,
            "has no line 'hash=' with the SHA-256 of the whole log"
            if not told.digest
            else f"hash={told.digest[:80]} is no SHA-256",
            "generate the tree with 'cm submit mlperf', which adds it",
        )
    if scene.rules is None:
        return told.digest
    for bound in scene.rules.accuracy(scene.place.scenario):
        value = told.values.get(bound.metric)
        if value is None:
            if bound.at_least is not None or scene.closed:
                scene.add(
                    "accuracy-text",
                    file,
                    f"tells no {bound.metric}",
                    f"add the line that the accuracy script of {scene.rules.name} prints",
                )
        elif scene.closed and bound.at_least is not None and value < bound.at_least:
            scene.add(
                "accuracy-target",
                file,
                f"{bound.metric} is {value:g}, the closed division needs {bound.at_least:g}",
                "use a more accurate model, or submit to the open division",
            )
        elif scene.closed and bound.at_most is not None and value > bound.at_most:
            scene.add(
                "accuracy-target",
                file,
                f"{bound.metric} is {value:g}, the closed division allows {bound.at_most:g}",
            )
    return told.digest


def _log(scene: Scene, digest: str) -> None:
    file = f"{scene.accuracy.folder}/{ACCURACY_LOG}"
    path = scene.path(file)
    try:
        size = os.path.getsize(path)
    except OSError:
        scene.add("accuracy-log", file, "is missing", "copy it from the accuracy run")
        return
    if size > ACCURACY_LIMIT:
        scene.add(
            "accuracy-truncated",
            file,
            f"has {size} bytes, at most {ACCURACY_LIMIT} are allowed",
            "generate the tree with 'cm submit mlperf', which shortens it",
        )
    with open(path, "rb") as log:
        content = log.read(ACCURACY_LIMIT + 1)
    if not content.strip():
        scene.add("accuracy-log", file, "is empty", "copy it from the accuracy run")
        return
    # Of a shortened log only the submitter can prove the digest; a whole one proves it here.
    whole = size > ACCURACY_LIMIT or not is_shortened(content)
    if digest and whole and digest_of(path) != digest:
        scene.add(
            "accuracy-hash",
            file,
            "is whole, and its SHA-256 is not the one in accuracy.txt",
            "take log and accuracy.txt from the same run",
        )
