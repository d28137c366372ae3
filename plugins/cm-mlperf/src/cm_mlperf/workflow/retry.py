"""What to change when LoadGen says INVALID, and what a run says for the next one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cm_mlperf.workflow.modes import Settings
from cmcore.hints import Any

#: Runs of one point at most: the first, and two with adjusted targets.
TRIES = 3
#: The same with those that ended in less than half of their time: they cost little, and a first
#: target may be a thousandth of what the machine can do.
TRIES_WITH_BRIEF = 8

#: Settings that may be adjusted: key of user.conf -> field. Limits that the request sets, and the
#: latency that a server has to keep, are not ours to move.
_MAY_CHANGE = {
    "target_qps": "target_qps",
    "target_latency": "target_latency_ms",
    "min_query_count": "min_query_count",
}


def adjusted(scenario: str, settings: Settings, performance: Mapping[str, Any]) -> Settings | None:
    """Settings that will rather be VALID.

    Args:
        scenario: the scenario.
        settings: of the run that was INVALID.
        performance: what it measured, in the form of a result; its reasons name the settings that
            would satisfy the rules that failed.

    Returns:
        None when no target can help.
    """
    changes: dict[str, Any] = {}
    for reason in performance.get("reasons") or ():
        for key, value in (reason.get("settings") or {}).items():
            field = _MAY_CHANGE.get(key)
            if field is None or (scenario == "Server" and key == "target_latency"):
                return None
            known = changes.get(field, value)
            changes[field] = max(known, value) if key.startswith("min_") else min(known, value)
    if "min_query_count" in changes:
        changes["min_query_count"] = round(changes["min_query_count"])
    better = settings._replace(**changes)
    return better if better != settings else None


def another(done: Sequence[tuple[Settings, Mapping[str, Any]]]) -> bool:
    """Whether one more run is worth its time.

    Args:
        done: settings and performance of the runs that were INVALID so far.
    """
    long = sum(
        2000 * (found.get("duration_s") or 0) >= (settings.min_duration_ms or 0)
        for settings, found in done
    )
    return long < TRIES and len(done) < TRIES_WITH_BRIEF


def measured_targets(
    scenario: str, settings: Settings, performance: Mapping[str, Any]
) -> dict[str, float]:
    """Targets for the next run of this point, from what a run measured.

    Offline aims above what was seen, so that the run is not too short; the streams below, for the
    same reason; Server at what was shown to hold.
    """
    value = performance.get("value") or 0
    latency = performance.get("latency_ns") or {}
    if scenario == "Offline":
        return {"target_qps": rounded(value * 1.05)} if value else {}
    if scenario == "Server":
        return {"target_qps": rounded(settings.target_qps)} if settings.target_qps else {}
    seen = latency.get("p50") or latency.get("mean")
    return {"target_latency_ms": rounded(seen / 1e6 * 0.8)} if seen else {}


def server_start(mean_latency_ns: float) -> float:
    """A pace that a server surely keeps up with: a third of what one stream of queries gets."""
    return rounded(1e9 / mean_latency_ns / 3)


def rounded(value: float) -> float:
    """Three digits say all that such a measurement knows."""
    return float(f"{value:.3g}")
