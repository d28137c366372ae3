"""`cm` as users run it: in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Outcome(NamedTuple):
    """What a process left: standard output, standard error, exit code."""

    out: str
    err: str
    code: int

    def json(self) -> Any:
        """Standard output as the one JSON document that `--out=json` promises."""
        return json.loads(self.out)


def run_cm(
    *words: str,
    home: str | os.PathLike[str],
    path: Sequence[str | os.PathLike[str]] = (),
    environ: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
    timeout: float = 120,
) -> Outcome:
    """Run `cm WORDS` with this interpreter, without a terminal.

    Args:
        words: the command line.
        home: becomes CM_HOME.
        path: folders with installed packages, put before the interpreter's own.
        environ: variables to add. CM_* of the calling process are not handed on.
        cwd: current folder of the process.
        timeout: seconds until it is killed.
    """
    argv = [sys.executable, "-m", "cmcore", *words]
    variables = child_environ(home, path, environ)
    done = subprocess.run(
        argv,
        env=variables,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Outcome(done.stdout, done.stderr, done.returncode)


def imported_modules(
    code: str,
    *,
    home: str | os.PathLike[str],
    path: Sequence[str | os.PathLike[str]] = (),
    environ: Mapping[str, str] | None = None,
) -> set[str]:
    """Names of the modules that a fresh interpreter holds after running `code`.

    Raises:
        AssertionError: the code failed; the message is its standard error.
    """
    report = "\nimport sys as _s; print('\\n' + ' '.join(_s.modules), file=_s.stdout)"
    done = subprocess.run(
        [sys.executable, "-c", code + report],
        env=child_environ(home, path, environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode:
        raise AssertionError(done.stderr)
    return set(done.stdout.rsplit("\n", 2)[-2].split())


def child_environ(
    home: str | os.PathLike[str],
    path: Sequence[str | os.PathLike[str]] = (),
    environ: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The environment of a child process that sees exactly these plugins and this home."""
    variables = {key: value for key, value in os.environ.items() if not key.startswith("CM_")}
    places = [os.fspath(place) for place in path]
    places += [place for place in variables.get("PYTHONPATH", "").split(os.pathsep) if place]
    variables["PYTHONPATH"] = os.pathsep.join(places)
    variables["CM_HOME"] = os.fspath(home)
    variables.update(environ or {})
    return variables
