"""Checks of native scripts: that bash can read them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from cm_script.lint.findings import Report

_SHELLS = frozenset({"sh", "bash", "dash", "ash"})
_PLACE = re.compile(r": line (\d+): (.*)")


class Bash:
    """What bash says about files, asked in bulk because each answer costs a process."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[int, str]] = {}

    def ask(self, paths: Iterable[str]) -> None:
        """Read some scripts without running them; without bash nothing is said."""
        import shutil

        missing = [path for path in dict.fromkeys(paths) if path not in self._said]
        program = shutil.which("bash")
        if not missing or not program:
            self._said.update(dict.fromkeys(missing, (0, "")))
            return
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(min(8, (os.cpu_count() or 1) + 1)) as pool:
            answers = pool.map(lambda path: _syntax(program, path), missing)
            self._said.update(zip(missing, answers, strict=True))

    def problem(self, path: str) -> tuple[int, str]:
        """Line and sentence of a syntax error; (0, "") when there is none."""
        self.ask([path])
        return self._said[path]


def _syntax(program: str, path: str) -> tuple[int, str]:
    import subprocess

    done = subprocess.run(
        [program, "-n", path],
        env={"LC_ALL": "C", "PATH": os.environ.get("PATH", "")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    if not done.returncode:
        return 0, ""  # warnings of bash, about here-documents for example, are no errors
    for line in done.stderr.decode("utf-8", "replace").splitlines():
        found = _PLACE.search(line)
        if found:
            return int(found[1]), found[2]
    return 0, "it ends with an error"


def check(path: str, report: Report, bash: Bash, *, by_engine: bool) -> None:
    """Check one script.

    Args:
        path: of the script.
        bash: knows what bash says.
        by_engine: whether the engine itself sources it in some run; otherwise only the recipe's
            code may use it.
    """
    from cmcore.errors import CmError
    from cmcore.storage import read_bytes

    level = "error" if by_engine else "warning"
    try:
        content = read_bytes(path)
    except CmError as error:
        report.add_file(level, "shell", path, error.message, "make it readable")
        return
    words = content[:200].partition(b"\n")[0].decode("utf-8", "replace").removeprefix("#!").split()
    shebang = content.startswith(b"#!")
    program = (
        os.path.basename(words[-1] if len(words) > 1 and "env" in words[0] else words[0])
        if shebang and words
        else ""
    )
    if program and program not in _SHELLS:
        if by_engine:
            report.add_file(
                "warning",
                "shell",
                path,
                f"the engine reads it with bash, whatever its first line says about {program}",
                f"call a {program} file from a script for bash",
                1,
            )
        return
    line, said = bash.problem(path)
    if b"\r\n" in content:
        report.add_file(
            level if said else "warning",
            "shell",
            path,
            "its lines end as on Windows, and bash takes the end for text",
            "convert it to Unix line ends",
            content[: content.index(b"\r\n")].count(b"\n") + 1,
        )
    elif said:
        report.add_file(level, "shell", path, f"bash cannot read it: {said}", "correct it", line)
