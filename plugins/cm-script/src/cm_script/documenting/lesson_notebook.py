"""A lesson as a Jupyter notebook.

Its commands stand in cells of the plain Python kernel: `%%bash` runs a cell in a shell and, unlike
`!`, fails with it, so that `jupyter nbconvert --execute` stops at the first command that fails.
Source of the shape: nbformat 4.5.
"""

from __future__ import annotations

import re

from cm_script.documenting import lesson_readme
from cm_script.documenting.lesson import ENVIRONMENT, Lesson, Step
from cmcore.hints import Any

#: Makes what was installed found by all cells behind: each one is a shell of its own.
_PATH = f"""import os

os.environ["PATH"] = os.path.abspath("{ENVIRONMENT}/bin") + os.pathsep + os.environ["PATH"]"""


def notebook(lesson: Lesson) -> str:
    """The lesson as JSON of a notebook; the same lesson gives the same bytes."""
    import json

    head = ["# How to repeat a run", "", *lesson_readme.shown(lesson)]
    head += [line for text in lesson_readme.words(lesson) for line in ("", text)]
    cells = [_markdown("title", "\n".join(head))]
    for step in lesson.steps:
        cells += _cells(step)
    tables = ["## Versions", "", *lesson_readme.tables(lesson)]
    cells.append(_markdown("versions", "\n".join(tables)))
    data = {
        "cells": cells,
        "metadata": {
            "cm_doc": {"command": lesson.command},
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def _cells(step: Step) -> list[dict[str, Any]]:
    found = [_markdown(f"{step.name}-about", f"## {step.title}\n\n{step.text}")]
    found.append(_code(step.name, "\n".join(["%%bash", "set -e", *step.commands]), step.name))
    if step.name == "install":
        found.append(_code("install-path", _PATH, step.name))
    return found


def _markdown(name: str, text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": _id(name), "metadata": {}, "source": _lines(text)}


def _code(name: str, text: str, tag: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": _id(name),
        "metadata": {"tags": [tag]},
        "outputs": [],
        "source": _lines(text),
    }


def _id(name: str) -> str:
    """An identifier as the format wants it: 1 to 64 letters, digits, dashes."""
    return re.sub(r"[^a-z0-9-]", "-", name)[:64]


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)
