"""Runs that may be compared: sorted by what was measured, never mixing what is not alike."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from cm_mlperf.results import statistics
from cm_mlperf.results.record import LESS_IS_BETTER, Record, stamp_of
from cm_mlperf.results.statistics import Ratio, Summary
from cmcore.hints import Any, NamedTuple

#: Settings that are chosen anew from what the last run measured, and what LoadGen derives of them.
_TUNED = frozenset(
    {
        "target_qps", "target_latency", "target_latency_ms", "target_latency_ns",
        "target_duration_ms", "offline_expected_qps", "server_target_qps",
        "min_sample_count", "samples_per_query", "max_async_queries",
    }
)  # fmt: skip


class Point(NamedTuple):
    """What was measured: results of different points are never set side by side.

    Attributes:
        measure: `result`, or `p99 latency` beside it.
        metric, unit: of the values.
        stamp: what must be said of all of them.
    """

    model: str
    scenario: str
    dataset: str
    execution_mode: str
    measure: str
    metric: str
    unit: str
    stamp: str = ""

    @property
    def less_is_better(self) -> bool:
        return self.metric in LESS_IS_BETTER


class Runs(NamedTuple):
    """Runs of one point by one system with the same settings, in one group.

    Attributes:
        group: the group's name: what was given on the command line.
        system, backend, device, precision, settings: what all of them share.
        values: one per run, above 0.
        ids: of the records.
        targets: the targets LoadGen was given, where they differ.
    """

    group: str
    system: str
    backend: str
    device: str
    precision: str
    settings: str
    values: tuple[float, ...]
    ids: tuple[str, ...]
    targets: tuple[Any, ...] = ()


class Line(NamedTuple):
    """Runs with their numbers, and how they relate to the first runs of the point."""

    runs: Runs
    summary: Summary
    ratio: Ratio | None
    word: str


def sorted_in(
    groups: Sequence[tuple[str, Iterable[Record]]],
) -> dict[Point, list[Runs]]:
    """Points, and for each the runs of every group in the order of the groups."""
    found: dict[Point, dict[tuple[str, ...], list[tuple[Record, float]]]] = {}
    for group, records in groups:
        for record in records:
            for point, value in _measures(record):
                settings = _settings(record)
                key = (group, record.system or record.hw_name, record.backend, record.device,
                       record.precision, settings)  # fmt: skip
                found.setdefault(point, {}).setdefault(key, []).append((record, value))
    return {
        point: [_runs(key, members) for key, members in variants.items()]
        for point, variants in sorted(found.items(), key=_order)
    }


def lines(point: Point, runs: Sequence[Runs], confidence: float) -> list[Line]:
    """The numbers of each, and its ratio to the first."""
    found = []
    for number, one in enumerate(runs):
        summary = statistics.summary(one.values, confidence)
        if number == 0:
            found.append(Line(one, summary, None, ""))
            continue
        ratio = statistics.ratio(runs[0].values, one.values, confidence)
        found.append(Line(one, summary, ratio, _word(point, ratio)))
    return found


def _order(entry: tuple[Point, object]) -> tuple[str, ...]:
    point = entry[0]
    return (*point[:4], "" if point.measure == "result" else point.measure, *point[5:])


def differing(runs: Sequence[Runs]) -> dict[str, list[str]]:
    """The fields in which runs of one point differ, besides the group, and what each of them has.

    Of the settings only those are told that are not the same everywhere.
    """
    found = {}
    for name in ("system", "backend", "device", "precision"):
        values = [str(getattr(one, name)) for one in runs]
        if len(set(values)) > 1:
            found[name] = values
    settings = [json.loads(one.settings) for one in runs]
    keys = sorted({key for one in settings for key in one})
    varied = [k for k in keys if len({json.dumps(one.get(k)) for one in settings}) > 1]
    if varied:
        found["settings"] = [", ".join(f"{k}={one.get(k)}" for k in varied) for one in settings]
    return found


def _word(point: Point, ratio: Ratio) -> str:
    if ratio.within_noise is None:
        return "noise unknown: one run"
    if ratio.within_noise:
        return "the same" if ratio.low == ratio.high else "within noise"
    better = (ratio.value < 1) == point.less_is_better
    return "better" if better else "worse"


def _measures(record: Record) -> Iterable[tuple[Point, float]]:
    performance = record.performance
    if performance is None or performance.value is None or performance.value <= 0:
        return
    base = (record.model, record.scenario, record.dataset, record.execution_mode)
    stamp = stamp_of(record)
    metric, unit = performance.metric, performance.unit
    yield Point(*base, "result", metric, unit, stamp), performance.value
    p99 = performance.latency_ns.get("p99")
    judged = metric == "latency_ns" and performance.percentile == 99
    # In Offline everything is asked at once: the latency only says how long the run was.
    if p99 is not None and p99 > 0 and not judged and record.scenario != "Offline":
        yield Point(*base, "p99 latency", "latency_ns", "ns", stamp), p99


def _settings(record: Record) -> str:
    kept = {key: value for key, value in record.settings.items() if key not in _TUNED}
    return json.dumps(kept, sort_keys=True, ensure_ascii=False)


def _runs(key: tuple[str, ...], members: Sequence[tuple[Record, float]]) -> Runs:
    group, system, backend, device, precision, settings = key
    targets = {json.dumps(_target(record)): _target(record) for record, _ in members}
    return Runs(
        group,
        system,
        backend,
        device,
        precision,
        settings,
        tuple(value for _, value in members),
        tuple(record.id for record, _ in members),
        tuple(targets.values()) if len(targets) > 1 else (),
    )


def _target(record: Record) -> Any:
    """What LoadGen was asked to reach, which in Server decides what comes out."""
    name = "target_qps" if record.scenario == "Server" else ""
    return record.settings.get(name)
