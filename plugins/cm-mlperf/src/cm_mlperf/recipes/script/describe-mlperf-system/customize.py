"""Collects the description."""


def preprocess(i: dict[str, object]) -> dict[str, object]:
    from cm_mlperf.workflow import detection

    return detection.system(i["env"], i["state"])
