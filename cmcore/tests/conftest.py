"""Fixtures for the core's suite: a home of its own, and real terminals."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time

import pytest

SOURCES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "src")


@pytest.fixture
def environ(tmp_path):
    """Environment of a user with an empty home, for child processes."""
    kept = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")
    found = {key: os.environ[key] for key in kept if key in os.environ}
    found.update(HOME=str(tmp_path), CM_HOME=str(tmp_path / "home"), PYTHONPATH=SOURCES)
    return found


@pytest.fixture
def cm(environ, tmp_path):
    """Run `cm` as a process: `cm("find", "script") -> CompletedProcess` with text output."""

    def call(*words, program="main", stdin="", **more):
        code = f"import sys; from cmcore.__main__ import {program}; sys.exit({program}())"
        return subprocess.run(
            [sys.executable, "-c", code, *words],
            env={**environ, **more.pop("env", {})},
            cwd=more.pop("cwd", tmp_path),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            **more,
        )

    return call


class Terminal:
    """A child process on a pseudo terminal: it can be typed to, and what it shows be awaited."""

    def __init__(self, argv, env, cwd=None, columns=80):
        self.screen = ""
        self.code = None
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            os.chdir(cwd or "/")
            os.execvpe(argv[0], argv, env)

    def type(self, text):
        os.write(self._fd, text.encode())

    def until(self, text, seconds=60):
        """Wait until `text` is on the screen; everything shown before it is forgotten."""
        end = time.monotonic() + seconds
        while text not in self.screen:
            left = end - time.monotonic()
            if left < 0 or not self._read(left):
                raise AssertionError(f"{text!r} never appeared in {self.screen!r}")
        before, _, self.screen = self.screen.partition(text)
        return before

    def rest(self, seconds=60):
        """Everything up to the end of the process; sets `code`."""
        end = time.monotonic() + seconds
        while self._read(max(0.0, end - time.monotonic())):
            pass
        self.code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        return self.screen

    def close(self):
        if self.code is None:
            os.kill(self._pid, 9)
            os.waitpid(self._pid, 0)
        os.close(self._fd)

    def _read(self, seconds):
        if not select.select([self._fd], [], [], seconds)[0]:
            return False
        try:
            chunk = os.read(self._fd, 65536)
        except OSError:  # the other side is gone
            return False
        self.screen += chunk.decode("utf-8", "replace")
        return bool(chunk)


@pytest.fixture
def terminal(environ, tmp_path):
    """Start a process on a terminal: `terminal([argv], env={...}, columns=80) -> Terminal`."""
    started = []

    def start(argv, env=None, columns=80):
        started.append(
            Terminal(argv, {**environ, "TERM": "xterm", **(env or {})}, tmp_path, columns)
        )
        return started[-1]

    yield start
    for one in started:
        one.close()
