"""Makes or fetches the model; the folder is that of the cache entry."""


def preprocess(i: dict[str, object]) -> dict[str, object]:
    from cm_mlperf.workflow import obtaining

    return obtaining.model_before(i)


def postprocess(i: dict[str, object]) -> dict[str, object]:
    from cm_mlperf.workflow import obtaining

    return obtaining.model_after(i)
