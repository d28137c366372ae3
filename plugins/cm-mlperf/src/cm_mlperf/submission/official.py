"""MLCommons' own programs, unmodified, from a source tree that the user has.

Each runs in a process of its own with a private working folder, because some write there. For a
tree that is stamped as not for submission the checker's constant TEST_DURATION_MS, and nothing
else, is set to the shortest duration asked for in the tree, in that process; the verdict says so.
"""

from __future__ import annotations

import os
import sys

from cmcore.errors import CmError, NotFoundError
from cmcore.hints import Any, NamedTuple, Sequence

_CHECKER = os.path.join("tools", "submission", "submission_checker")

_SHORT = (
    "import runpy, sys\n"
    "from submission_checker import constants\n"
    "constants.TEST_DURATION_MS = int(sys.argv.pop(1))\n"
    "runpy.run_module('submission_checker.main', run_name='__main__')\n"
)


class Official(NamedTuple):
    """The official checker's verdict.

    Attributes:
        code: its exit code; 0 is success.
        summary: its last word, as `SUMMARY: submission looks OK`.
        errors: what it called errors.
        rows: its table of results, one dictionary a line.
        duration_ms: what TEST_DURATION_MS was set to, None when nothing was changed.
        output: all it printed.
    """

    code: int
    summary: str
    errors: tuple[str, ...]
    rows: tuple[dict[str, str], ...]
    duration_ms: int | None
    output: str


def root_of(source: str) -> str:
    """The root of an inference source tree, from it or a folder in it.

    Raises:
        NotFoundError: there is no submission checker.
    """
    at = os.path.abspath(os.path.expanduser(source))
    for _ in range(4):
        if os.path.isfile(os.path.join(at, _CHECKER, "main.py")):
            return at
        at = os.path.dirname(at)
    raise NotFoundError(
        "no official checker in this folder",
        where=source,
        hint="give the path of a checkout of github.com/mlcommons/inference, which holds"
        " tools/submission/submission_checker",
    )


def check(
    source: str, tree: str, of_round: str, submitter: str = "", duration_ms: int | None = None
) -> Official:
    """Let the official checker judge a tree.

    Args:
        source: the inference source tree.
        tree: the submission.
        of_round: `v6.1`.
        submitter: only this one.
        duration_ms: for trees that are not for submission, the shortest duration to accept.

    Raises:
        NotFoundError: there is no checker.
        CmError: it cannot be started.
    """
    import csv
    import re
    import tempfile

    root = root_of(source)
    start = ["-m", "submission_checker.main"]
    if duration_ms is not None:
        start = ["-c", _SHORT, str(duration_ms)]
    with tempfile.TemporaryDirectory(prefix="cm-mlperf-check-") as folder:
        table = os.path.join(folder, "summary.csv")
        words = [*start, "--input", os.path.abspath(tree), "--version", of_round, "--csv", table]
        words += ["--submitter", submitter] if submitter else []
        code, output = python(words, folder, os.path.join(root, "tools", "submission"))
        rows: list[dict[str, str]] = []
        if os.path.exists(table):
            with open(table, encoding="utf-8", newline="") as file:
                rows = [dict(row) for row in csv.DictReader(file)]
    errors = [line for line in output.splitlines() if re.search(r"\bERROR\b", line)]
    told = re.findall(r"SUMMARY: .*", output)
    summary = told[-1] if told else _last_line(output)
    return Official(code, summary, tuple(errors), tuple(rows), duration_ms, output)


def _last_line(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "said nothing"


def python(words: Sequence[str], folder: str, path: str) -> tuple[int, str]:
    """Run this Python with further arguments in a folder; exit code and everything it printed.

    Raises:
        CmError: it cannot be started.
    """
    import subprocess

    environ: dict[str, Any] = {
        **os.environ,
        "PYTHONPATH": path,
        "PYTHONDONTWRITEBYTECODE": "1",  # the source tree stays as it is
        "PYTHONSAFEPATH": "1",
    }
    try:
        done = subprocess.run(
            [sys.executable, *words],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
    except OSError as error:
        raise CmError(f"cannot start {sys.executable}: {error.strerror}") from error
    return done.returncode, done.stdout.decode("utf-8", "replace")
