"""MLCommons' own verification programs, unmodified, from a source tree that the user has."""

from __future__ import annotations

import os

from cm_mlperf.compliance import audit
from cm_mlperf.submission import official
from cmcore.errors import NotFoundError
from cmcore.hints import NamedTuple


class Verification(NamedTuple):
    """What run_verification.py said; `accuracy` is None for tests that do not look at answers."""

    accuracy: bool | None
    performance: bool
    output: str


def verify(source: str, test: str, result: str, raw: str, item: str = "int64") -> Verification:
    """Let the official program judge a test; it writes into a private folder only.

    Args:
        source: source tree of mlcommons/inference.
        test: `TEST01` or `TEST04`.
        result: folder with performance/run_1 and accuracy of the result.
        raw: folder with the three logs of the test's own run.
        item: type of the answers' items, for TEST01.

    Raises:
        NotFoundError: there is no such program in the source tree.
    """
    import tempfile

    name = audit.known(test)
    program = os.path.join(official.root_of(source), "compliance", name, "run_verification.py")
    if not os.path.isfile(program):
        raise NotFoundError(f"the source tree has no verification of {name}", where=program)
    with tempfile.TemporaryDirectory(prefix="cm-mlperf-verify-") as folder:
        words = [program, "-r", os.path.abspath(result), "-c", os.path.abspath(raw), "-o", folder]
        words += ["--dtype", item] if name == "TEST01" else []
        _, output = official.python(words, folder, os.path.dirname(program))
        accuracy = _says(os.path.join(folder, "verify_accuracy.txt")) if name == "TEST01" else None
        return Verification(accuracy, _says(os.path.join(folder, "verify_performance.txt")), output)


def _says(path: str) -> bool:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return "TEST PASS" in file.read()
    except OSError:
        return False
