"""`cm lint script`: from a request to findings, an exit code and something to read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cm_script.flags import is_on
from cm_script.lint import output
from cm_script.lint.check import check
from cm_script.lint.document import Document
from cm_script.lint.files import scripts
from cm_script.lint.findings import LEVELS
from cm_script.lint.shape import SCHEMA_FILE
from cm_script.lint.shell import Bash
from cm_script.lint.targets import below, folders
from cm_script.lint.universe import Universe
from cmcore.errors import UsageError
from cmcore.naming import split_tags
from cmcore.types import Request, Result

if TYPE_CHECKING:
    from cmcore.context import Context


def lint(ctx: Context, request: Request) -> Result:
    """Check the recipes that a request means; exit code 1 when there are errors.

    With `--strict` warnings count as errors do. `--format` decides what is printed.

    Raises:
        UsageError: an unknown level or format.
        NotFoundError: nothing is meant.
    """
    if request.flags.get("schema"):
        return Result({"schema": SCHEMA_FILE}, SCHEMA_FILE)
    shown = _levels(request)
    form = str(request.flags.get("format", "text"))
    if form not in output.FORMATS:
        raise UsageError(
            f"--format={form} is unknown", hint="it can be " + ", ".join(output.FORMATS)
        )
    with ctx.index.hold():
        documents = [Document(folder) for folder in folders(ctx, request)]
        universe = Universe(ctx)
        _register(universe, documents)
        bash = Bash()
        bash.ask(script for document in documents for script in scripts(document.folder))
        findings = [f for document in documents for f in check(document, universe, bash)]
    counts = {level: sum(f.level == level for f in findings) for level in LEVELS}
    listed = [finding for finding in findings if finding.level in shown]
    data = {
        "recipes": len(documents),
        "counts": counts,
        "findings": [finding._asdict() for finding in listed],
    }
    failed = counts["error"] or (is_on(request.flags.get("strict")) and counts["warning"])
    if form == "text":
        told = [output.text(listed), _summary(len(documents), counts, shown)]
        view = "\n".join(filter(None, told))
    else:
        view = {"github": output.github, "sarif": output.sarif}[form](listed)
    return Result(data, view, code=1 if failed else 0)


def _levels(request: Request) -> tuple[str, ...]:
    level = str(request.flags.get("level", "warning"))
    if level not in LEVELS:
        raise UsageError(f"--level={level} is unknown", hint="it can be " + ", ".join(LEVELS))
    return LEVELS[: LEVELS.index(level) + 1]


def _register(universe: Universe, documents: Sequence[Document]) -> None:
    """Make recipes known that are in no registered collection, with those beside them."""
    strange = [document for document in documents if document.folder not in universe.recipes]
    seen = {document.folder for document in strange}
    beside = [
        Document(folder)
        for parent in sorted({os.path.dirname(document.folder) for document in strange})
        if os.path.basename(parent) == "script"
        for folder in below(parent)
        if folder not in seen and folder not in universe.recipes
    ]
    for document in (*strange, *beside):
        meta: dict[str, Any] = document.data
        tags = meta.get("tags")
        words = split_tags(tags if isinstance(tags, (list, str)) else None)
        universe.add(document.folder, meta, words, document.form)


def _summary(recipes: int, counts: dict[str, int], shown: tuple[str, ...]) -> str:
    parts = []
    for level in LEVELS:
        number = counts[level]
        hidden = f" (--level={level} lists them)" if number and level not in shown else ""
        parts.append(f"{number} {level}{'' if number == 1 else 's'}{hidden}")
    return f"{recipes} recipe{'' if recipes == 1 else 's'}: {', '.join(parts)}"
