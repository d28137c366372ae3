"""Prepares the samples in the folder of the cache entry, or names a folder that has them."""


def preprocess(i: dict[str, object]) -> dict[str, object]:
    from cm_mlperf.workflow import obtaining

    return obtaining.samples_before(i)


def postprocess(i: dict[str, object]) -> dict[str, object]:
    from cm_mlperf.workflow import obtaining

    return obtaining.samples_after(i)
