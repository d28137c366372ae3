"""What one LoadGen run is told: the harness's configuration, and the content of user.conf."""

from __future__ import annotations

import os

from cm_mlperf.workflow import tree
from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from cm_mlperf.workflow.job import Job
    from cm_mlperf.workflow.modes import Settings

_LOADGEN_MODES = {
    "performance": "PerformanceOnly",
    "accuracy": "AccuracyOnly",
    "find_performance": "FindPeakPerformance",
}


def write(
    job: Job, point: tree.Point, mode: str, scenario: str, settings: Settings, folder: str
) -> tuple[str, str]:
    """Write both as files beside the point's results.

    Args:
        job: the parts of the measurement.
        point: the point they belong to.
        mode: performance, accuracy or find_performance.
        scenario: of the run; a look at the machine may be in another one than the point.
        settings: for user.conf. That of the performance run is the point's user.conf; others
            lie with the configuration.
        folder: where the run shall leave its logs.

    Returns:
        Paths of the configuration and of the settings, for `measure,mlperf-point`.
    """
    wishes = job.wishes
    side = os.path.join(point.folder, "cm")
    word = os.path.basename(folder) if mode == "performance" else mode
    user_conf = os.path.join(point.folder, "user.conf")
    if word != "run_1":
        user_conf = os.path.join(side, f"{word}.user.conf")
    model = {
        "name": job.model["loadgen"],
        "path": job.model["path"],
        "format": job.model["format"],
        "precision": wishes.precision,
        "inputs": None,
        "outputs": job.model.get("outputs"),
    }
    if "label_offset" in job.model:
        model["label_offset"] = job.model["label_offset"]
    config = {
        "model": model,
        "backend": {
            "name": wishes.backend,
            "device": wishes.device,
            "threads": wishes.threads or 0,
            "options": {},
        },
        "dataset": job.samples,
        "scenario": scenario,
        "mode": _LOADGEN_MODES[mode],
        "batch_size": job.batch_size,
        "workers": wishes.workers or 1,
        "performance_sample_count": settings.samples or job.sample_count,
        "count": None,
        "user_conf": user_conf,
        "audit_conf": "",
        "output": folder,
        "network": None,
    }
    paths = (os.path.join(side, f"{word}.json"), os.path.join(side, f"{word}.settings.json"))
    tree.write_json(paths[0], config)
    tree.write_json(paths[1], settings.as_dict())
    return paths
