"""The one form of a result: `cm-result.json`, schema `cm-mlperf-result/1`.

A record says what was measured (system, model, scenario, settings), what came out (performance,
accuracy, power) and whether it counts (`valid`, `why_not`). Own runs, submission trees and
published tables all become records, so that everything else knows one form only.
"""

from __future__ import annotations

from collections.abc import Mapping

# Not that of cmcore.hints, which is quick to define but slow to fill: tables of published results
# fill it a quarter of a million times.
from typing import Any, NamedTuple

SCHEMA = "cm-mlperf-result/1"
#: Name of the file, in the folder of one system, model and scenario.
FILE = "cm-result.json"
#: The four of LoadGen, and the one that newer rounds add to `Server`.
SCENARIOS = ("Offline", "SingleStream", "MultiStream", "Server", "Interactive")
MODES = ("test", "fast", "valid")
#: Metrics of which less is better; of all others more is better.
LESS_IS_BETTER = frozenset({"latency_ns"})


class Reason(NamedTuple):
    """A rule that a run does not satisfy.

    Attributes:
        rule: its short name.
        text: what was found, in one sentence.
        remedy: which setting would satisfy it; may be "".
    """

    rule: str
    text: str = ""
    remedy: str = ""


class Performance(NamedTuple):
    """What a performance run gave.

    Attributes:
        valid: LoadGen's verdict; None where a table does not tell it.
        errors: errors that LoadGen counted; None where not told.
        metric: `samples_per_second`, `queries_per_second`, `tokens_per_second`, `latency_ns`, ...
        value: the result; None when the run ended without one.
        unit: of `value`: `samples/s`, `queries/s`, `tokens/s`, `ns`, ...
        percentile: of the latency that is judged, as 90 or 99; None where none is.
        latency_ns: `mean`, `min`, `max`, `p50`, ... `p99.9`, in nanoseconds.
        samples: how many were answered.
        duration_s: seconds from the first query to the last answer.
        reasons: why it is not valid.
        run: folder of the logs, relative to that of the record.
        extra: keys of later versions.
    """

    valid: bool | None = None
    errors: int | None = None
    metric: str = ""
    value: float | None = None
    unit: str = ""
    percentile: float | None = None
    latency_ns: Mapping[str, float] = {}
    samples: int | None = None
    duration_s: float | None = None
    reasons: tuple[Reason, ...] = ()
    run: str = ""
    extra: Mapping[str, Any] = {}


class Accuracy(NamedTuple):
    """What an accuracy run gave.

    Attributes:
        metric: `top1`, `mAP`, `F1`, ...
        value: in `unit`; None when it could not be computed.
        unit: `%`, or "" for metrics without one.
        target: the least that counts, in the same unit; None where there is none.
        met: whether it is reached; None where there is no target.
        samples, good: how many were judged, and how many of them are right where that is a count.
        run: folder of the logs, relative to that of the record.
        extra: keys of later versions.
    """

    metric: str = ""
    value: float | None = None
    unit: str = ""
    target: float | None = None
    met: bool | None = None
    samples: int | None = None
    good: int | None = None
    run: str = ""
    extra: Mapping[str, Any] = {}


class Source(NamedTuple):
    """Where a record comes from: `run`, `tree`, `summary` or `cm-result`, and which file."""

    kind: str = "run"
    path: str = ""


class Record(NamedTuple):
    """One result of one system, model and scenario; the names are those of the file.

    Attributes:
        valid: it counts: a run of mode `valid` that LoadGen calls VALID without errors, with the
            accuracy target met and the rules of the round held. None for published tables, which
            do not carry the logs that would tell.
        why_not: sentences; empty when `valid`.
        stamp: what must be said wherever the result appears, as `test run: not a result`.
        extra: keys of later versions, kept as they are.
    """

    id: str = ""
    time: str = ""
    round: str = ""
    division: str = ""
    category: str = ""
    submitter: str = ""
    system: str = ""
    hw_name: str = ""
    implementation: str = ""
    backend: str = ""
    device: str = ""
    model: str = ""
    precision: str = ""
    dataset: str = ""
    scenario: str = ""
    execution_mode: str = ""
    stamp: str = ""
    loadgen: str = ""
    settings: Mapping[str, Any] = {}
    performance: Performance | None = None
    accuracy: Accuracy | None = None
    power: Mapping[str, Any] | None = None
    compliance: Mapping[str, Any] = {}
    valid: bool | None = False
    why_not: tuple[str, ...] = ()
    source: Source = Source()
    extra: Mapping[str, Any] = {}


def to_dict(record: Record) -> dict[str, Any]:
    """The JSON document of a record, in the order of the form."""
    data: dict[str, Any] = {"schema": SCHEMA, **record._asdict()}
    extra = data.pop("extra")
    for key, part in (("performance", record.performance), ("accuracy", record.accuracy)):
        if part is not None:
            fields: dict[str, Any] = part._asdict()
            more = fields.pop("extra")
            data[key] = {**fields, **more}
    if record.performance is not None:
        data["performance"]["latency_ns"] = dict(record.performance.latency_ns)
        data["performance"]["reasons"] = [r._asdict() for r in record.performance.reasons]
    data["why_not"] = list(record.why_not)
    data["source"] = record.source._asdict()
    return {**data, **extra}


def stamp_of(record: Record) -> str:
    """What must be said beside the result: its own stamp, or the one its mode asks for."""
    if record.stamp or record.execution_mode not in ("test", "fast"):
        return record.stamp
    return f"{record.execution_mode} run: not a result"
