"""`cm test script`: make the requests that a recipe's tests list, and tell how each went."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cm_script import command
from cm_script.authoring.cases import Case, cases, chosen
from cm_script.choose import choose_recipe
from cm_script.engine import Engine
from cmcore.errors import CmError
from cmcore.types import Artifact, Request, Result, Table

if TYPE_CHECKING:
    from cmcore.context import Context

#: Flags of this command; all others are handed to each run.
_OWN = ("tags", "test_input_index", "test_input_id", "dialect", "junit", "run_inputs")


def test(ctx: Context, request: Request) -> Result:
    """Run the tests of one recipe, all of them; exit code 1 when one fails.

    Each runs in an empty folder of its own, so that several of these commands may run side by
    side. `--junit=FILE` also writes the outcome for CI.

    Raises:
        CmError: no recipe fits, it has no such tests, or the file cannot be written.
    """
    from cm_script.authoring import junit

    report = junit.target(request.flags.get("junit"))
    inputs: dict[str, Any] = {"quiet": True, **dict(request.flags)}
    if request.artifacts:
        inputs["artifact"] = request.artifacts[0]
        inputs["artifacts"] = list(request.artifacts[1:])
    recipe, query = choose_recipe(Engine(ctx), inputs)
    meta = recipe.meta
    if isinstance(request.flags.get("run_inputs"), list):
        # A Python caller brings the entries along.
        meta["tests"] = {**(meta.get("tests") or {}), "run_inputs": request.flags["run_inputs"]}
    places = chosen(meta, request.flags.get("test_input_index"), request.flags.get("test_input_id"))
    extra = {key: value for key, value in request.flags.items() if key not in _OWN}
    todo = cases(meta, places, extra)
    if query.explicit:
        # Whoever names variations wants to see these, not those that the recipe lists.
        asked = query._replace(tags=(), excluded=(), name="").text()
        first = {case.place: case for case in todo}
        todo = [case._replace(variations=asked) for case in first.values()]
    rows = [_row(ctx, recipe, case) for case in todo]
    if report:
        junit.write(report, recipe.alias or recipe.uid, rows)
    return _result(recipe, rows)


def _row(ctx: Context, recipe: Artifact, case: Case) -> dict[str, Any]:
    row = {"index": case.place, "variations": case.variations, "seconds": 0.0, "detail": case.skip}
    if case.skip:
        return {**row, "outcome": "skipped"}
    what = f"test {case.place} {case.variations}".rstrip()
    ctx.console.log(f"{what}: {recipe.alias}")
    started = time.perf_counter()
    failure = _run(ctx, recipe, case)
    row["seconds"] = round(time.perf_counter() - started, 2)
    ctx.console.log(f"{what}: {'failed' if failure else 'passed'}")
    return {**row, "outcome": "failed" if failure else "passed", "detail": failure}


def _run(ctx: Context, recipe: Artifact, case: Case) -> str:
    """Why the run failed, or "". It runs in an empty folder, which a failure leaves behind."""
    import shutil
    import tempfile

    here = os.getcwd()
    folder = tempfile.mkdtemp(prefix="cm-test-")
    try:
        os.chdir(folder)
        flags: Mapping[str, Any] = {"quiet": True, **case.flags}
        words = (f"{recipe.collection.name}:{recipe.name}", case.variations)
        command.run(ctx, Request("run", "script", tuple(filter(None, words)), flags))
    except CmError as error:
        return f"{error} (files in {folder})"
    finally:
        os.chdir(here)
    shutil.rmtree(folder, ignore_errors=True)
    return ""


def _result(recipe: Artifact, rows: list[dict[str, Any]]) -> Result:
    outcomes = [row["outcome"] for row in rows]
    counts = {name: outcomes.count(name) for name in ("passed", "failed", "skipped")}
    columns = ("test", "variations", "outcome", "seconds", "detail")
    cells = [
        [
            str(row["index"]),
            row["variations"],
            row["outcome"],
            f"{row['seconds']:.2f}",
            row["detail"],
        ]
        for row in rows
    ]
    summary = ", ".join(f"{number} {name}" for name, number in counts.items())
    return Result(
        {"recipe": recipe.name, "path": recipe.path, "counts": counts, "tests": rows},
        [Table(columns, cells), f"{recipe.alias}: {summary}"],
        code=1 if counts["failed"] else 0,
    )
