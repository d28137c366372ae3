"""Processes that outlive the run which started them and still write into its entry folder.

A lock goes with the process that holds it, but the tools which that process started may go on: who
is killed takes nobody along. Where they work nobody else may build.
"""

from __future__ import annotations

import os


def workers(folder: str) -> list[str]:
    """Processes whose working folder is `folder` or below, as `number (name)`.

    Those above this one do not count: a person may have called it from there. Empty where the
    system does not tell (source: proc(5), `cwd`; there is none but on Linux), and of processes of
    other users and machines.
    """
    try:
        names = os.listdir("/proc")
    except OSError:
        return []
    inside = os.path.realpath(folder) + os.sep
    found = []
    for name in names:
        if name.isdigit():
            try:
                where = os.readlink(f"/proc/{name}/cwd")
            except OSError:
                continue  # it has ended, or is another user's
            if (where + os.sep).startswith(inside):
                found.append(int(name))
    if not found:
        return []
    above = _above(os.getpid())
    return [f"{pid} ({_name(pid)})" for pid in sorted(found) if pid not in above]


def _above(pid: int) -> set[int]:
    found = set()
    while pid > 0 and pid not in found:
        found.add(pid)
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                pid = int(file.read().rpartition(b")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            break
    return found


def _name(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return "ended just now"
