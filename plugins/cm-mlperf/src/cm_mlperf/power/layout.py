"""What a power session leaves, and whether it fits together, as far as that can be told."""

from __future__ import annotations

import hashlib
import json
import os

from cm_mlperf.submission.layout import DETAIL, POWER_FILES, SUMMARY
from cmcore.hints import Any, NamedTuple

_RUN_FILES = (SUMMARY, DETAIL, "spl.txt")

#: Every file of a session, relative to the folder performance/.
FILES = (
    *(f"power/{name}" for name in POWER_FILES),
    *(f"ranging/{name}" for name in _RUN_FILES),
    *(f"run_1/{name}" for name in _RUN_FILES),
)

#: What client.json and server.json must tell.
_KEYS = (
    "version",
    "timezone",
    "modules",
    "sources",
    "messages",
    "uuid",
    "session_name",
    "results",
    "phases",
)

#: Largest difference of the two clocks at the begin and end of a phase, in seconds.
_CLOCKS = 0.8


class Problem(NamedTuple):
    """Something wrong in a session: file relative to performance/, what, and what to do."""

    file: str
    text: str
    remedy: str = ""


def problems(folder: str) -> list[Problem]:
    """What is wrong with the power logs in a performance/ folder.

    Judged are the session descriptions: their keys, the same session and identities on both sides,
    clocks that agree, and digests of the files. What the analyzer's daemon said, and whether the
    programs of the session were the released ones, only the official power checker judges.
    """
    client, troubles = _session(folder, "power/client.json")
    server, more = _session(folder, "power/server.json")
    found = troubles + more
    if client is None or server is None:
        return found
    for key in ("uuid", "session_name"):
        if client.get(key) != server.get(key):
            found.append(Problem("power/server.json", f"{key} is not that of client.json"))
    if server.get("debug"):
        found.append(Problem("power/server.json", "the server ran in debug mode"))
    return found + _phases(client, server) + _digests(folder, client, server)


def _session(folder: str, name: str) -> tuple[dict[str, Any] | None, list[Problem]]:
    try:
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            told = json.load(file)
    except FileNotFoundError:
        return None, []
    except (OSError, ValueError, RecursionError) as error:
        return None, [Problem(name, f"cannot be read as JSON: {error}")]
    if not isinstance(told, dict):
        return None, [Problem(name, "is no session description")]
    lacking = [key for key in _KEYS if key not in told]
    if lacking:
        return None, [Problem(name, f"lacks {', '.join(lacking)}")]
    return told, []


def _phases(client: dict[str, Any], server: dict[str, Any]) -> list[Problem]:
    found = []
    for phase in ("ranging", "testing"):
        try:
            ours = [float(step[0]) for step in client["phases"][phase]]
            theirs = [float(step[0]) for step in server["phases"][phase]]
        except (KeyError, TypeError, ValueError, IndexError):
            found.append(Problem("power/client.json", f"tells no times of phase {phase}"))
            continue
        if len(ours) != len(theirs):
            found.append(Problem("power/server.json", f"phase {phase} has other steps"))
            continue
        worst = max((abs(a - b) for a, b in zip(ours, theirs, strict=True)), default=0.0)
        if worst > _CLOCKS:
            found.append(
                Problem(
                    "power/server.json",
                    f"the clocks differ by {worst * 1000:.0f} ms in phase {phase}",
                    "set the clocks of both machines by the same time server",
                )
            )
    return found


def _digests(folder: str, client: dict[str, Any], server: dict[str, Any]) -> list[Problem]:
    found = []
    told: dict[str, str] = {}
    for side in (client, server):
        if isinstance(side["results"], dict):
            told.update(side["results"])
    for name in FILES:
        path = os.path.join(folder, name)
        if name in ("power/client.json", "power/server.json") or not os.path.isfile(path):
            continue
        with open(path, "rb") as file:
            digest = hashlib.sha1(file.read(), usedforsecurity=False).hexdigest()
        if name not in told:
            found.append(Problem(name, "has no digest in client.json and server.json"))
        elif told[name] != digest:
            found.append(
                Problem(name, "was changed after the session", "copy the session's own files")
            )
    return found
