"""The page: a summary, one table of all results, and pictures of each."""

from __future__ import annotations

import json
from collections.abc import Sequence

from cm_mlperf.results import sheets, words
from cm_mlperf.results.finding import Item
from cm_mlperf.results.record import Record, stamp_of
from cm_mlperf.results.web import plots
from cm_mlperf.results.web.style import CSS
from cm_mlperf.results.web.svg import clean
from cm_mlperf.results.web.timing import timing_of

#: Beyond so many results the page has a table only: pictures of forty thousand help nobody.
MOST_PICTURED = 60
_STYLES = {
    "Result": "number", "p99": "number", "Accuracy": "number",
    "System": "wrap", "Submitter": "wrap", "Valid": "wrap",
}  # fmt: skip
#: Nothing may be fetched from anywhere, whatever stands in a result.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'"


def page(items: Sequence[Item]) -> str:
    """The whole page, always the same for the same results."""
    stamped = sum(bool(stamp_of(item.record)) for item in items)
    valid = sum(item.record.valid is True for item in items)
    accepted = sum(item.record.valid is None for item in items)
    told = [f"{len(items)} results", f"{valid} valid"]
    told += [f"{accepted} accepted by a checker"] if accepted else []
    parts = [
        "<h1>MLPerf inference results</h1>",
        f'<p class="soft">{", ".join(told)}</p>',
    ]
    if stamped:
        which = "This is" if len(items) == 1 else f"{stamped} of {len(items)} are"
        kind = (
            "a test or fast run: not a result."
            if len(items) == 1
            else "test or fast runs: not results."
        )
        parts.append(f'<p class="banner">{which} {kind}</p>')
    parts.append(_table(items))
    pictured = items[:MOST_PICTURED]
    several = plots.overview(pictured)
    if several:
        figures = "".join(_figure("", picture, title) for title, picture in several)
        parts.append(f'<h2>Side by side</h2><div class="plots">{figures}</div>')
    parts += [_section(number, item) for number, item in enumerate(pictured, 1)]
    if len(items) > len(pictured):
        parts.append(
            f'<p class="soft">Pictures of the first {len(pictured)} results only; '
            "filter for others.</p>"
        )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<title>MLPerf inference results</title><style>{CSS}</style></head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _table(items: Sequence[Item]) -> str:
    table = sheets.table(items)
    head = "".join(f'<th scope="col"{_style(name)}>{clean(name)}</th>' for name in table.columns)
    rows = []
    for number, (item, row) in enumerate(zip(items, table.rows, strict=True), 1):
        cells = []
        for name, cell in zip(table.columns, row, strict=True):
            text = clean(cell)
            if name == "Model" and number <= MOST_PICTURED:
                text = f'<a href="#r{number}">{text or "-"}</a>'
            if name == "Valid":
                text = _verdict(item.record)
            cells.append(f"<td{_style(name)}>{text}</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _style(column: str) -> str:
    return f' class="{_STYLES[column]}"' if column in _STYLES else ""


def _verdict(record: Record) -> str:
    text = clean(words.verdict(record))
    if stamp_of(record):
        return f'<span class="stamped">{text}</span>'
    style = {True: "good", False: "bad", None: "soft"}[record.valid]
    return f'<span class="{style}">{text}</span>'


def _section(number: int, item: Item) -> str:
    record = item.record
    timing, problem = timing_of(item)
    title = " · ".join(part for part in (record.model, record.scenario, record.system) if part)
    kind = "queries" if timing.queries else "samples"
    whole = "" if timing.exact else " From the percentiles of the log."
    circles = "; circles: LoadGen's percentiles" if plots.circled(record, timing) else ""
    share = f"Share of {kind} answered within a time{circles}.{whole}"
    figures = [
        _figure("Latency", plots.distribution(record, timing), share),
        _figure("Latency percentiles", plots.percentiles(record), ""),
        _figure("Throughput over time", plots.throughput(record, timing), "Dashed: the mean."),
        _figure("Accuracy", plots.accuracy(record), ""),
    ]
    result = words.result_text(record.performance)
    accuracy = words.accuracy_text(record.accuracy)
    broken = f'<p class="bad">{clean(problem)}</p>' if problem else ""
    return (
        f'<section class="run" id="r{number}"><h2>{clean(title) or "-"}</h2>'
        f"<p>{_verdict(record)} <strong>{clean(result)}</strong>"
        f"{f', accuracy {clean(accuracy)}' if record.accuracy else ''}</p>"
        f"{_reasons(record)}{broken}"
        f'<div class="plots">{"".join(figures)}</div>{_details(item)}</section>'
    )


def _figure(title: str, picture: str, caption: str) -> str:
    if not picture:
        return ""
    head = f"<h3>{clean(title)}</h3>" if title else ""
    foot = f"<figcaption>{clean(caption)}</figcaption>" if caption else ""
    return f"<figure>{head}{picture}{foot}</figure>"


def _reasons(record: Record) -> str:
    found = words.all_reasons(record)
    if not found or record.valid:
        return ""
    items = "".join(f"<li>{clean(text)}</li>" for text in found)
    return f"<p>Why it does not count:</p><ul>{items}</ul>"


def _details(item: Item) -> str:
    record, pairs = item.record, []
    for name in (
        "time", "round", "division", "category", "submitter", "hw_name", "implementation",
        "backend", "device", "precision", "dataset", "execution_mode", "loadgen", "id",
    ):  # fmt: skip
        pairs.append((name.replace("_", " "), str(getattr(record, name))))
    performance = record.performance
    if performance:
        counts = [f"{performance.samples:,} samples"] if performance.samples is not None else []
        if performance.duration_s is not None:
            counts.append(f"{performance.duration_s:.3f} s")
        if performance.errors is not None:
            counts.append(f"{performance.errors} errors")
        pairs.append(("run", ", ".join(counts)))
    pairs += [
        (str(name), value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in record.settings.items()
        if value is not None
    ]
    if record.power:
        pairs.append(("power", " ".join(str(v) for v in record.power.values())))
    if record.compliance:
        pairs.append(("compliance", json.dumps(record.compliance, ensure_ascii=False)))
    pairs.append(("source", record.source.path or item.folder))
    inner = "".join(
        f"<dt>{clean(name)}</dt><dd>{clean(value)}</dd>" for name, value in pairs if value
    )
    return f"<details><summary>System and settings</summary><dl>{inner}</dl></details>"
