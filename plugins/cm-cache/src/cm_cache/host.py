"""Which machine this is, and since when it runs: for trusting what was stored on another day."""

from __future__ import annotations

import os

_OS_RELEASE = ("/etc/os-release", "/usr/lib/os-release")

#: The identity of this machine, read once per process.
_known: dict[str, str] = {}


def identity() -> dict[str, str]:
    """`os`, `version` and `arch`: equal on machines where the same binaries run.

    It survives a reboot and a change of the host name. Source: os-release(5), uname(2).
    """
    if not _known:
        found = _os_release()
        machine = os.uname() if hasattr(os, "uname") else None
        _known["os"] = found.get("ID") or (machine.sysname.lower() if machine else os.name)
        _known["version"] = found.get("VERSION_ID", "")
        windows = os.environ.get("PROCESSOR_ARCHITECTURE", "")
        _known["arch"] = machine.machine if machine else windows
    return dict(_known)


def name() -> str:
    """The host name; "" where there is none."""
    return os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")


def text(identity: object) -> str:
    """An identity for messages: `debian 12 x86_64`."""
    if not isinstance(identity, dict):
        return "an unknown machine"
    words = (str(identity.get(key) or "") for key in ("os", "version", "arch"))
    return " ".join(word for word in words if word) or "an unknown machine"


def boot_id() -> str:
    """A text that differs after each start of the machine; "" where the system tells none."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except (OSError, ValueError):
        return ""


def boot_time() -> float:
    """Seconds since the epoch at which the machine was started; 0 where the system tells none."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            return next(float(line.split()[1]) for line in file if line.startswith("btime"))
    except (OSError, ValueError, IndexError, StopIteration):
        return 0.0


def _os_release() -> dict[str, str]:
    for path in _OS_RELEASE:
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                pairs = (line.strip().partition("=") for line in file)
                return {key: value.strip("\"'") for key, _, value in pairs}
        except OSError:
            continue
    return {}
