"""Rules for power results: the files that must be there, and samples within the measured time."""

from __future__ import annotations

import os

from cm_mlperf.submission.layout import DETAIL, OPTIONAL_RUN_FILES, POWER_FILES, SUMMARY
from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from cm_mlperf.submission.checking.scene import Scene


def check(scene: Scene) -> None:
    """The power logs of a result, if it has any."""
    from cm_mlperf.power import layout, samples

    base = f"{scene.place.results}/performance"
    if not os.path.isdir(scene.path(f"{base}/power")):
        for name in ("ranging", "run_1/spl.txt"):
            if os.path.exists(scene.path(f"{base}/{name}")):
                scene.add("power", f"{base}/{name}", "stands without the folder power/")
        return
    for folder, names in (
        ("power", POWER_FILES),
        ("ranging", (SUMMARY, DETAIL, "spl.txt")),
        ("run_1", (SUMMARY, DETAIL, "spl.txt")),
    ):
        _files(scene, f"{base}/{folder}", names)
    for problem in layout.problems(scene.path(base)):
        scene.add("power", f"{base}/{problem.file}", problem.text, problem.remedy)
    text, log = scene.text(f"{base}/run_1/spl.txt"), scene.performance.detail
    if text is not None and log is not None and samples.average(text, log) is None:
        scene.add(
            "power",
            f"{base}/run_1/spl.txt",
            "has no sample within the measured time",
            "set the clocks of both machines by the same time server",
        )


def _files(scene: Scene, folder: str, names: tuple[str, ...]) -> None:
    try:
        there = set(os.listdir(scene.path(folder)))
    except OSError:
        there = set()
    for name in names:
        if name not in there:
            scene.add("power", f"{folder}/{name}", "is missing", "copy it from the power session")
    for name in sorted(there - set(names) - set(OPTIONAL_RUN_FILES)):
        scene.add("power", f"{folder}/{name}", "does not belong here", "remove it")
