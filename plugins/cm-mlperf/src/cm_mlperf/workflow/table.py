"""The summary that ends a measurement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cm_mlperf.workflow import record
from cmcore.hints import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cm_mlperf.workflow.job import Job

_HEADINGS = ("scenario", "performance", "p99 latency", "accuracy", "LoadGen", "counts")


def of(job: Job, results: Sequence[Mapping[str, Any]]) -> str:
    """The table with the sentences that belong to it; ends with a line feed."""
    rows = [_HEADINGS, *(_row(result) for result in results)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_HEADINGS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    told = ["", *lines, ""]
    for result in results:
        if not result["valid"] and not result["stamp"]:
            told.append(f"{result['scenario']} does not count: {'; '.join(result['why_not'])}")
    stamp = results[0]["stamp"]
    if stamp:
        told.append(f"{stamp}; --execution_mode=valid measures by the rules")
    told.append(f"results: {job.root}")
    return "\n".join(told) + "\n"


def _row(result: Mapping[str, Any]) -> tuple[str, ...]:
    performance, accuracy = result["performance"], result["accuracy"]
    verdict = "-"
    if performance:
        verdict = "VALID" if performance["valid"] else "INVALID"
    p99 = ((performance or {}).get("latency_ns") or {}).get("p99")
    counts = "yes" if result["valid"] else f"no ({result['execution_mode']})"
    return (
        result["scenario"],
        record.told_performance(performance) if performance else "-",
        f"{p99 / 1e6:,.3f} ms" if p99 else "-",
        f"{accuracy['value']:.3f} {accuracy.get('unit') or ''}".strip() if accuracy else "-",
        verdict,
        counts if result["stamp"] or result["valid"] else "no",
    )
