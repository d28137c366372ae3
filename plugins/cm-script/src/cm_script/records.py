"""The record of one request: what was asked, what ran, how long it took, how it ended.

One JSON file per request under `<home>/records`, written when the request ends, also when it
fails. A record that cannot be written is a warning: it never fails a run that succeeded.
"""

from __future__ import annotations

import os
import time

from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any, Mapping
from cmcore.jsontext import dumps

if TYPE_CHECKING:
    from cm_script.engine import Engine

#: Words in a variable's name whose value is not written to a record.
_SECRET = ("TOKEN", "PASSWORD", "SECRET", "_KEY_ID", "ACCESS_KEY")


def is_secret(name: str) -> bool:
    """Whether a variable or flag of this name looks like one that holds a secret."""
    name = name.upper()
    return any(word in name for word in _SECRET)


def masked(env: Mapping[str, Any]) -> dict[str, Any]:
    """`env` with the values of variables that look like secrets replaced."""
    return {key: "***" if value and is_secret(key) else value for key, value in env.items()}


def name_of(started: float) -> str:
    """File name of the record of a request that began then (seconds since the epoch)."""
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(started))
    return f"{stamp}-{os.getpid()}-{int(started * 1e6) % 1000000:06d}.json"


def write(
    engine: Engine,
    request: Mapping[str, Any],
    started: float,
    outcome: Mapping[str, Any],
) -> str:
    """Write the record of one request; returns its path, or "" when it could not be written.

    Args:
        engine: knows which recipes ran.
        request: the request as `cmcore.access` would take it.
        started: seconds since the epoch.
        outcome: `return`, and `error` or `new_env`.
    """
    from cmcore.storage import write_atomic

    folder = engine.ctx.paths.records
    path = os.path.join(folder, engine.record or name_of(started))
    new_env = outcome.get("new_env")
    record = {
        "record": 1,
        "request": plain_request(request),
        "started": started,
        "seconds": round(time.time() - started, 3),
        "folder": os.getcwd(),
        "recipes": engine.records,
        "outcome": {
            **{k: outcome[k] for k in ("return", "error", "where", "hint") if k in outcome},
            **({"new_env": masked(new_env)} if isinstance(new_env, dict) else {}),
        },
    }
    try:
        os.makedirs(folder, exist_ok=True)
        write_atomic(path, _text(record), durable=False)
    except (OSError, CmError) as error:
        engine.console.warn(f"the record of this run was not written: {error}")
        return ""
    return path


def _text(record: Mapping[str, Any]) -> str:
    """The record as JSON, one line for each of its parts and for each recipe that ran."""
    lines = []
    for key, value in record.items():
        if isinstance(value, list) and value:
            items = (dumps(item, default=str) for item in value)
            text = "[\n  " + ",\n  ".join(items) + "\n ]"
        else:
            text = dumps(value, default=str)
        lines.append(f" {dumps(key)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def plain_request(request: Mapping[str, Any]) -> dict[str, Any]:
    """Flags, or a whole request, with what looks like secrets replaced."""
    plain = dict(request)
    if isinstance(plain.get("env"), dict):
        plain["env"] = masked(plain["env"])
    for key in plain:
        if is_secret(key):
            plain[key] = "***"
    return plain
