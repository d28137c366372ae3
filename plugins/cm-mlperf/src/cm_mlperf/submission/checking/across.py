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
    """The runs of one benchmark on one system must come from one LoadGen: the one most have."""
    groups: dict[tuple[str, str, str], dict[str, list[str]]] = {}
    for scene in scenes:
        place = scene.place
        versions = groups.setdefault((place.base, place.system, place.benchmark), {})
        for run in _runs(scene):
            assert run.detail is not None
            versions.setdefault(str(run.detail.get("loadgen_version")), []).append(run.file)
    found = []
    for versions in groups.values():
        usual = max(versions, key=lambda version: len(versions[version]), default="")
        for version, files in versions.items():
            for file in files if version != usual else []:
                text = f"was made with LoadGen {version}, others with {usual}"
                remedy = "make all runs of a benchmark with one LoadGen"
                found.append(Finding("loadgen-version", file, text, remedy))
    return found


def _twice(scenes: Sequence[Scene]) -> list[Finding]:
    """The same run handed in for two results.

    A run of high accuracy may stand for the lower level of its benchmark too (`-99.9`, `-99`).
    """
    found = []
    first: dict[tuple[object, ...], tuple[str, tuple[str, str, str]]] = {}
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
            mine = (scene.place.base, scene.place.system, _stem(scene.place.benchmark))
            other, owner = first.setdefault(key, (run.file, mine))
            if other != run.file and owner != mine:
                found.append(
                    Finding("duplicate", run.file, f"is the run of {other}", "run each result once")
                )
    return found


def _stem(benchmark: str) -> str:
    """The name without its level of accuracy: `bert` of `bert-99.9`."""
    for level in ("-99.9", "-99", "-95"):
        benchmark = benchmark.removesuffix(level)
    return benchmark


def _inferred(scene: Scene, run: Run) -> bool:
    """The rules let one run stand for several scenarios; `scenario` judges which."""
    assert run.detail is not None
    return bool(run.detail.get("effective_scenario") != scene.place.scenario)
