"""Outcomes of tests as the XML that CI systems read: the format of JUnit's Ant task."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from cmcore.errors import UsageError


def target(wanted: object) -> str:
    """Absolute path of the file that `--junit` names, or ""; asked before anything runs.

    Raises:
        UsageError: no file can be written there.
    """
    if wanted is None or wanted is False:
        return ""
    if not isinstance(wanted, str) or not wanted.strip():
        raise UsageError("--junit needs a file", hint="--junit=results.xml")
    path = os.path.abspath(wanted)
    folder = os.path.dirname(path)
    if os.path.isdir(path) or not os.path.isdir(folder) or not os.access(folder, os.W_OK):
        raise UsageError(f"--junit={wanted}: no file can be written there")
    return path


def write(path: str, recipe: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the report, all of it or nothing.

    Args:
        path: the file; one that is there is replaced.
        recipe: name of the recipe.
        rows: `index`, `variations`, `outcome` (passed, failed, skipped), `seconds`, `detail`.

    Raises:
        StorageError: the file cannot be written.
    """
    from cmcore.storage import write_atomic

    write_atomic(path, xml(recipe, rows))


def xml(recipe: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """The report as text."""
    from xml.etree import ElementTree as Tree

    outcomes = [row["outcome"] for row in rows]
    sums = {
        "tests": str(len(rows)),
        "failures": str(outcomes.count("failed")),
        "errors": "0",
        "skipped": str(outcomes.count("skipped")),
        "time": f"{sum(row['seconds'] for row in rows):.2f}",
    }
    top = Tree.Element("testsuites", {"name": "cm test script", **sums})
    suite = Tree.SubElement(top, "testsuite", {"name": _legal(recipe), **sums})
    for row in rows:
        name = f"{row['index']} {row['variations']}".rstrip()
        case = Tree.SubElement(
            suite,
            "testcase",
            {
                "classname": _legal(recipe),
                "name": _legal(name),
                "time": f"{row['seconds']:.2f}",
            },
        )
        if row["outcome"] != "passed":
            kind = "failure" if row["outcome"] == "failed" else "skipped"
            detail = _legal(str(row["detail"]))
            part = Tree.SubElement(case, kind, {"message": detail.partition("\n")[0]})
            if kind == "failure":
                part.text = detail
    Tree.indent(top)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + Tree.tostring(top, "unicode") + "\n"


def _legal(text: str) -> str:
    """Text without the characters that XML 1.0 cannot hold, such as those of colours."""
    return "".join(c if c in "\t\n\r" or (c >= " " and _holds(c)) else "\ufffd" for c in text)


def _holds(char: str) -> bool:
    return not ("\ud800" <= char <= "\udfff" or char in "\ufffe\uffff")
