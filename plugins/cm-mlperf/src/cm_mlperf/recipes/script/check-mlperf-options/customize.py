"""Refuses what makes no sense, or what this machine's plugins cannot do, in one sentence."""


def preprocess(i: dict[str, object]) -> dict[str, object]:
    from cm_mlperf.workflow import request

    return request.from_recipe(i["env"])
