"""`system` of the `utils` automation: run a shell command and get its output."""

from __future__ import annotations

import os
from collections.abc import Mapping

from cmcore.hints import Any


def system(i: Mapping[str, Any]) -> dict[str, Any]:
    """Run shell command `cmd`, in folder `path` if that exists.

    Returns:
        `ret` (exit code), `stdout`, `stderr` and both as `std`; 1 when there is no command.
        With `stdout` or `stderr` the output is also left in the file named there, as seen from
        `path`.
    """
    import subprocess

    command = str(i.get("cmd") or "")
    if not command:
        return {"return": 1, "error": "no command was given"}
    path = str(i.get("path") or "")
    folder = path if os.path.isdir(path) else ""
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder or None,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    answer: dict[str, Any] = {"return": 0, "ret": done.returncode}
    for name, output in (("stdout", done.stdout), ("stderr", done.stderr)):
        answer[name] = output.strip()
        if i.get(name):
            try:
                with open(os.path.join(folder, str(i[name])), "w", encoding="utf-8") as file:
                    file.write(output)
            except OSError as error:
                return {"return": 1, "error": f"{i[name]} cannot be written: {error.strerror}"}
    answer["std"] = "\n".join(part for part in (answer["stdout"], answer["stderr"]) if part)
    return answer
