"""What LoadGen's detail log says, as the performance part of a record."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cm_mlperf import logs, validity
from cm_mlperf.logs import Detail
from cm_mlperf.results.record import Performance, Reason
from cmcore.errors import StorageError
from cmcore.hints import Any
from cmcore.storage import read_bytes

_ENDPOINTS = b":::ENDPTS"
_SCENARIOS = {
    name.lower(): name
    for name in ("Offline", "SingleStream", "MultiStream", "Server", "Interactive")
}
#: Scenario to the key of its result where a round does not say otherwise, metric, unit, percentile.
_RESULTS: dict[str, tuple[tuple[str, ...], str, str, float | None]] = {
    "Offline": (("result_samples_per_second",), "samples_per_second", "samples/s", None),
    "Server": (
        ("result_completed_samples_per_sec", "result_scheduled_samples_per_sec"),
        "queries_per_second", "queries/s", None,
    ),
    "SingleStream": (
        ("early_stopping_latency_ss", "result_90.00_percentile_latency_ns"),
        "latency_ns", "ns", 90.0,
    ),
    "MultiStream": (
        ("early_stopping_latency_ms", "result_99.00_percentile_per_query_latency_ns",
         "result_99.00_percentile_latency_ns"),
        "latency_ns", "ns", 99.0,
    ),
}  # fmt: skip
_PERCENTILE = re.compile(r"result_(\d+\.\d+)_percentile_(?:per_query_)?latency_ns")


def read_detail(path: str) -> Detail:
    """A detail log of LoadGen.

    Raises:
        StorageError: it cannot be read, or is none.
    """
    content = read_bytes(path)
    if content.startswith(_ENDPOINTS):
        raise StorageError("a log of MLPerf Endpoints, not of LoadGen", where=path)
    detail = logs.parse_detail(content)
    if "loadgen_version" not in detail.values:
        raise StorageError("no detail log of LoadGen", where=path)
    return detail


def scenario_of(values: Mapping[str, Any]) -> str:
    """The scenario that ran, in MLPerf's spelling, or ""."""
    return _SCENARIOS.get(str(values.get("effective_scenario", "")).replace("_", "").lower(), "")


def performance_of(detail: Detail, scenario: str = "", key: str = "", run: str = "") -> Performance:
    """What a performance run gave.

    Args:
        detail: its log.
        scenario: under which it is filed, where that is another than it ran as.
        key: of the result, where the round names one; tokens instead of samples, mostly.
        run: folder of the logs, for the record.
    """
    values = detail.values
    verdict = validity.judge(detail)
    ran = scenario_of(values) or scenario
    keys, metric, unit, percentile = _RESULTS.get(
        "Server" if ran == "Interactive" else ran, ((), "", "", None)
    )
    if key and _number(values.get(key)) is not None:
        keys = (key,)
        if "token" in key:
            metric, unit = "tokens_per_second", "tokens/s"
    found = next((values[name] for name in keys if _number(values.get(name)) is not None), None)
    latency = _latencies(values)
    return Performance(
        valid=verdict.valid,
        errors=verdict.errors,
        metric=metric,
        value=_number(found),
        unit=unit,
        percentile=percentile,
        latency_ns=latency,
        samples=_samples(values, ran),
        duration_s=_seconds(values, ran),
        reasons=tuple(Reason(one.rule, one.text, one.remedy) for one in verdict.reasons),
        run=run,
    )


def _latencies(values: Mapping[str, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name in ("mean", "min", "max"):
        for key in (f"result_{name}_latency_ns", f"result_{name}_query_latency_ns"):
            value = _number(values.get(key))
            if value is not None:
                found.setdefault(name, value)
    for key, value in values.items():
        match = _PERCENTILE.fullmatch(key)
        number = _number(value)
        if match and number is not None:
            found.setdefault(f"p{float(match[1]):g}", number)
    return found


def _samples(values: Mapping[str, Any], scenario: str) -> int | None:
    queries = _count(values.get("result_query_count"))
    if queries is None or scenario not in ("Offline", "MultiStream"):
        return queries
    for name in ("generated_samples_per_query", "effective_samples_per_query"):
        each = _count(values.get(name))
        if each:
            return queries * each
    return queries


def _seconds(values: Mapping[str, Any], scenario: str) -> float | None:
    """From the first query to the last answer: what the log tells of it.

    Offline is one query, so its slowest sample is the whole run. Of the others the log tells the
    moments between which power is measured, in milliseconds.
    """
    longest = _number(values.get("result_max_latency_ns"))
    if scenario == "Offline" and longest:
        return longest / 1e9
    from datetime import datetime

    try:
        begin, end = (
            datetime.strptime(str(values[key]), "%m-%d-%Y %H:%M:%S.%f")
            for key in ("power_begin", "power_end")
        )
    except (KeyError, ValueError):
        return None
    return round((end - begin).total_seconds(), 3)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e300:
        return None
    return value


def _count(value: Any) -> int | None:
    number = _number(value)
    return int(number) if number is not None else None
