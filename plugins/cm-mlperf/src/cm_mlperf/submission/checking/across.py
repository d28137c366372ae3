"""Rules about several results together: one LoadGen, no result twice."""

from __future__ import annotations

from cm_mlperf.submission.findings import Finding
from cmcore.hints import TYPE_CHECKING, Sequence

if TYPE_CHECKING:
    from cm_mlperf.submission.checking.scene import Run, Scene


def check(scenes: Sequence[Scene]) -> list[Finding]:
    """What the results of a tree violate together."""
    return [*_versions(scenes), *_twice(scenes)]


def _runs(scene: Scene) -> list[Run]:
    return [run for run in (scene.performance, scene.accuracy) if run.detail and run.detail.lines]


def _versions(scenes: Sequence[Scene]) -> list[Finding]:
    """A submitter's results must come from one LoadGen; the newest of them is taken for right."""
    found = []
    for base in dict.fromkeys(scene.place.base for scene in scenes):
        versions: dict[str, list[str]] = {}
        for scene in scenes:
            for run in _runs(scene) if scene.place.base == base else []:
                assert run.detail is not None
                version = str(run.detail.get("loadgen_version"))
                versions.setdefault(version, []).append(run.file)
        if len(versions) < 2:
            continue
        usual = max(versions, key=lambda version: len(versions[version]))
        for version, files in versions.items():
            for file in files if version != usual else []:
                found.append(
                    Finding(
                        "loadgen-version",
                        file,
                        f"was made with LoadGen {version}, others with {usual}",
                        "make all runs with one LoadGen",
                    )
                )
    return found


def _twice(scenes: Sequence[Scene]) -> list[Finding]:
    """The same run handed in for two results."""
    found = []
    first: dict[tuple[object, ...], str] = {}
    for scene in scenes:
        for run in _runs(scene):
            log = run.detail
            assert log is not None
            if _inferred(scene, run):
                continue
            key = (
                log.get("test_datetime"),
                log.get("power_begin"),
                log.get("power_end"),
                log.get("effective_scenario"),
                log.get("effective_test_mode"),
                log.get("result_mean_latency_ns"),
                log.lines,
            )
            other = first.setdefault(key, run.file)
            if other != run.file:
                found.append(
                    Finding("duplicate", run.file, f"is the run of {other}", "run each result once")
                )
    return found


def _inferred(scene: Scene, run: Run) -> bool:
    """The rules let one run stand for several scenarios; `scenario` judges which."""
    assert run.detail is not None
    return bool(run.detail.get("effective_scenario") != scene.place.scenario)
