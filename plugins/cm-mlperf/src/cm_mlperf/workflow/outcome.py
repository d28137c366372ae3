"""What the logs of a run say, in the form of a result."""

from __future__ import annotations

import os

from cmcore.errors import CmError
from cmcore.hints import Any

ACCURACY_TEXT = "accuracy.txt"
ACCURACY_FACTS = "accuracy.json"

#: Scenario -> key of the detail log, metric, unit.
_RESULT = {
    "Offline": ("result_samples_per_second", "samples_per_second", "samples/s"),
    "Server": ("result_completed_samples_per_sec", "queries_per_second", "queries/s"),
    "SingleStream": ("early_stopping_latency_ss", "latency_ns", "ns"),
    "MultiStream": ("early_stopping_latency_ms", "latency_ns", "ns"),
}

#: Percentile of the log's key -> its name in a result.
_PERCENTILES = {
    "50.00": "p50",
    "90.00": "p90",
    "95.00": "p95",
    "97.00": "p97",
    "99.00": "p99",
    "99.90": "p99.9",
}

_EFFECTIVE = {
    "effective_target_qps": "target_qps",
    "effective_min_duration_ms": "min_duration_ms",
    "effective_max_duration_ms": "max_duration_ms",
    "effective_min_query_count": "min_query_count",
    "effective_max_query_count": "max_query_count",
}


def performance(folder: str, scenario: str) -> dict[str, Any]:
    """The performance that a folder of logs tells.

    Raises:
        StorageError: the log cannot be read.
    """
    from cm_mlperf import logs, validity

    detail = logs.read_detail(os.path.join(folder, logs.DETAIL))
    verdict = validity.judge(detail)
    peak = detail.peak()
    key, metric, unit = _RESULT[scenario]
    value = peak if peak is not None else detail.get(key)
    # A query of MultiStream has several samples, and its latency is that of all of them.
    word = "per_query_" if scenario == "MultiStream" else ""
    latency = {
        name: detail.get(f"result_{percentile}_percentile_{word}latency_ns")
        for percentile, name in _PERCENTILES.items()
    }
    for name in ("mean", "min", "max"):
        query = detail.get(f"result_{name}_query_latency_ns") if word else None
        latency[name] = query or detail.get(f"result_{name}_latency_ns")
    share = detail.number("effective_target_latency_percentile")
    facts = _facts(folder)
    return {
        "valid": verdict.valid,
        "errors": verdict.errors,
        "metric": metric,
        "value": value,
        "unit": unit,
        "percentile": None if scenario == "Offline" else round(share * 100, 2) or None,
        "latency_ns": {name: number for name, number in latency.items() if number is not None},
        "samples": facts.get("samples"),
        "duration_s": round((facts.get("span_ns") or 0) / 1e9, 6),
        "reasons": validity.to_list(verdict.reasons),
        "effective": {name: detail.get(key) for key, name in _EFFECTIVE.items()},
    }


def accuracy(folder: str) -> dict[str, Any]:
    """The accuracy that the judging step left in a folder of logs.

    Raises:
        CmError: it left none.
    """
    from cm_mlperf import logs, validity
    from cmcore.storage import read_json

    verdict = validity.judge(logs.read_detail(os.path.join(folder, logs.DETAIL)))
    if not verdict.valid:
        raise CmError(f"the accuracy run is not usable: {'; '.join(validity.explain(verdict))}")
    path = os.path.join(folder, ACCURACY_FACTS)
    if not os.path.isfile(path):
        raise CmError(
            "recipe 'mlperf-accuracy' has judged nothing",
            where=path,
            hint="a recipe that takes its place must write that file",
        )
    facts: Any = read_json(path)
    return {
        "metric": str(facts["metric"]),
        "value": float(facts["value"]),
        "unit": str(facts.get("unit") or ""),
        "samples": facts.get("samples"),
        "good": facts.get("good"),
    }


def _facts(folder: str) -> dict[str, Any]:
    """What the harness noted beside LoadGen's logs."""
    from cmcore.storage import read_json

    path = os.path.join(folder, "harness.json")
    found = read_json(path) if os.path.isfile(path) else {}
    return found if isinstance(found, dict) else {}
