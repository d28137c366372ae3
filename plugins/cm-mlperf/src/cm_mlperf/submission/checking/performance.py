"""Rules for performance runs: VALID, long enough, large enough, within the latency."""

from __future__ import annotations

from cm_mlperf.rounds.reader import EARLY_STOPPING
from cm_mlperf.submission.checking import loadgen
from cm_mlperf.submission.checking.latency import check_latency
from cm_mlperf.submission.detail import seconds_between
from cm_mlperf.submission.layout import SUMMARY
from cmcore.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from cm_mlperf.submission.checking.scene import Run, Scene
    from cm_mlperf.submission.detail import Detail

#: (scenario of the run, scenario it stands for) that the rules let infer, on edge systems.
_INFERRED = {
    ("SingleStream", "MultiStream"),
    ("SingleStream", "Offline"),
    ("MultiStream", "Offline"),
}
#: Settings that only compliance runs may have.
_AUDIT_SETTINGS = (
    "effective_performance_issue_unique",
    "effective_performance_issue_same",
    "effective_accuracy_log_sampling_target",
    "effective_accuracy_log_probability",
)


def check(scene: Scene, run: Run, *, audit: bool = False) -> None:
    """All rules for one performance run.

    Args:
        scene: the result it belongs to.
        run: the run.
        audit: it is the run of a compliance test.
    """
    if not loadgen.check(scene, run, "PerformanceOnly"):
        return
    log = run.detail
    assert log is not None
    _verdict(scene, run, log)
    _scenario(scene, run, log)
    _length(scene, run, log)
    _counts(scene, run, log)
    check_latency(scene, run, log)
    if not audit:
        for key in _AUDIT_SETTINGS:
            if log.get(key):
                scene.add(
                    "audit-settings",
                    run.file,
                    f"{key} is {log.get(key)}, which only compliance tests may set",
                    "run again without audit.config",
                )
        _result(scene, run, log)
    if scene.place.division == "network":
        name = str(log.get("sut_name", ""))
        if "Network SUT" not in name:
            scene.add("network", run.file, f"the SUT's name '{name}' lacks 'Network SUT'")


def _verdict(scene: Scene, run: Run, log: Detail) -> None:
    told = log.get("result_validity")
    if told != "VALID":
        why = log.get("result_invalid_reason")
        scene.add(
            "result-valid",
            run.file,
            f"LoadGen's verdict is {told or 'missing'}" + (f": {str(why).strip()}" if why else ""),
            "only VALID runs count; run again with the setting that LoadGen recommends",
        )
    summary = run.summary or ""
    if summary.strip() and told and f"Result is : {told}" not in summary:
        scene.add(
            "summary-agrees",
            f"{run.folder}/{SUMMARY}",
            f"does not say 'Result is : {told}' as the detail log does",
            "copy both logs of the same run",
        )


def _scenario(scene: Scene, run: Run, log: Detail) -> None:
    found, wanted = str(log.get("effective_scenario")), scene.place.scenario
    if found == wanted or (found, wanted) == ("Server", "Interactive"):
        return
    edge = "edge" in str(scene.system.get("system_type", ""))
    if (found, wanted) in _INFERRED and edge:
        return
    scene.add(
        "scenario",
        run.file,
        f"is a run of {found} and stands for {wanted}",
        f"put a run of {wanted} there",
    )


def _length(scene: Scene, run: Run, log: Detail) -> None:
    needed = scene.rules.min_duration_ms if scene.rules else 600_000
    asked = log.number("effective_min_duration_ms")
    if asked is None or asked < needed:
        scene.add(
            "min-duration",
            run.file,
            f"min_duration is {asked if asked is None else round(asked)} ms, needs {needed} ms",
            f"set '*.{scene.place.scenario}.min_duration = {needed}' in user.conf, or leave it out",
        )
    seconds = seconds_between(log)
    if seconds is None:
        scene.add("ran-long-enough", run.file, "tells no power_begin and power_end")
    elif seconds * 1000 < needed * 0.999:
        scene.add(
            "ran-long-enough",
            run.file,
            f"ran {seconds:.1f} s of {needed / 1000:.0f} s",
            "run again without max_duration and max_query_count",
        )
    if log.get("result_min_duration_met") is False:
        scene.add("ran-long-enough", run.file, "LoadGen says: minimum duration not met")
    cut, generated = log.number("effective_max_query_count"), log.number("result_query_count")
    if cut and (generated is None or generated >= cut):
        scene.add(
            "query-count-cut",
            run.file,
            f"max_query_count {cut:.0f} ended the run",
            "leave max_query_count out of user.conf",
        )


def _counts(scene: Scene, run: Run, log: Detail) -> None:
    scenario = scene.place.scenario
    if log.get("result_min_queries_met") is False:
        scene.add("min-queries", run.file, "LoadGen says: minimum number of queries not met")
    if scene.rules is None:
        return
    loaded = log.number("effective_performance_sample_count")
    if loaded is None or loaded < scene.rules.performance_sample_count:
        scene.add(
            "performance-samples",
            run.file,
            f"performance_sample_count is {loaded if loaded is None else round(loaded)}, needs"
            f" at least {scene.rules.performance_sample_count}",
            "load more samples; cycle them when the data set is smaller",
        )
    if scenario not in EARLY_STOPPING:
        least, asked = (
            scene.rules.min_queries.get(scenario, 0),
            log.number("effective_min_query_count"),
        )
        if asked is None or asked < least:
            scene.add(
                "min-queries",
                run.file,
                f"min_query_count is {asked if asked is None else round(asked)}, needs {least}",
                f"set '*.{scenario}.min_query_count = {least}'",
            )
    each = log.number("effective_samples_per_query")
    if scenario == "MultiStream" and log.get("effective_scenario") == scenario and each != 8:
        scene.add("samples-per-query", run.file, f"queries of {each} samples, MultiStream needs 8")
    least_samples = scene.rules.offline_min_samples or 0
    offline = scenario == "Offline" and log.get("effective_scenario") == scenario
    if offline and scene.closed and (each is None or each < least_samples):
        scene.add(
            "samples-per-query",
            run.file,
            f"the query had {each if each is None else round(each)} samples, the closed"
            f" division needs {least_samples}",
            f"set '*.Offline.min_query_count = {least_samples}'",
        )


def _result(scene: Scene, run: Run, log: Detail) -> None:
    scenario = str(log.get("effective_scenario"))
    if scene.rules is None or scenario not in scene.round.result_keys:
        return
    key = scene.rules.result_key(scene.round, scenario)
    value = log.number(key)
    if not value or value < 0:
        scene.add("result-number", run.file, f"{key} is {value}", "run again until there is one")
