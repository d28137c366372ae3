"""`--repro`: files beside a run that say what was asked, on what, and what came out.

    <repro_dir>/<prefix>-input.json        the request; `cm @FILE` repeats it
                        -info.json         the host, and what was installed
                        -output.json       the answer, or the failure
                        -run-state.json    what the run knew of itself
                        -versions.json     every recipe of the tree and its version
                        -README-cm.md      the same for people
    cm-output.json                         all of it in one, as experiments collect it

Names and keys are those of CM (spec of `--repro`), and so are the two badge keys of a run that
succeeded. Secrets are replaced by stars.
"""

from __future__ import annotations

import json
import os
import time

from cm_script.masking import secrets_in, without
from cmcore.errors import CmError
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.engine import Engine

_PARTS = ("-input.json", "-info.json", "-output.json", "-run-state.json", "-versions.json")
_README = "-README-cm.md"
_SUMMARY = "cm-output.json"
_BADGES = ("acm_ctuning_repro_badge_available", "acm_ctuning_repro_badge_functional")


class Record:
    """The record of one run, begun before it.

    Raises:
        CmError: its folder cannot be written.
    """

    def __init__(self, engine: Engine, inputs: dict[str, Any]) -> None:
        self._engine = engine
        folder = os.path.abspath(str(inputs.get("repro_dir") or "cm-repro"))
        self._prefix = os.path.join(folder, str(inputs.get("repro_prefix") or "cm-run-script"))
        self._summary_path = os.path.abspath(_SUMMARY)
        try:
            os.makedirs(os.path.dirname(self._prefix), exist_ok=True)
            for path in (self._summary_path, *(self._prefix + part for part in (*_PARTS, _README))):
                if os.path.exists(path):
                    os.remove(path)
        except OSError as error:
            raise CmError(
                f"the record of this run cannot be written: {error.strerror}",
                where=folder,
                hint="choose another folder with --repro_dir",
            ) from None
        asked = {k: v for k, v in inputs.items() if k not in ("run_state", "cmd")}
        self._secrets = secrets_in(asked) | secrets_in(dict(os.environ))
        request = {"action": "run", "automation": "script", **asked}
        self._input = without(request, self._secrets)
        self._info = without(host_info(engine), self._secrets)
        self._write("-input.json", self._input)
        self._write("-info.json", self._info)

    def succeeded(self, answer: dict[str, Any], state: dict[str, Any]) -> None:
        """Complete the record of a run that ended well."""
        self._finish(answer, state, dict.fromkeys(_BADGES, True))

    def failed(self, error: BaseException, state: dict[str, Any]) -> None:
        """Complete the record of a run that failed or was interrupted."""
        told: dict[str, Any] = {"return": 1, "error": f"{type(error).__name__}: {error}"}
        if isinstance(error, CmError):
            told = dict(error.to_dict())
        elif isinstance(error, KeyboardInterrupt):
            told = {"return": 130, "error": "interrupted"}
        self._finish(told, state, {})

    def _finish(self, outcome: dict[str, Any], state: dict[str, Any], more: dict[str, Any]) -> None:
        from cm_script.readme import readme

        self._secrets |= secrets_in(outcome)
        versions = state.get("version_info", [])
        by_recipe = {asked: facts for entry in versions for asked, facts in entry.items()}
        plain_state = {k: v for k, v in state.items() if k != "version_info"}
        self._write("-output.json", outcome)
        self._write("-run-state.json", state)
        self._write("-versions.json", versions)
        self._write(_README, without(readme(self._engine, state), self._secrets))
        self._write(
            "",
            {
                "info": self._info,
                "input": self._input,
                "output": outcome,
                "state": plain_state,
                "version_info": by_recipe,
                **more,
            },
        )

    def _write(self, part: str, data: object) -> None:
        from cmcore.storage import write_atomic

        path = self._prefix + part if part else self._summary_path
        text = data if isinstance(data, str) else None
        if text is None:
            plain = without(data, self._secrets)
            text = json.dumps(plain, indent=2, ensure_ascii=True) + "\n"
        try:
            write_atomic(path, text, durable=False)
        except CmError as error:
            self._engine.console.warn(f"a part of the record of this run is missing: {error}")


def host_info(engine: Engine) -> dict[str, Any]:
    """Facts about the host and the software that decide whether a run can be compared."""
    import platform
    import sys
    from datetime import datetime
    from importlib.metadata import distributions

    from cmcore.naming import new_uid

    ours = {}
    for dist in distributions():
        name = str(dist.metadata["Name"] or "")
        if (
            name == "cmcore"
            or name.startswith("cm-plugin-")
            or dist.entry_points.select(group="cmcore.plugins")
        ):
            ours[name] = dist.version
    return {
        "host_os_name": os.name,
        "host_system": platform.system(),
        "host_os_release": platform.release(),
        "host_machine": platform.machine(),
        "host_architecture": list(platform.architecture()),
        "host_python_version": platform.python_version(),
        "host_sys_version": sys.version,
        "host_cpu_count": os.cpu_count(),
        "host_memory_mb": _memory_mb(),
        "run_uid": new_uid(),
        "run_iso_datetime": datetime.fromtimestamp(time.time()).isoformat(),
        "run_folder": os.getcwd(),
        "installed": dict(sorted(ours.items())),
        "collections": [
            {"name": c.name, "uid": c.uid, "path": c.path, "revision": revision(c.path)}
            for c in engine.ctx.collections.all()
        ],
    }


def _memory_mb() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    except (AttributeError, OSError, ValueError):
        return None


def revision(folder: str) -> str:
    """The commit that a clone stands at; "" for a folder that is none."""
    git = os.path.join(folder, ".git")
    head = _line(os.path.join(git, "HEAD"))
    if not head.startswith("ref: "):
        return head
    name = head[5:]
    direct = _line(os.path.join(git, *name.split("/")))
    if direct:
        return direct
    try:
        with open(os.path.join(git, "packed-refs"), encoding="utf-8") as file:
            for line in file:
                commit, _, packed = line.strip().partition(" ")
                if packed == name:
                    return commit
    except OSError:
        pass
    return ""


def _line(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.readline().strip()
    except (OSError, UnicodeDecodeError):
        return ""
