"""Records as rows: for a terminal, as CSV, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from cm_mlperf.results import words
from cm_mlperf.results.finding import Item
from cm_mlperf.results.record import Record, stamp_of
from cmcore.types import Table

_SHORT = ("Model", "Scenario", "System", "Mode", "Result", "p99", "Accuracy", "Valid")
_TEXTS = (
    "id", "time", "round", "division", "category", "submitter", "system", "hw_name",
    "implementation", "backend", "device", "model", "precision", "dataset", "scenario",
    "execution_mode",
)  # fmt: skip
_PERCENTILES = ("mean", "min", "max", "p50", "p90", "p95", "p97", "p99", "p99.9")
COLUMNS = (
    *_TEXTS, "stamp", "valid", "why_not", "metric", "value", "unit",
    "loadgen_valid", "errors", "samples", "duration_s",
    *(f"latency_{name}_ns" for name in _PERCENTILES),
    "accuracy_metric", "accuracy", "accuracy_unit", "accuracy_target", "accuracy_met",
    "power", "power_unit", "loadgen", "source", "path",
)  # fmt: skip
#: What a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def short_row(record: Record) -> list[str]:
    """The cells that people look at first."""
    return [
        record.model,
        record.scenario,
        record.system or record.hw_name,
        record.execution_mode or "-",
        words.result_text(record.performance),
        words.latency_text(record.performance, "p99"),
        words.accuracy_text(record.accuracy),
        words.verdict(record),
    ]


def table(items: Sequence[Item]) -> Table:
    """The results for a terminal; the submitter only where there are several."""
    rows = [short_row(item.record) for item in items]
    submitters = {item.record.submitter for item in items}
    rounds = {item.record.round for item in items}
    columns = list(_SHORT)
    for name, values in (("submitter", submitters), ("round", rounds)):
        if len(values) > 1:
            columns.insert(2, name.capitalize())
            for row, item in zip(rows, items, strict=True):
                row.insert(2, getattr(item.record, name))
    return Table(columns, rows)


def full_row(item: Item) -> list[object]:
    """All values of a record, unrounded; None where there is none."""
    record = item.record
    performance, accuracy = record.performance, record.accuracy
    latency = performance.latency_ns if performance else {}
    power = record.power or {}
    return [
        *(getattr(record, name) for name in _TEXTS),
        stamp_of(record),
        record.valid,
        "; ".join(words.all_reasons(record)),
        performance.metric if performance else None,
        performance.value if performance else None,
        performance.unit if performance else None,
        performance.valid if performance else None,
        performance.errors if performance else None,
        performance.samples if performance else None,
        performance.duration_s if performance else None,
        *(latency.get(name) for name in _PERCENTILES),
        accuracy.metric if accuracy else None,
        accuracy.value if accuracy else None,
        accuracy.unit if accuracy else None,
        accuracy.target if accuracy else None,
        accuracy.met if accuracy else None,
        power.get("value"),
        power.get("unit"),
        record.loadgen,
        record.source.kind,
        record.source.path or item.folder,
    ]


def csv_text(items: Sequence[Item]) -> str:
    """RFC 4180, one heading line.

    A text that a spreadsheet would run as a formula gets an apostrophe in front, which
    spreadsheets do not show: names come from other people's files.
    """
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for item in items:
        writer.writerow([_cell(value) for value in full_row(item)])
    return out.getvalue()


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = value.replace("\x00", "\N{REPLACEMENT CHARACTER}")
        return f"'{text}" if text.startswith(_FORMULA) else text
    return repr(value) if isinstance(value, float) else value


def markdown(items: Sequence[Item]) -> str:
    """One table, and a line on what is no result."""
    shown = table(items)
    lines = [_line(shown.columns), _line(["---"] * len(shown.columns))]
    lines += [_line([escaped(cell) for cell in row]) for row in shown.rows]
    stamped = sum(bool(stamp_of(item.record)) for item in items)
    if stamped:
        lines += ["", f"**{stamped} of {len(items)} are test or fast runs: not results.**"]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def escaped(text: str) -> str:
    """`text` for a cell of a Markdown table: shown as it is, whatever it holds."""
    from html import escape

    flat = " ".join(text.split())
    marked = "".join(f"\\{char}" if char in "\\`*_[]{}#|~!" else char for char in flat)
    return escape(marked, quote=False)
