"""The pictures of one result, and of several side by side."""

from __future__ import annotations

from collections.abc import Sequence

from cm_mlperf.results import words
from cm_mlperf.results.finding import Item
from cm_mlperf.results.record import LESS_IS_BETTER, Record, stamp_of
from cm_mlperf.results.web import svg
from cm_mlperf.results.web.timing import Timing

_PERCENTILES = ("p50", "p90", "p95", "p97", "p99", "p99.9", "max")
_UNITS = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns"))
_MOST_BARS = 40


def distribution(record: Record, timing: Timing) -> str:
    """Which share of the samples was answered within which time."""
    values = timing.latencies
    if len(values) < 2:
        return ""
    factor, unit = _unit(values[len(values) // 2])
    low, high = min(values) / factor, max(values) / factor
    log = low > 0 and high / low > 30
    plot = svg.Plot(
        (low if log else 0.0, high), (0.0, 100.0), f"latency [{unit}]", "answered [%]", log_x=log
    )
    points = [
        (value / factor, share * 100) for share, value in zip(timing.shares, values, strict=True)
    ]
    plot.line([(points[0][0], 0.0), *points], "line" if timing.exact else "line guessed")
    for name in _PERCENTILES[:-1] if circled(record, timing) else ():
        value = _latency(record, name)
        if value is not None:
            share = float(name[1:])
            plot.dot(value / factor, share, f"{name}: {words.time_text(value)}")
    return plot.text("latency: share of samples answered within a time", stamp_of(record))


def circled(record: Record, timing: Timing) -> bool:
    """Whether the percentiles of the log are of the same thing as the curve.

    Those of MultiStream are of queries; of a long run only some samples of each are known.
    """
    return record.scenario != "MultiStream" or timing.queries or not timing.exact


def percentiles(record: Record) -> str:
    """The percentiles that the log tells, as bars."""
    judged = record.performance.percentile if record.performance else None
    rows = []
    for name in _PERCENTILES:
        value = _latency(record, name)
        if value is not None:
            style = "bar main" if judged is not None and name == f"p{judged:g}" else "bar"
            rows.append((name, value, words.time_text(value), style))
    return svg.bars("latency percentiles", stamp_of(record), rows) if rows else ""


def throughput(record: Record, timing: Timing) -> str:
    """Samples answered per second, over the run."""
    if not timing.rates:
        return ""
    end = timing.starts[-1] + timing.step
    factor, unit = _unit(end * 1e9)
    scale = 1e9 / factor
    points = []
    for start, rate in zip(timing.starts, timing.rates, strict=True):
        points += [(start * scale, rate), ((start + timing.step) * scale, rate)]
    mean = sum(timing.rates) / len(timing.rates)
    high = max(timing.rates) * 1.08
    plot = svg.Plot((0.0, end * scale), (0.0, high), f"time [{unit}]", "samples/s")
    plot.line(points)
    plot.line([(0.0, mean), (end * scale, mean)], "line mean")
    plot.note(end * scale, mean, f"mean {words.number(mean)}", end=True)
    return plot.text("throughput over the run", stamp_of(record))


def accuracy(record: Record) -> str:
    """The accuracy, and the target it has to reach."""
    found = record.accuracy
    if found is None or found.value is None:
        return ""
    value, target, label = found.value, found.target, f"{found.metric or 'accuracy'}"
    unit = f" {found.unit}" if found.unit else ""
    if target is None:
        high = 100.0 if found.unit == "%" and value <= 100 else value
        rows = [(label[:8], value, f"{value:.7g}{unit}", "bar main")]
        if high > value:
            rows.append(("", high, f"{high:g}{unit}", "bar faint"))
        return svg.bars(f"accuracy {value:.7g}{unit}", stamp_of(record), rows)
    # A bar would have to begin at zero, and the distance from the target would not be seen.
    low, high = min(value, target), max(value, target)
    pad = max(high - low, abs(high) * 0.005) * 0.6
    axis = f"{label}{f' [{found.unit}]' if unit else ''}"
    plot = svg.Plot((low - pad, high + pad), (0.0, 1.0), axis, "", height=140)
    plot.line([(target, 0.0), (target, 1.0)], "line target")
    plot.note(target, 1.0, f" target {target:.7g}", dy=12, end=target > value)
    style = "dot good" if found.met else "dot bad"
    plot.line([(target, 0.5), (value, 0.5)], "line faint")
    plot.dot(value, 0.5, f"{value:.7g}{unit}", style)
    plot.note(value, 0.5, f" {value:.7g}{unit}", dy=-10, end=value > target)
    return plot.text(f"accuracy {value:.7g}{unit}, target {target:.7g}{unit}", stamp_of(record))


def overview(items: Sequence[Item]) -> list[tuple[str, str]]:
    """A title and a picture for each model and scenario that several results are of."""
    groups: dict[tuple[str, ...], list[Item]] = {}
    for item in items:
        performance = item.record.performance
        if performance is not None and performance.value is not None:
            key = (item.record.model, item.record.scenario, item.record.execution_mode)
            groups.setdefault((*key, performance.metric, performance.unit), []).append(item)
    found = []
    for (model, scenario, mode, metric, _), members in groups.items():
        if len(members) < 2:
            continue
        members.sort(key=_value, reverse=metric not in LESS_IS_BETTER)
        rows = [_bar(item) for item in members[:_MOST_BARS]]
        better = "less is better" if metric in LESS_IS_BETTER else "more is better"
        title = (
            f"{model} {scenario} ({mode}): {metric.removesuffix('_ns').replace('_', ' ')}, {better}"
        )
        stamps = {stamp_of(item.record) for item in members} - {""}
        if len(members) > _MOST_BARS:
            title += f"; the best {_MOST_BARS} of {len(members)}"
        found.append((title, svg.bars(title, "; ".join(sorted(stamps)), rows, left=170)))
    return found


def _bar(item: Item) -> tuple[str, float, str, str]:
    record = item.record
    name = record.system or record.hw_name or record.id
    text = words.result_text(record.performance)
    style = "bar" if record.valid is not False else "bar failed"
    return (name if len(name) <= 24 else f"…{name[-23:]}", _value(item), text, style)


def _value(item: Item) -> float:
    performance = item.record.performance
    return performance.value if performance and performance.value is not None else 0.0


def _latency(record: Record, name: str) -> float | None:
    return record.performance.latency_ns.get(name) if record.performance else None


def _unit(nanoseconds: float) -> tuple[float, str]:
    return next((unit for unit in _UNITS if nanoseconds >= unit[0]), _UNITS[-1])
