"""Looks at the file."""


def preprocess(i: dict[str, object]) -> dict[str, object]:
    from cm_mlperf.workflow import obtaining

    return obtaining.model_file(i["env"])
