"""Names the Python that measures."""


def preprocess(i: dict[str, object]) -> dict[str, object]:
    from cm_mlperf.workflow import steps

    return steps.before_run(i["env"])
