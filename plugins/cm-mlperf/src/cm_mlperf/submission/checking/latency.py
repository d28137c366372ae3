"""Rules about latencies: early stopping, percentiles, the round's limits, tokens."""

from __future__ import annotations

from cm_mlperf.rounds.reader import EARLY_STOPPING
from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from cm_mlperf.submission.checking.scene import Run, Scene
    from cm_mlperf.submission.detail import Detail

#: The percentile that the result or the limit is about.
_PERCENTILES = {"SingleStream": 0.9, "MultiStream": 0.99, "Server": 0.99, "Interactive": 0.99}


def check_latency(scene: Scene, run: Run, log: Detail) -> None:
    """All rules about the latencies of one performance run."""
    scenario = str(log.get("effective_scenario"))
    if scenario in EARLY_STOPPING and log.get("early_stopping_met") is not True:
        why = str(log.get("early_stopping_result", "")).strip()
        scene.add(
            "early-stopping",
            run.file,
            "early stopping was not satisfied" + (f": {why}" if why else ""),
            "run longer, or with a target that the system reaches",
        )
    wanted, found = _PERCENTILES.get(scenario), log.number("effective_target_latency_percentile")
    # LLM scenarios judge tokens; their percentile stands in the same key.
    if wanted and (found is None or abs(found - wanted) > 1e-6):
        scene.add(
            "latency-percentile",
            run.file,
            f"target_latency_percentile is {found}, {scenario} needs {wanted}",
            "leave target_latency_percentile out of user.conf",
        )
    if scene.rules is None:
        return
    _limit(scene, run, log, scenario)
    if scene.rules.token_latency_ns is not None:
        _tokens(scene, run, log, scenario)


def _limit(scene: Scene, run: Run, log: Detail, scenario: str) -> None:
    assert scene.rules is not None
    limits = scene.rules.latency_ns
    limit = limits.get(scene.place.scenario) or limits.get(scenario)
    if not limit or scenario not in ("Server", "Interactive"):
        return
    target = log.number("effective_target_latency_ns")
    if target is None or target > limit:
        scene.add(
            "target-latency",
            run.file,
            f"target_latency is {_ms(target)}, the round allows {_ms(limit)}",
            f"set '*.{scenario}.target_latency = {limit / 1e6:g}' or leave it out",
        )
    if scene.rules.token_latency_ns is not None:
        return
    measured = log.number("result_99.00_percentile_latency_ns")
    if measured is None or measured > limit:
        scene.add(
            "latency-limit",
            run.file,
            f"99 % of the answers took up to {_ms(measured)}, the round allows {_ms(limit)}",
            "run again with a lower target_qps",
        )


def _tokens(scene: Scene, run: Run, log: Detail, scenario: str) -> None:
    assert scene.rules is not None
    assert scene.rules.token_latency_ns is not None
    if not log.get("requested_use_token_latencies"):
        scene.add(
            "token-latency",
            run.file,
            "token latencies were not recorded",
            f"set '{scene.rules.name}.*.use_token_latencies = 1' in user.conf",
        )
        return
    if scenario not in ("Server", "Interactive"):
        return
    limits = scene.rules.token_latency_ns.get(scene.place.scenario)
    if limits is None:
        scene.add("token-latency", run.file, f"there are no limits for {scene.place.scenario}")
        return
    keys = {
        "ttft": "result_first_token_99.00_percentile_latency_ns",
        "tpot": "result_time_per_output_token_99.00_percentile_ns",
    }
    for name, key in keys.items():
        value = log.number(key)
        if value is None or value >= limits[name]:
            scene.add(
                "token-latency",
                run.file,
                f"{name} is {_ms(value)} at the 99th percentile, must be below {_ms(limits[name])}",
                "run again with a lower target_qps",
            )


def _ms(nanoseconds: float | None) -> str:
    return "not told" if nanoseconds is None else f"{nanoseconds / 1e6:g} ms"
