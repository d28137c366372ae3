"""`cm compare mlperf A B ...`: groups of runs, point by point."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from cm_mlperf.results import finding, points, sheets, words
from cm_mlperf.results.points import Line, Point
from cm_mlperf.results.record import Record
from cmcore.errors import NotFoundError, UsageError
from cmcore.hints import TYPE_CHECKING, Any
from cmcore.types import Result, Table

if TYPE_CHECKING:
    from cmcore.context import Context
    from cmcore.types import Request

METHOD = (
    "interval of the mean: Student's t with n - 1 degrees of freedom; ratio: of geometric means, "
    "with Welch's interval on logarithms (NIST/SEMATECH e-Handbook 1.3.5.2 and 7.3.1)"
)
_FORMATS = {".md": "markdown", ".json": "json"}


def compare(ctx: Context, request: Request) -> Result:
    """Mean, spread and confidence interval of each group of runs, and ratios between groups.

    A group is a folder with any number of results, or one result file. Only runs of the same
    model, scenario, data set and execution mode are set side by side; runs that LoadGen calls
    INVALID are left out unless `--invalid` is given.

    Raises:
        NotFoundError: a folder does not exist, or holds no results.
        UsageError: a flag has an impossible value, or nothing was named.
        StorageError: `--output` cannot be written.
    """
    if not request.artifacts:
        raise UsageError("nothing to compare", hint="name folders with results: before after")
    confidence = _confidence(request.flags.get("confidence"))
    output, form = _output(request)
    wish, warnings = finding.wish_of(request.flags), list[str]()
    groups = [(name, _group(ctx, request, name, wish, warnings)) for name in request.artifacts]
    groups = _unlike(groups)
    if not request.flags.get("invalid"):
        groups = [(name, _valid_only(name, records, warnings)) for name, records in groups]
    found = points.sorted_in(groups)
    if not found:
        raise NotFoundError("no result that can be compared", hint="; ".join(warnings))
    compared = {point: points.lines(point, runs, confidence) for point, runs in found.items()}
    warnings += _notes(compared, [name for name, _ in groups])
    data = {
        "confidence": confidence,
        "method": METHOD,
        "points": [_data(point, lines) for point, lines in compared.items()],
    }
    if not form:
        return Result(data, view=_view(compared, confidence), warnings=tuple(warnings))
    text = _markdown(compared, confidence) if form == "markdown" else _json(data)
    if not output:
        return Result(data, view=text, warnings=tuple(warnings))
    from cmcore.storage import write_atomic

    write_atomic(output, text.encode("utf-8", "replace"))
    path = os.path.abspath(output)
    view = f"{len(found)} points in {path}"
    return Result({**data, "output": path}, view=view, warnings=tuple(warnings))


def _group(
    ctx: Context, request: Request, name: str, wish: finding.Wish, warnings: list[str]
) -> list[Record]:
    if request.flags.get("imported"):
        from cm_mlperf.results.show import imported

        named = finding.Wish({key: (name.lower(),) for key in ("system",)})
        by_submitter = finding.Wish({"submitter": (name.lower(),)})
        records = [item.record for item in imported(ctx, wish)]
        kept = [r for r in records if finding.fits(r, named) or finding.fits(r, by_submitter)]
    else:
        items, problems = finding.gather([os.path.expanduser(name)])
        warnings += problems
        kept = [item.record for item in items if finding.fits(item.record, wish)]
    if not kept:
        raise NotFoundError(f"no results that fit in {name!r}")
    return kept


def _unlike(groups: Sequence[tuple[str, list[Record]]]) -> list[tuple[str, list[Record]]]:
    """Names that differ, where the same was given twice."""
    seen: dict[str, int] = {}
    found = []
    for name, records in groups:
        seen[name] = seen.get(name, 0) + 1
        found.append((name if seen[name] == 1 else f"{name} ({seen[name]})", records))
    return found


def _valid_only(name: str, records: Sequence[Record], warnings: list[str]) -> list[Record]:
    kept = [r for r in records if r.performance is None or r.performance.valid is not False]
    if len(kept) < len(records):
        warnings.append(
            f"{len(records) - len(kept)} INVALID runs of {name} are left out (--invalid takes them)"
        )
    return kept


def _notes(compared: dict[Point, list[Line]], names: Sequence[str]) -> list[str]:
    notes = []
    common = [p for p, found in compared.items() if len({x.runs.group for x in found}) > 1]
    if len(names) > 1 and not common:
        notes.append("no model, scenario and mode is in more than one group")
    for point, found in compared.items():
        for line in found:
            if line.runs.targets and point.measure == "result":
                told = ", ".join(str(target) for target in line.runs.targets[:5])
                notes.append(f"{_title(point)}: runs of {line.runs.group} had targets {told}")
    return notes


def _title(point: Point) -> str:
    name = f"{point.model} {point.scenario}".strip()
    what = "" if point.measure == "result" else f", {point.measure}"
    stamp = f" [{point.stamp}]" if point.stamp else ""
    return f"{name} ({point.execution_mode or 'no mode'}){what}{stamp}"


def _heading(point: Point) -> str:
    return f"{_title(point)}: {'less' if point.less_is_better else 'more'} is better"


def _table(point: Point, found: Sequence[Line], confidence: float) -> Table:
    more = points.differing([line.runs for line in found])
    share = f"{confidence * 100:g} %"
    columns = ["Group", *(name.capitalize() for name in more), "n", "Mean", f"± ({share})"]
    columns += ["Spread", "Ratio", f"{share} of ratio", "Verdict"] if len(found) > 1 else ["Spread"]
    rows = []
    for number, line in enumerate(found):
        summary, ratio = line.summary, line.ratio
        half = None if summary.high is None else summary.high - summary.mean
        row = [line.runs.group, *(values[number] for values in more.values()), str(summary.n)]
        row += words.measures((summary.mean, half, summary.spread), point.unit)
        if len(found) > 1:
            row.append(f"{ratio.value:.4f}" if ratio else "1")
            known = ratio is not None and ratio.low is not None
            row.append(f"{ratio.low:.4f} to {ratio.high:.4f}" if ratio and known else "-")
            row.append(line.word)
        rows.append(row)
    return Table(columns, rows)


def _view(compared: dict[Point, list[Line]], confidence: float) -> list[str | Table]:
    parts: list[str | Table] = []
    for point, found in compared.items():
        parts += [_heading(point), _table(point, found, confidence), ""]
    return [*parts, METHOD]


def _markdown(compared: dict[Point, list[Line]], confidence: float) -> str:
    parts = []
    for point, found in compared.items():
        table = _table(point, found, confidence)
        rows = [table.columns, ["---"] * len(table.columns)]
        rows += [[sheets.escaped(cell) for cell in row] for row in table.rows]
        text = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        parts.append(f"### {sheets.escaped(_heading(point))}\n\n{text}\n")
    return "\n".join([*parts, f"{METHOD}\n"])


def _json(data: dict[str, Any]) -> str:
    return json.dumps(data, indent=2) + "\n"


def _data(point: Point, found: Sequence[Line]) -> dict[str, Any]:
    return {
        **point._asdict(),
        "less_is_better": point.less_is_better,
        "groups": [
            {
                **line.runs._asdict(),
                "settings": json.loads(line.runs.settings),
                **line.summary._asdict(),
                "ratio": line.ratio._asdict() if line.ratio else None,
                "word": line.word,
            }
            for line in found
        ],
    }


def _confidence(value: Any) -> float:
    if value is None:
        return 0.95
    try:
        percent = float(str(value).removesuffix("%"))
    except ValueError:
        percent = 0.0
    if isinstance(value, bool) or not 50 <= percent < 100:
        raise UsageError("--confidence needs a percentage from 50 to below 100, as 95")
    return percent / 100


def _output(request: Request) -> tuple[str, str]:
    values = {key: request.flags.get(key, "") for key in ("output", "format")}
    for key, value in values.items():
        if not isinstance(value, str) or (key in request.flags and not value):
            raise UsageError(f"--{key} needs a value")
    output, form = os.path.expanduser(values["output"]), values["format"].lower()
    form = {"md": "markdown"}.get(form, form)
    if form not in ("", "markdown", "json"):
        raise UsageError(f"--format={form}: no such format", hint="one of markdown, json")
    if output and not form:
        form = _FORMATS.get(os.path.splitext(output)[1].lower(), "")
        if not form:
            raise UsageError(
                f"--output={output}: its ending names no format", hint="add --format=markdown|json"
            )
    return output, form
