"""Hooks of the small recipes around one LoadGen run.

`CM_MLPERF_POINT_CONFIG` names the harness's configuration, `CM_MLPERF_POINT_SETTINGS` what the
user.conf that it names shall hold.
"""

from __future__ import annotations

import os

from cmcore.hints import Any


def user_conf(env: dict[str, Any]) -> dict[str, Any]:
    """Recipe write-mlperf-user-conf."""
    from cm_mlperf.workflow import tree, userconf
    from cm_mlperf.workflow.modes import Settings
    from cmcore.errors import CmError

    try:
        config = _read(env, "CM_MLPERF_POINT_CONFIG")
        settings = Settings(**_read(env, "CM_MLPERF_POINT_SETTINGS"))
        text = userconf.text(config["model"]["name"], config["scenario"], settings)
        tree.write_text(config["user_conf"], text)
    except CmError as error:
        return {"return": error.code, "error": str(error)}
    env["CM_MLPERF_USER_CONF"] = config["user_conf"]
    return {"return": 0}


def before_run(env: dict[str, Any]) -> dict[str, Any]:
    """Recipe measure-mlperf-point, before the harness starts."""
    from cmcore.errors import CmError

    try:
        config = _read(env, "CM_MLPERF_POINT_CONFIG")
    except CmError as error:
        return {"return": error.code, "error": str(error)}
    if not os.path.isfile(config["user_conf"]):
        return {"return": 1, "error": f"there is no {config['user_conf']}"}
    python(env)
    return {"return": 0}


def before_accuracy(env: dict[str, Any]) -> dict[str, Any]:
    """Recipe judge-mlperf-accuracy, before it reads the log."""
    python(env)
    return {"return": 0}


def python(env: dict[str, Any]) -> None:
    """Native steps use the Python that this package is installed in.

    The name of the variable says that it is temporary: results do not depend on it.
    """
    import sys

    env["CM_TMP_MLPERF_PYTHON"] = sys.executable


def _read(env: dict[str, Any], variable: str) -> dict[str, Any]:
    from cmcore.errors import UsageError
    from cmcore.storage import read_json

    path = str(env.get(variable) or "")
    if not path:
        raise UsageError(f"{variable} is not set: this recipe is a part of run-mlperf,inference")
    content = read_json(path)
    if not isinstance(content, dict):
        raise UsageError("the settings of a run are not an object", where=path)
    return content
