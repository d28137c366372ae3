"""Each rule of LoadGen broken for real, and the remedy of the verdict applied: VALID."""

import pytest

SCENARIOS = ["Offline", "SingleStream", "MultiStream", "Server"]


def cured(bench, scenario, conf, rule, tries=1, **settings):
    """Run with `conf`, see that `rule` failed, apply the remedies until the result is valid."""
    run = bench.run(scenario, conf=conf, **settings)
    verdict = run.verdict()
    assert run.code == 0
    assert not verdict.valid
    assert rule in [reason.rule for reason in verdict.reasons], verdict
    first = verdict
    for _ in range(tries):
        assert verdict.settings, verdict
        conf = {**conf, **verdict.settings}
        verdict = bench.run(scenario, conf=conf, **settings).verdict()
        if verdict.valid:
            return first
    raise AssertionError((conf, verdict))


def test_offline_too_short(bench):
    conf = {"min_duration": 1000, "target_qps": 10}
    first = cured(bench, "Offline", conf, "min_duration", 3, batch_size=8)
    assert set(first.settings) == {"target_qps"}
    assert first.errors == 0


@pytest.mark.parametrize(("scenario", "count"), [("SingleStream", 64), ("MultiStream", 662)])
def test_streams_too_short(bench, scenario, count):
    """An expected latency far above the real one: LoadGen makes too few queries, and says so."""
    conf = {"min_duration": 1000, "min_query_count": count, "target_latency": 500}
    first = cured(bench, scenario, conf, "min_duration", 3, batch_size=8)
    assert set(first.settings) == {"target_latency"}
    assert first.settings["target_latency"] < 500
    assert [reason.rule for reason in first.reasons] == ["min_duration"]
    assert first.errors == 1  # LoadGen's own error is the same matter, told once


@pytest.mark.parametrize("scenario", ["SingleStream", "MultiStream", "Server"])
def test_cut_by_a_maximum_of_queries(bench, scenario):
    conf = {"min_duration": 0, "min_query_count": 700, "max_query_count": 20}
    conf |= {"target_qps": 2000, "target_latency": 2000} if scenario == "Server" else {}
    first = cured(bench, scenario, conf, "min_queries", batch_size=8)
    assert first.settings == {"max_query_count": 0}
    assert "remove max_query_count = 20" in first.reasons[0].remedy
    assert {reason.rule for reason in first.reasons} == {"min_queries", "early_stopping"}


def test_cut_by_a_maximum_of_time(bench):
    conf = {"min_duration": 3000, "max_duration": 200, "target_latency": 0.01}
    first = cured(bench, "SingleStream", conf, "min_duration")
    assert first.settings == {"max_duration": 0}


@pytest.mark.parametrize(
    ("scenario", "count"), [("SingleStream", 64), ("MultiStream", 662), ("Server", 459)]
)
def test_too_few_queries_to_trust(bench, scenario, count):
    conf = {"min_duration": 0, "min_query_count": 30}
    conf |= {"target_qps": 2000, "target_latency": 5000} if scenario == "Server" else {}
    first = cured(bench, scenario, conf, "early_stopping", batch_size=8)
    assert first.settings == {"min_query_count": count}


def test_server_too_slow(bench):
    """More queries than this machine can answer, all within a moment."""
    conf = {
        "min_duration": 0,
        "min_query_count": 20000,
        "target_qps": 1000000,
        "target_latency": 50,
    }
    first = cured(bench, "Server", conf, "latency", tries=12)
    assert set(first.settings) == {"target_qps"}
    assert first.settings["target_qps"] < 1000000


def test_server_bound_below_the_fastest_answer(bench, digits):
    conf = {"min_duration": 0, "min_query_count": 500, "target_qps": 100, "target_latency": 0}
    verdict = bench.run("Server", conf=conf).verdict()
    assert not verdict.valid
    assert [reason.rule for reason in verdict.reasons] == ["latency", "early_stopping"]


def test_an_invalid_accuracy_run_is_one_that_did_not_end(bench):
    from cm_mlperf import logs, validity

    run = bench.run("SingleStream", "AccuracyOnly", {})
    assert run.verdict() == (True, "", 0, [])
    with open(run.file(logs.DETAIL), "rb") as stream:
        lines = stream.read().splitlines(keepends=True)
    half = logs.parse_detail(b"".join(lines[: len(lines) // 2]))
    verdict = validity.judge(half)
    assert not verdict.valid
    assert [reason.rule for reason in verdict.reasons] == ["unfinished"]
