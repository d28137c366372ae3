"""Fixtures for the core's suite: a home of its own, and real terminals."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time

import pytest

# Helper modules lie beside the suites; with importlib mode nothing else makes them importable.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

SOURCES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "src")


@pytest.fixture
def environ(tmp_path):
    """Environment of a user with an empty home, for child processes."""
    kept = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")
    found = {key: os.environ[key] for key in kept if key in os.environ}
    found.update(HOME=str(tmp_path), CM_HOME=str(tmp_path / "home"), PYTHONPATH=SOURCES)
    # The suite also runs where our own plugins are installed; they are no business of the core's.
    found["CM_PLUGINS"] = "cm-plugin-notebook"
    return found


MANIFEST = {
    "manifest": 1,
    "api": "1.0",
    "name": "notebook",
    "summary": "notebooks, for tests",
    "hooks": ["cm_run", "cm_help", "cm_complete", "cm_actions"],
    "automations": {
        "notebook": {
            "help": "notebooks that can be run",
            "uid": "0123456789abcdef",
            "artifacts": True,
            "actions": {
                "run": {
                    "help": "run a notebook",
                    "usage": "NAME",
                    "examples": ["cm run notebook first"],
                    "flags": {
                        "tags": {"help": "its tags", "value": "TAGS"},
                        "env": {"help": "a variable", "value": "NAME=VALUE"},
                        "dry": {"help": "do nothing"},
                    },
                },
                "help": {"help": "explain one notebook", "usage": "NAME"},
                "count_words": {"help": "count its words", "open_flags": True},
            },
        }
    },
    "needs": {"network": "", "root": "", "secrets": [], "write": []},
}

PLUGIN = """
import sys
from cmcore import CmError, Result, hookimpl
from cmcore.types import Action, Table

@hookimpl
def cm_run(ctx, request):
    if request.flags.get("dry"):
        raise CmError("nothing to do", hint="leave --dry out", code=7)
    if "crash" in request.artifacts:
        raise RuntimeError("first line\\nsecond line")
    if "big" in request.artifacts:
        return Result(view="\\n".join("line" for _ in range(100000)))
    if "wait" in request.artifacts:
        import time
        ctx.console.err("waiting")
        time.sleep(60)
    ctx.console.log("on the way")
    table = Table(["name", "path"], [[a, "/n/" + a] for a in request.artifacts], plain=1)
    data = {"ran": list(request.artifacts), "flags": request.flags, "command": request.command}
    return Result(data, table, code=3 if "three" in request.artifacts else 0)

@hookimpl
def cm_help(ctx, request):
    return Result({"explained": list(request.artifacts)}, f"this is {request.artifacts[0]}")

@hookimpl
def cm_complete(ctx, request, incomplete):
    words = ["alpha beta", "alpha,_fast", "alpha,_slow", "gamma=1", "delta"]
    return [word for word in words if word.startswith(incomplete)]

@hookimpl
def cm_actions():
    def count_words(ctx, request):
        return Result({"words": len(request.artifacts)}, "counted")
    return [Action("count_words", "notebook", "count its words", handler=count_words)]
"""


@pytest.fixture
def plugin(tmp_path, environ):
    """Install a plugin with a noun `notebook` for child processes; returns its manifest file."""
    site = tmp_path / "site"
    package = site / "cm_notebook"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "plugin.py").write_text(PLUGIN)
    manifest = package / "cm-plugin.json"
    manifest.write_text(json.dumps(MANIFEST))
    info = site / "cm_plugin_notebook-1.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: cm-plugin-notebook\nVersion: 1.5\n"
    )
    (info / "entry_points.txt").write_text("[cmcore.plugins]\nnotebook = cm_notebook.plugin\n")
    environ["PYTHONPATH"] = os.pathsep.join([SOURCES, str(site)])
    return manifest


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

    def until(self, text, seconds=20):
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
