"""`cm audit mlperf DIR`: compliance tests for results that are there."""

from __future__ import annotations

import os

from cm_mlperf.compliance import audit, run
from cmcore.errors import NotFoundError, UsageError
from cmcore.hints import TYPE_CHECKING, Any
from cmcore.types import Result, Table

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.types import Request


def audits(ctx: Context, request: Request) -> Result:
    """Run the compliance tests that the results in a folder need.

    Raises:
        UsageError: no folder is named, or a test that cannot be run here.
        NotFoundError: there is no valid result.
        CmError: a run did not come to its end.
    """
    from cm_mlperf import rounds
    from cm_mlperf.submission import gathering
    from cm_mlperf.submission import official as programs

    if len(request.artifacts) != 1:
        raise UsageError("which results to audit is not said", hint="cm audit mlperf DIR")
    folder = os.path.abspath(os.path.expanduser(request.artifacts[0]))
    told = request.flags.get("test")
    words = [told] if isinstance(told, str) else list(told or ())
    asked = tuple(audit.known(word) for word in ",".join(words).split(",") if word.strip())
    found = [one for one in gathering.gather(folder) if not one.lacking]
    if not found:
        raise NotFoundError("no result with performance and accuracy runs here", where=folder)
    rows: list[dict[str, Any]] = []
    name = rounds.get(str(request.flags.get("round") or rounds.newest())).name
    source = str(request.flags.get("inference_src") or "")
    if source:
        programs.root_of(source)
    for one in found:
        official = rounds.get(name).official(one.record.model)
        for test in asked or run.tests_of(name, one.record.model):
            ctx.console.log(f"{one.name}: {test} runs")
            verdict = run.run(one.folder, test, model=official)
            row: dict[str, Any] = {
                "result": one.name,
                "folder": one.folder,
                "test": test,
                "passed": verdict.passed,
                "accuracy": verdict.accuracy,
                "performance": verdict.performance,
                "why": _why(verdict.accuracy_text + verdict.performance_text),
            }
            if source:
                row["official"] = _official(source, test, one.folder)
            rows.append(row)
    columns = ["result", "test", "outcome", *(["official"] if source else []), "why"]
    cells = [[_cell(row, column) for column in columns] for row in rows]
    failed = any(not row["passed"] or row.get("official") is False for row in rows)
    table = Table(columns, cells)
    return Result({"audits": rows}, view=table, code=1 if failed else 0)


def _official(source: str, test: str, folder: str) -> bool:
    """Whether MLCommons' own verification passes too."""
    from cm_mlperf.compliance import official

    found = official.verify(source, test, folder, run.raw_of(folder, test))
    return found.performance and found.accuracy is not False


def _cell(row: dict[str, Any], column: str) -> str:
    if column in ("outcome", "official"):
        return "passed" if row["passed" if column == "outcome" else column] else "FAILED"
    return str(row[column])


def _why(text: str) -> str:
    fails = [line for line in text.splitlines() if line.startswith("TEST FAIL")]
    return "; ".join(line.removeprefix("TEST FAIL").lstrip(": ") or "answers" for line in fails)
