"""Checks of what stands beside the meta: native scripts and `customize.py`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from cm_script.lint import code, shell
from cm_script.lint.findings import Report
from cm_script.lint.universe import blocks


def check(meta: Mapping[str, Any], report: Report, bash: shell.Bash) -> None:
    """Check the files of a recipe's folder."""
    folder = report.document.folder
    there = set(os.listdir(folder))
    bases = {"run", "validate_cache"}
    for path, block in blocks(meta):
        name = block.get("script_name")
        if not isinstance(name, str) or not name or "<<<" in name or "#" in name:
            continue
        bases.add(name)
        if not any(_is_script(file, name) for file in there):
            report.add(
                "error",
                "no-script",
                (*path, "script_name"),
                f"there is no native script '{name}.sh'",
                "leave out the ending" if name in there else "write it, or correct the name",
            )
    _other_platforms(folder, there, report)
    for file in scripts(folder, there):
        by_engine = any(_is_script(os.path.basename(file), base) for base in bases)
        shell.check(file, report, bash, by_engine=by_engine)
    if "customize.py" in there:
        code.check(
            os.path.join(folder, "customize.py"),
            report,
            lambda name: any(_is_script(file, name) for file in there),
        )


def scripts(folder: str, there: set[str] | None = None) -> list[str]:
    """The shell scripts of a recipe."""
    if there is None:
        there = set(os.listdir(folder))
    paths = [os.path.join(folder, name) for name in sorted(there) if name.endswith(".sh")]
    return [path for path in paths if os.path.isfile(path)]


def _is_script(file: str, name: str) -> bool:
    base, ending = os.path.splitext(file)
    return ending in (".sh", ".bat") and (base == name or base.startswith(name + "-"))


def _other_platforms(folder: str, there: set[str], report: Report) -> None:
    unix = any(file.startswith("run") and _is_script(file, "run") for file in there - {"run.bat"})
    if unix and "run.bat" not in there:
        report.add_file(
            "note",
            "one-platform",
            os.path.join(folder, "run.sh") if "run.sh" in there else folder,
            "the native step is there for Unix only",
            "add run.bat if it should work on Windows",
        )
    elif "run.bat" in there and not unix:
        report.add_file(
            "note",
            "one-platform",
            os.path.join(folder, "run.bat"),
            "the native step is there for Windows only",
            "add run.sh if it should work elsewhere",
        )
