"""Copied as `sitecustomize.py` beside a process that is to die at the n-th change it makes.

Everything that changes a file or starts a process passes here just before it happens: through
Python's audit events, and `os.write`/`os.fsync` by replacement because they raise none. With
`KILL_AT=n` the process kills itself with SIGKILL at the n-th; with `KILL_LOG=file` it counts.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from typing import Any

AT = int(os.environ.pop("KILL_AT", "0"))
LOG = os.environ.pop("KILL_LOG", "")
# Children (git, other Pythons) must not be counted.
os.environ.pop("PYTHONPATH", None)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = {
    "os.chmod",
    "os.link",
    "os.mkdir",
    "os.posix_spawn",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.symlink",
    "os.truncate",
    "os.utime",
    "subprocess.Popen",
}
count = 0
plain_write, plain_fsync, plain_connect = os.write, os.fsync, sqlite3.connect


def tick(what: object) -> None:
    """One change is about to happen."""
    global count
    count += 1
    if LOG:
        file = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        plain_write(file, f"{count} {what}\n".encode())
        os.close(file)
    if count == AT:
        os.kill(os.getpid(), signal.SIGKILL)


def hook(event: str, arguments: tuple[Any, ...]) -> None:
    """The audit hook."""
    if event == "open":
        path, mode, flags = arguments
        if str(path) == LOG or str(path).startswith("/dev/") or "__pycache__" in str(path):
            return
        if flags & WRITING or (isinstance(mode, str) and set(mode) & set("wax+")):
            tick((event, path))
    elif event == "os.mkdir" and os.path.isdir(arguments[0]):
        return
    elif event in CHANGES and "__pycache__" not in str(arguments):
        tick((event, *arguments[:2]))


def connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
    """`sqlite3.connect`, whose transactions are counted; between BEGIN and COMMIT nothing shows."""

    def trace(statement: str) -> None:
        if statement.split(maxsplit=1)[0].rstrip(";") in ("BEGIN", "COMMIT", "CREATE", "DROP"):
            tick(("sqlite3", statement[:60]))

    connection = plain_connect(*arguments, **options)
    connection.set_trace_callback(trace)
    return connection


def write(file: int, data: Any) -> int:
    """`os.write`, counted."""
    if file > 2:
        tick(("os.write", file))
    return plain_write(file, data)


def fsync(file: int) -> None:
    """`os.fsync`, counted."""
    tick(("os.fsync", file))
    plain_fsync(file)


if AT or LOG:
    os.write, os.fsync, sqlite3.connect = write, fsync, connect
    sys.addaudithook(hook)
