"""Facts about the host and its shell, in the form that hooks receive as `os_info`."""

from __future__ import annotations

import os
import sys

from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_script.dialects import Dialect

_UNIX: dict[str, Any] = {
    "bat_ext": ".sh",
    "set_env": 'export ${key}="${value}"',
    "env_separator": ":",
    "env_quote": '"',
    "env_var": "${env_var}",
    "set_exec_file": 'chmod 755 "${file_name}"',
    "bat_rem": "# ${rem}",
    "run_local_bat": ". ./${bat_file}",
    "run_local_bat_from_python": 'bash -c ". ./${bat_file}"',
    "run_bat": ". ${bat_file}",
    "start_script": ["#!/bin/bash", ""],
}
_WINDOWS: dict[str, Any] = {
    "bat_ext": ".bat",
    "set_env": "set ${key}=${value}",
    "env_separator": ";",
    "env_quote": "'",
    "env_var": "%env_var%",
    "bat_rem": "rem ${rem}",
    "run_local_bat": "call ${bat_file}",
    "run_local_bat_from_python": "call ${bat_file}",
    "run_bat": "call ${bat_file}",
    "start_script": ["@echo off", ""],
}

_known: dict[str, str] = {}


def os_info(dialect: Dialect) -> dict[str, Any]:
    """What hooks read as `i["os_info"]`; a fresh dictionary, since hooks may change it.

    `platform` is `linux`, `darwin` or `windows`; `bits` and `python_bits` are `32` or `64`;
    `env` holds the variables that every run of this dialect starts with.
    """
    facts = _facts()
    windows = facts["platform"] == "windows"
    info = dict(_WINDOWS if windows else _UNIX)
    info["start_script"] = list(info["start_script"])
    info["platform"] = facts["platform"]
    info["bits"] = facts["bits"]
    info["python_bits"] = facts["python_bits"]
    env = {dialect.key("WINDOWS"): "yes"} if windows else {}
    for name, fact in dialect.host_facts:
        env[dialect.key(name)] = facts[fact]
    info["env"] = env
    return info


def _facts() -> dict[str, str]:
    """`platform`, `machine`, `bits`, `python_bits`; found out once, without another process."""
    if not _known:
        _known["platform"] = _platform()
        _known["machine"] = _machine()
        _known["python_bits"] = "64" if sys.maxsize > 2**32 else "32"
        wide = _known["python_bits"] == "64" or "64" in _known["machine"]
        _known["bits"] = "64" if wide else "32"
    return _known


def _platform() -> str:
    if sys.platform.startswith("win"):
        return "windows"
    return "darwin" if sys.platform == "darwin" else "linux"


def _machine() -> str:
    if hasattr(os, "uname"):
        return os.uname().machine
    return os.environ.get("PROCESSOR_ARCHITEW6432") or os.environ.get("PROCESSOR_ARCHITECTURE", "")
