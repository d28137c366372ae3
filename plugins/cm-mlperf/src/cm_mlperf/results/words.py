"""Results in words: numbers with units, verdicts with their stamp."""

from __future__ import annotations

from collections.abc import Sequence

from cm_mlperf.results.record import Accuracy, Performance, Record, stamp_of

_TIMES = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns"))
_NONE = "-"


def number(value: float) -> str:
    """Four significant digits, with thousands apart: `12,346`, `1.235`, `0.0001235`."""
    size = abs(value)
    if size >= 9999.5:
        return f"{value:,.0f}"
    for least, digits in ((999.95, 0), (99.995, 1), (9.9995, 2), (0.99995, 3)):
        if size >= least:
            return f"{value:,.{digits}f}"
    return f"{value:.4g}"


def time_text(nanoseconds: float) -> str:
    """A time in the unit that suits its size."""
    for factor, unit in _TIMES:
        if abs(nanoseconds) >= factor * 0.99995:
            return f"{number(nanoseconds / factor)} {unit}"
    return f"{number(nanoseconds)} ns"


def measure(value: float | None, unit: str) -> str:
    """A value with its unit; times in the unit that suits them."""
    if value is None:
        return _NONE
    return time_text(value) if unit == "ns" else f"{number(value)} {unit}".strip()


def measures(values: Sequence[float | None], unit: str) -> list[str]:
    """Values to be read together: all times in the unit of the first, which alone tells it."""
    factor = 1.0
    if unit == "ns" and values[0] is not None:
        factor, unit = next((t for t in _TIMES if abs(values[0]) >= t[0]), _TIMES[-1])
    texts = [_NONE if value is None else number(value / factor) for value in values]
    return [f"{texts[0]} {unit}".strip(), *texts[1:]]


def result_text(performance: Performance | None) -> str:
    """`1,224 samples/s`, or `p90 1.2 ms` where a latency is the result."""
    if performance is None or performance.value is None:
        return _NONE
    text = measure(performance.value, performance.unit)
    if performance.metric == "latency_ns" and performance.percentile is not None:
        return f"p{performance.percentile:g} {text}"
    return text


def latency_text(performance: Performance | None, name: str) -> str:
    """One percentile of the latency, or `-`."""
    value = performance.latency_ns.get(name) if performance else None
    return _NONE if value is None else time_text(value)


def accuracy_text(accuracy: Accuracy | None) -> str:
    """`95.752 %`; with the target where it is missed. All digits, as a target has them."""
    if accuracy is None or accuracy.value is None:
        return _NONE
    text = f"{accuracy.value:.7g} {accuracy.unit}".strip()
    if accuracy.met is False and accuracy.target is not None:
        text += f" (target {accuracy.target:.7g})"
    return text


def verdict(record: Record) -> str:
    """`valid`, the stamp of a run that is none, or why the result does not count.

    A published table tells what a checker accepted, not what LoadGen said: `accepted`.
    """
    stamp = stamp_of(record)
    if stamp:
        first = "" if not _failed(record) else f"; INVALID: {_why(record)}"
        return stamp + first
    if record.valid:
        return "valid"
    if record.valid is None:
        return "accepted"
    return f"INVALID: {_why(record)}"


def _failed(record: Record) -> bool:
    return record.performance is not None and record.performance.valid is False


def _why(record: Record) -> str:
    reasons = [reason.text for reason in record.performance.reasons] if record.performance else []
    texts = reasons or list(record.why_not)
    if not texts:
        return "no reason given"
    return texts[0] + (f" (and {len(texts) - 1} more)" if len(texts) > 1 else "")


def all_reasons(record: Record) -> list[str]:
    """Every reason why a result does not count, with what would help, each once."""
    found = []
    for reason in record.performance.reasons if record.performance else ():
        remedy = f" ({reason.remedy})" if reason.remedy else ""
        found.append(f"{reason.text or reason.rule}{remedy}")
    known = [reason.text for reason in record.performance.reasons] if record.performance else []
    return found + [text for text in record.why_not if text not in known]
