"""One row of a published table as a record.

The columns are those that the official submission checker writes into `summary.csv`, and that the
published results repositories repeat in their `cm-result.json`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from cm_mlperf.results.importing.harvest import identity
from cm_mlperf.results.importing.targets import judged
from cm_mlperf.results.record import SCENARIOS, Accuracy, Performance, Record, Source
from cmcore.hints import Any

#: Unit of a table to metric, unit and factor here.
UNITS = {
    "samples/s": ("samples_per_second", "samples/s", 1.0),
    "queries/s": ("queries_per_second", "queries/s", 1.0),
    "tokens/s": ("tokens_per_second", "tokens/s", 1.0),
    "tasks/s": ("tasks_per_second", "tasks/s", 1.0),
    "streams": ("streams", "streams", 1.0),
    "latency (s)": ("latency_ns", "ns", 1e9),
    "latency (ms)": ("latency_ns", "ns", 1e6),
    "latency (us)": ("latency_ns", "ns", 1e3),
    "latency (ns)": ("latency_ns", "ns", 1.0),
}
POWER_UNITS = {"watts": "W", "millijoules": "mJ"}
#: The percentile that is the result where a latency is, by scenario (rules of MLPerf inference).
PERCENTILES = {"SingleStream": 90.0, "MultiStream": 99.0}
_DIVISIONS = ("open", "closed", "network")
_SCENARIOS = {name.lower(): name for name in SCENARIOS}
#: Columns that became fields of the record, or say the same as others.
_TAKEN = frozenset(
    {
        "Accuracy", "Accuracy_div_100", "Division", "Location", "MlperfModel", "Organization",
        "Platform", "Result", "Result_Power", "Result_Power_Units", "Result_Units", "Scenario",
        "SystemName", "SystemType", "Units", "errors", "framework", "version",
        "weight_data_types", "total_accelerators", "Inference_per_Joule",
    }
)  # fmt: skip
_EMPTY = ("", None, "N/A", "None")
_PAIR = re.compile(r"([A-Za-z][\w.@-]*)\s*:\s*([^\s:]+)")


def record_of(row: Mapping[str, Any], kind: str, path: str) -> Record:
    """The record that a row tells; with power instead of performance for a row of power.

    Args:
        row: value by column.
        kind: for `source`: `summary` or `cm-result`.
        path: file of the row, for `source`.

    Raises:
        ValueError: the row is no result; the message says what is wrong with it.
    """
    model = _needed(row, "MlperfModel") if row.get("MlperfModel") else _needed(row, "Model")
    scenario = _one_of(row, "Scenario", _SCENARIOS)
    division = _one_of(row, "Division", {name: name for name in _DIVISIONS})
    version = _round(row)
    errors = _count(row.get("errors"), "errors") or 0
    power, performance = _measured(row, scenario, errors)
    place = location(
        _text(row, "Location"), division, _text(row, "Organization"), _text(row, "Platform"),
        _text(row, "Model") or model, scenario,
    )  # fmt: skip
    accelerated = row.get("accelerators_per_node") not in (*_EMPTY, 0, "0")
    return Record(
        id=identity(version, place),
        round=version,
        division=division,
        category=_category(_text(row, "SystemType")),
        submitter=_needed(row, "Organization"),
        system=_text(row, "Platform"),
        hw_name=_text(row, "SystemName"),
        backend=_text(row, "framework"),
        device=(_text(row, "accelerator_model_name") or "accelerator") if accelerated else "cpu",
        model=model,
        precision=_text(row, "weight_data_types"),
        scenario=scenario,
        execution_mode="valid",
        performance=performance,
        accuracy=judged(accuracy_of(row.get("Accuracy")), version, model, scenario, division),
        power=power,
        valid=False if errors else None,
        why_not=(f"the checker counted {errors} errors",) if errors else (),
        source=Source(kind, path),
        extra={"published": _rest(row, place)},
    )


def location(
    told: str, division: str, submitter: str, system: str, model: str, scenario: str
) -> str:
    """Where a result stands in its submission; tables add the folder of the run or not."""
    parts = [part for part in told.replace("\\", "/").split("/") if part not in ("", ".")]
    while parts and (parts[-1] == "performance" or parts[-1].startswith("run_")):
        parts.pop()
    if len(parts) < 5:
        parts = [division, submitter, "results", system, model, scenario]
    return "/".join(parts)


def accuracy_of(value: Any) -> Accuracy | None:
    """The accuracy of a table: a number, or `ROUGE1: 44.5  ROUGE2: 22.1` of the newer checker.

    Raises:
        ValueError: it is neither.
    """
    if value in _EMPTY:
        return None
    if not isinstance(value, str):
        return Accuracy(value=_number(value, "Accuracy"))
    pairs = {name: number for name, number in _PAIR.findall(value) if number != "null"}
    if not pairs:
        if ":" in value and "null" in value:
            return None
        return Accuracy(value=_number(value, "Accuracy"))
    values = {name: _number(number, "Accuracy") for name, number in pairs.items()}
    return accuracy_from(values)


def accuracy_from(values: Mapping[str, float]) -> Accuracy:
    """The first of the metrics a model is judged by, and the others beside it."""
    metric, value = next(iter(values.items()))
    extra = {"all": dict(values)} if len(values) > 1 else {}
    unit = "%" if metric in ("acc", "mAP", "F1", "ACCURACY") else ""
    return Accuracy(metric=metric, value=value, unit=unit, extra=extra)


def _measured(
    row: Mapping[str, Any], scenario: str, errors: int
) -> tuple[dict[str, Any] | None, Performance | None]:
    unit = _needed(row, "Units")
    power_unit = POWER_UNITS.get(unit.lower())
    if power_unit:
        value = row.get("Result_Power")
        value = row.get("Result") if value in _EMPTY else value
        return {"value": _number(value, "Result"), "unit": power_unit}, None
    if unit.lower() not in UNITS:
        raise ValueError(f"Units {unit!r} are not known")
    metric, name, factor = UNITS[unit.lower()]
    value = _number(row.get("Result"), "Result")
    performance = Performance(
        errors=errors,
        metric=metric,
        value=value if factor == 1 else round(value * factor, 3),
        unit=name,
        percentile=PERCENTILES.get(scenario) if metric == "latency_ns" else None,
    )
    power = None
    beside = POWER_UNITS.get(_text(row, "Result_Power_Units").lower())
    if beside and row.get("Result_Power") not in _EMPTY:
        power = {"value": _number(row["Result_Power"], "Result_Power"), "unit": beside}
    return power, performance


def _rest(row: Mapping[str, Any], place: str) -> dict[str, Any]:
    kept = {
        name: value
        for name, value in row.items()
        if isinstance(name, str) and name not in _TAKEN and name[:1] != "_" and value not in _EMPTY
    }
    return {"Location": place, **kept}


def _round(row: Mapping[str, Any]) -> str:
    version = _needed(row, "version").lower()
    if not re.fullmatch(r"v?\d+\.\d+(-dev)?", version):
        raise ValueError(f"version {version!r} is no round, as v5.1")
    return version if version.startswith("v") else f"v{version}"


def _category(text: str) -> str:
    return ",".join(sorted({part.strip().lower() for part in text.split(",") if part.strip()}))


def _one_of(row: Mapping[str, Any], key: str, known: Mapping[str, str]) -> str:
    word = _needed(row, key)
    if word.lower() not in known:
        raise ValueError(f"{key} {word!r} is none of {', '.join(known.values())}")
    return known[word.lower()]


def _needed(row: Mapping[str, Any], key: str) -> str:
    text = _text(row, key)
    if not text:
        raise ValueError(f"no {key}")
    return text


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    return "" if value in _EMPTY else str(value).strip()


def _number(value: Any, key: str) -> float:
    try:
        if isinstance(value, bool):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{key} {str(value)[:40]!r} is no number") from None
    if not abs(number) < 1e300:
        raise ValueError(f"{key} {str(value)[:40]!r} is no finite number")
    return number


def _count(value: Any, key: str) -> int | None:
    if value in _EMPTY:
        return None
    number = _number(value, key)
    if not number.is_integer():
        raise ValueError(f"{key} {value!r} is no whole number")
    return int(number)
