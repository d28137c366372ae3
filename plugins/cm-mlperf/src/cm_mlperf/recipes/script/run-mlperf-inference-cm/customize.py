"""Measures the points of a request one after the other; `cm_mlperf.workflow` does the work."""


def preprocess(i: dict[str, object]) -> dict[str, object]:
    from cm_mlperf.workflow import matrix

    return matrix.from_recipe(i)
