"""Finds mlcommons-loadgen."""


def preprocess(i: dict[str, object]) -> dict[str, object]:
    from cm_mlperf.workflow import detection

    return detection.loadgen(i["env"])
