"""Settings of each execution mode, the file that LoadGen gets, and what changes after INVALID."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cm_mlperf.workflow import modes, options, retry, userconf
from cm_mlperf.workflow.modes import Rules, Settings

NO_RULES = Rules()


def settings(scenario: str, tuned: dict[str, float] | None = None, **values: Any) -> Settings:
    wishes = options.check(values)
    return modes.performance(wishes, scenario, NO_RULES, 1224, tuned or {})


@pytest.mark.parametrize(
    ("scenario", "queries"),
    [("SingleStream", 100), ("MultiStream", 662), ("Server", 700), ("Offline", 1224)],
)
def test_a_test_run_has_counts_and_no_duration(scenario: str, queries: int) -> None:
    found = settings(scenario)
    assert (found.min_duration_ms, found.min_query_count) == (0, queries)
    assert found.max_query_count is None
    assert settings(scenario, test_query_count=7).min_query_count == 7


@pytest.mark.parametrize("scenario", ["SingleStream", "MultiStream", "Server", "Offline"])
def test_a_fast_run_takes_a_minute(scenario: str) -> None:
    found = settings(scenario, execution_mode="fast")
    assert found.min_duration_ms == 60_000
    assert found.min_query_count


def test_a_fast_run_scales_the_counts_of_the_rules() -> None:
    wishes = options.check({"execution_mode": "fast", "model": "resnet50"})
    found = modes.performance(wishes, "Offline", Rules(offline_samples=24576), 50000, {})
    assert found.min_query_count == 2457


@pytest.mark.parametrize("scenario", ["SingleStream", "MultiStream", "Server", "Offline"])
def test_a_valid_run_leaves_the_rules_to_loadgen(scenario: str) -> None:
    found = settings(scenario, execution_mode="valid")
    assert found.min_duration_ms is None
    assert found.min_query_count is None


def test_what_the_request_says_wins() -> None:
    found = settings(
        "Offline", execution_mode="valid", min_duration=30, max_query_count=9, target_qps=5
    )
    assert (found.min_duration_ms, found.max_query_count) == (30_000, 9)
    assert found.target_qps == 5


def test_measured_targets_are_used_unless_others_are_said() -> None:
    tuned = {"target_qps": 123.0}
    assert settings("Offline", tuned, execution_mode="valid").target_qps == 123.0
    assert settings("Offline", tuned, execution_mode="valid", target_qps=7).target_qps == 7.0


def test_a_server_keeps_the_latency_of_the_rules() -> None:
    wishes = options.check({"execution_mode": "valid"})
    tuned = {"target_latency_ms": 1.0}
    assert (
        modes.performance(wishes, "Server", Rules(latency_ms=15), 9, tuned).target_latency_ms == 15
    )
    assert modes.performance(wishes, "Server", NO_RULES, 9, tuned).target_latency_ms == 200


def test_a_target_is_looked_for_when_nobody_knows_it() -> None:
    for scenario in ("Offline", "Server", "SingleStream", "MultiStream"):
        wishes = options.check({"execution_mode": "valid"})
        assert modes.needs_probe(wishes, scenario, settings(scenario, execution_mode="valid"))
        assert not modes.needs_probe(options.check({}), scenario, settings(scenario))


def test_rules_come_from_the_round() -> None:
    found = modes.rules("r6.1", "resnet50", "resnet50", "Offline")
    assert found.accuracy == pytest.approx(76.46 * 0.99, abs=0.01)
    assert found.samples == 1024
    assert found.offline_samples == 24576
    assert modes.rules("r6.1", "bert", "bert-99.9", "Offline").accuracy != (
        modes.rules("r6.1", "bert", "bert-99", "Offline").accuracy
    )
    assert modes.rules("r6.1", "", "digits", "Offline") == NO_RULES


def test_rounds_before_the_oldest_are_judged_by_it() -> None:
    assert modes.known_round("r4.0") == "v5.1"
    assert modes.known_round("r6.0") == "v6.0"


@given(
    st.builds(
        Settings,
        target_qps=st.one_of(st.none(), st.floats(1e-5, 1e-3), st.floats(1e-3, 1e9)),
        target_latency_ms=st.one_of(st.none(), st.floats(1e-3, 1e6)),
        min_duration_ms=st.one_of(st.none(), st.integers(0, 10**7)),
        min_query_count=st.one_of(st.none(), st.integers(1, 10**9)),
        samples=st.one_of(st.none(), st.integers(1, 10**6)),
    )
)
def test_user_conf_says_what_is_set_and_nothing_else(settings: Settings) -> None:
    text = userconf.text("digits", "Server", settings)
    lines = dict(line.split(" = ") for line in text.splitlines())
    assert len(lines) == sum(value is not None for value in settings)
    for key, value in lines.items():
        assert key.startswith("digits.Server.")
        assert "e" not in value
        float(value)
    if settings.target_qps is not None:
        assert float(lines["digits.Server.target_qps"]) == pytest.approx(
            settings.target_qps, abs=1e-6
        )


def reason(**settings: float) -> dict[str, Any]:
    return {"reasons": [{"rule": "x", "text": "t", "remedy": "r", "settings": settings}]}


def test_a_retry_takes_the_settings_that_would_satisfy_the_rule() -> None:
    had = Settings(target_qps=10, min_query_count=100)
    assert retry.adjusted("Offline", had, reason(target_qps=50.0)) == had._replace(target_qps=50.0)
    more = retry.adjusted("Server", had, reason(min_query_count=900.0))
    assert more == had._replace(min_query_count=900)
    stream = retry.adjusted("SingleStream", had, reason(target_latency=0.5))
    assert stream == had._replace(target_latency_ms=0.5)


def test_a_retry_does_not_move_what_is_not_ours() -> None:
    had = Settings(target_qps=10, max_query_count=5)
    assert retry.adjusted("Offline", had, reason(max_query_count=0.0)) is None
    assert retry.adjusted("Server", had, reason(target_latency=500.0)) is None
    assert retry.adjusted("Offline", had, {"reasons": []}) is None
    assert retry.adjusted("Offline", had, reason(target_qps=10)) is None


@pytest.mark.parametrize(("seconds", "runs"), [(0.4, 8), (0.5, 3), (0, 8)])
def test_runs_that_ended_at_once_are_repeated_more_often(seconds: float, runs: int) -> None:
    done: list[Any] = []
    while not done or retry.another(done):
        done.append((Settings(min_duration_ms=1000), {"duration_s": seconds}))
    assert len(done) == runs


def test_two_reasons_ask_for_the_stricter() -> None:
    found = {"reasons": [*reason(target_qps=5.0)["reasons"], *reason(target_qps=4.0)["reasons"]]}
    better = retry.adjusted("Server", Settings(target_qps=9), found)
    assert better is not None
    assert better.target_qps == 4.0


def test_targets_for_the_next_run() -> None:
    fast = {"value": 1000.0, "latency_ns": {"p50": 2e6}}
    assert retry.measured_targets("Offline", Settings(), fast) == {"target_qps": 1050.0}
    assert retry.measured_targets("SingleStream", Settings(), fast) == {"target_latency_ms": 1.6}
    server = retry.measured_targets("Server", Settings(target_qps=77.0), fast)
    assert server == {"target_qps": 77.0}
    assert retry.measured_targets("Offline", Settings(), {}) == {}
