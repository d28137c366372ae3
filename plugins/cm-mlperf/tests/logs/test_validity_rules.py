"""Verdicts computed from numbers alone, and the statistics behind early stopping."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cm_mlperf import early_stopping, logs, validity


def log(scenario, errors=(), **values):
    base = {"effective_scenario": scenario, "effective_test_mode": "PerformanceOnly"}
    return logs.Detail({**base, **values}, {}, list(errors), [], [], False)


def invalid(scenario, errors=(), **values):
    return validity.judge(log(scenario, errors, result_validity="INVALID", **values))


@settings(deadline=None)  # scipy takes its time to be imported
@given(st.integers(0, 400), st.sampled_from([0.5, 0.9, 0.95, 0.97, 0.99, 0.999]))
def test_passing_queries_is_the_smallest_number_of_the_binomial_test(over, share):
    from scipy.stats import binom

    needed = early_stopping.passing_queries(over, share)
    assert binom.cdf(over, needed + over, 1 - share) <= 0.01
    assert binom.cdf(over, needed - 1 + over, 1 - share) > 0.01


@pytest.mark.parametrize(
    ("over", "share", "needed"), [(1, 0.9, 63), (1, 0.99, 661), (0, 0.99, 459)]
)
def test_the_counts_that_the_rules_name(over, share, needed):
    assert early_stopping.passing_queries(over, share) == needed


@pytest.mark.parametrize(("samples", "margin"), [(660, 1.5), (13200, 1.15)])
def test_offline_asks_for_the_rate_that_was_measured(samples, margin):
    """A rate that was seen for a few seconds only may grow more."""
    verdict = invalid(
        "Offline",
        result_min_duration_met=False,
        effective_min_duration_ms=600000,
        effective_samples_per_query=samples,
        result_samples_per_second=123.4567,
    )
    qps = verdict.settings["target_qps"]
    assert validity.SLACK * qps > 123.4567  # 1.1 x target_qps x min_duration lasts long enough
    assert qps == pytest.approx(123.4567 * margin, rel=1e-3)
    assert "600 s" in verdict.reasons[0].text
    assert f"{samples} samples" in verdict.reasons[0].text


@pytest.mark.parametrize("key", ["result_mean_latency_ns", "result_mean_query_latency_ns"])
def test_streams_ask_for_a_target_below_the_measured_latency(key):
    verdict = invalid(
        "MultiStream" if "query" in key else "SingleStream",
        result_min_duration_met=False,
        effective_min_duration_ms=600000,
        effective_target_qps=2,
        **{key: 3_000_000},
    )
    assert verdict.settings["target_latency"] == pytest.approx(3 / 1.15, rel=1e-3)


def test_late_queries_within_the_share_need_more_queries():
    verdict = invalid(
        "Server",
        early_stopping_met=False,
        effective_target_latency_percentile=0.99,
        result_query_count=500,
        result_overlatency_query_count=2,
    )
    wanted = verdict.settings["min_query_count"]
    over = -(-2 * wanted // 500)
    assert wanted >= early_stopping.passing_queries(int(over), 0.99) + over
    assert wanted < 5000


def test_late_queries_beyond_the_share_need_a_slower_rate():
    verdict = invalid(
        "Server",
        early_stopping_met=False,
        effective_target_latency_percentile=0.99,
        effective_target_qps=1000,
        result_completed_samples_per_sec=500,
        result_query_count=500,
        result_overlatency_query_count=100,
    )
    assert verdict.settings == {"target_qps": 400}


def test_a_bound_below_the_fastest_answer_is_told_as_such():
    verdict = invalid(
        "Server",
        result_perf_constraints_met=False,
        effective_target_latency_percentile=0.99,
        effective_target_latency_ns=1_000_000,
        result_min_latency_ns=2_000_000,
        **{"result_99.00_percentile_latency_ns": 7_300_000},
    )
    assert verdict.settings == {"target_latency": 8}
    assert "no target_qps helps" in verdict.reasons[0].remedy


def test_several_reasons_give_the_stricter_setting():
    reasons = [
        validity.Reason("a", "", "", {"target_qps": 5, "min_query_count": 64}),
        validity.Reason("b", "", "", {"target_qps": 3, "min_query_count": 662}),
    ]
    joined = validity.Verdict(False, "INVALID", 0, reasons).settings
    assert joined == {"target_qps": 3, "min_query_count": 662}


def test_errors_make_a_valid_result_invalid():
    text = "Multiple conf files are used. This is not valid for official submission."
    verdict = validity.judge(log("Offline", [text], result_validity="VALID"))
    assert (verdict.valid, verdict.result, verdict.errors) == (False, "VALID", 1)
    assert "a process of its own" in verdict.reasons[0].remedy
    counted = validity.judge(log("Offline", result_validity="VALID", num_errors=3))
    assert (counted.valid, counted.errors) == (False, 3)


def test_an_invalid_result_always_has_a_reason():
    verdict = invalid("Offline", result_invalid_reason="something new")
    assert not verdict.valid
    assert "something new" in verdict.reasons[0].text


def test_a_log_without_a_result_is_unfinished():
    assert [reason.rule for reason in validity.judge(log("Offline")).reasons] == ["unfinished"]
    assert not validity.judge(logs.parse_detail(b"")).valid


@settings(deadline=None)
@given(st.floats(1e-6, 1e12))
def test_rounding_keeps_its_side(value):
    assert value <= validity._round_up(value) <= value * 1.0011
    assert value * 0.9989 <= validity._round_down(value) <= value
