"""Asks for what a power session cannot do without, and names the Python that measures."""


def preprocess(i: dict[str, object]) -> dict[str, object]:
    from cm_mlperf.workflow import steps

    env = i["env"]
    for key, flag in (("CM_MLPERF_POWER_PTD", "ptd"), ("CM_MLPERF_POWER_COMMAND", "run_command")):
        if not str(env.get(key) or ""):
            return {"return": 1, "error": f"a power session needs --{flag}"}
    if not env.get("CM_MLPERF_POWER_LOG"):
        env["CM_MLPERF_POWER_LOG"] = "mlperf-power.json"
    steps.python(env)
    return {"return": 0}
