"""Finds the back end and whether it can use the device."""


def preprocess(i: dict[str, object]) -> dict[str, object]:
    from cm_mlperf.workflow import detection

    return detection.backend(i["env"])
