"""Our statistics against scipy's."""

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cm_mlperf.results import statistics

stats = pytest.importorskip("scipy.stats", reason="scipy comes with scikit-learn")

VALUES = st.lists(st.floats(1e-3, 1e9), min_size=2, max_size=12)
SHARE = st.floats(0.5, 0.999)


@settings(deadline=None, max_examples=60)
@given(st.floats(0.75, 0.9999), st.floats(1, 1e5))
def test_quantile_of_students_t(share, degrees):
    assert statistics.t_quantile(share, degrees) == pytest.approx(
        stats.t.ppf(share, degrees), rel=1e-8
    )


@pytest.mark.parametrize(
    ("degrees", "table"), [(1, 12.706), (2, 4.303), (4, 2.776), (9, 2.262), (30, 2.042)]
)
def test_quantile_is_that_of_printed_tables(degrees, table):
    assert statistics.t_quantile(0.975, degrees) == pytest.approx(table, abs=5e-4)
    assert statistics.t_quantile(0.025, degrees) == -statistics.t_quantile(0.975, degrees)


@settings(deadline=None, max_examples=60)
@given(VALUES, SHARE)
def test_summary(values, confidence):
    found = statistics.summary(values, confidence)
    assert found.n == len(values)
    assert found.mean == pytest.approx(sum(values) / len(values))
    spread = math.sqrt(sum((v - found.mean) ** 2 for v in values) / (len(values) - 1))
    assert found.spread == pytest.approx(spread, abs=1e-6)
    assume(found.spread > 1e-6 * found.mean)
    low, high = stats.t.interval(
        confidence, len(values) - 1, loc=found.mean, scale=stats.sem(values)
    )
    near = 1e-9 * (found.mean + found.spread)
    assert found.low == pytest.approx(low, abs=near)
    assert found.high == pytest.approx(high, abs=near)


@settings(deadline=None, max_examples=60)
@given(VALUES, VALUES, SHARE)
def test_ratio(first, second, confidence):
    found = statistics.ratio(first, second, confidence)
    logs = [[math.log(v) for v in values] for values in (first, second)]
    assume(all(max(part) - min(part) > 1e-6 for part in logs))
    test = stats.ttest_ind(logs[1], logs[0], equal_var=False)
    interval = test.confidence_interval(confidence)
    assert math.log(found.low) == pytest.approx(interval.low, rel=1e-6, abs=1e-9)
    assert math.log(found.high) == pytest.approx(interval.high, rel=1e-6, abs=1e-9)
    assert found.value == pytest.approx(stats.gmean(second) / stats.gmean(first))
    assert found.within_noise == (found.low <= 1 <= found.high)
    back = statistics.ratio(second, first, confidence)
    assert back.low == pytest.approx(1 / found.high)
    assert back.within_noise == found.within_noise


def test_one_run_has_no_interval():
    assert statistics.summary([5.0]) == statistics.Summary(1, 5.0)
    found = statistics.ratio([2.0], [3.0, 3.1])
    assert (found.low, found.within_noise) == (None, None)
    assert found.value == pytest.approx(math.sqrt(3 * 3.1) / 2)


def test_equal_runs_have_an_interval_of_no_width():
    assert statistics.ratio([2.0, 2.0], [2.0, 2.0]).within_noise is True
    assert statistics.ratio([2.0, 2.0], [3.0, 3.0]).within_noise is False
    assert statistics.summary([2.0, 2.0, 2.0]).low == 2.0
