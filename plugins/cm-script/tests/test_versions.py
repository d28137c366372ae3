"""Versions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cm_script import versions
from cm_script.dialects import CM, MLC

_VERSIONS = st.one_of(
    st.lists(st.integers(0, 99), min_size=1, max_size=4).map(lambda p: ".".join(map(str, p))),
    st.text("0123456789.abrc-v", max_size=8),
    st.floats(0, 100).map(lambda f: round(f, 2)),
)
both = pytest.mark.parametrize("dialect", [CM, MLC], ids=lambda d: d.name)


@both
@pytest.mark.parametrize(
    ("older", "newer"),
    [("3.9", "3.10"), ("3.9", "3.9.1"), ("1", "2"), (3.9, "3.11"), ("1.x", "2"), ("", "0.1")],
)
def test_order(dialect, older, newer):
    assert versions.compare(older, newer, dialect) == -1
    assert versions.compare(newer, older, dialect) == 1


@both
def test_missing_parts_are_zero(dialect):
    assert versions.compare("3.9.0", "3.9", dialect) == 0


def test_what_follows_the_digits_counts_in_cm():
    assert versions.compare("3.9rc1", "3.9", CM) == -1
    assert versions.compare("3.9rc2", "3.9rc10", CM) == -1
    assert versions.compare("1.0p1", "1.0", CM) == 1
    assert versions.compare("3.9rc1", "3.9", MLC) == 0


@both
@given(a=_VERSIONS, b=_VERSIONS, c=_VERSIONS)
def test_a_total_order_that_never_fails(dialect, a, b, c):
    assert versions.compare(a, a, dialect) == 0
    assert versions.compare(a, b, dialect) == -versions.compare(b, a, dialect)
    if versions.compare(a, b, dialect) <= 0 and versions.compare(b, c, dialect) <= 0:
        assert versions.compare(a, c, dialect) <= 0


@both
def test_request_sources(dialect):
    env = {dialect.key("VERSION"): "2", dialect.key("VERSION_MIN"): 1.5}
    asked = versions.requested({"version": 3.1}, env, {"version": "9", "version_max": "8"}, dialect)
    assert asked == {"version": "3.1", "version_min": "1.5", "version_max": "8"}
    assert versions.requested({"version": True}, {}, {}, dialect) == {}


@both
def test_limits(dialect):
    limits = {"version_min": "2", "version_max": "3"}
    assert versions.fits("2.5", limits, dialect)
    assert not versions.fits("1.9", limits, dialect)
    assert not versions.fits("3.0.1", limits, dialect)
    assert versions.fits("", limits, dialect)


def test_an_exact_request():
    assert versions.fits("3.9.1", {"version": "3.9"}, MLC)
    assert not versions.fits("3.10", {"version": "3.9"}, MLC)
    assert not versions.fits("3.9.1", {"version": "3.9"}, CM)
    assert versions.fits("3.9", {"version": "3.9"}, CM)


@both
def test_the_default_moves_inside_the_limits(dialect):
    assert versions.clamped("5", {}, dialect) == "5"
    assert versions.clamped("5", {"version_min": "6"}, dialect) == "6"
    assert versions.clamped("5", {"version_max": "4"}, dialect) == "4"
    assert (
        versions.clamped("5", {"version_max": "4", "version_max_usable": "3.9"}, dialect) == "3.9"
    )


@both
@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_the_clamped_default_fits(dialect, default, low, high):
    request = {"version_min": str(min(low, high)), "version_max": str(max(low, high))}
    assert versions.fits(versions.clamped(str(default), request, dialect), request, dialect)


@both
@pytest.mark.parametrize(
    ("exact", "low", "high", "expected"),
    [
        ("1", "0", "2", "==1"),
        ("", "0", "2", ">=0,<=2"),
        ("", "0", "", ">=0"),
        ("", "", "2", "<=2"),
        ("", "", "", ""),
    ],
)
def test_pip_notation(dialect, exact, low, high, expected):
    names = (("VERSION", exact), ("VERSION_MIN", low), ("VERSION_MAX", high))
    env = {dialect.key(name): value for name, value in names if value}
    assert versions.pip_requirement(env, dialect) == expected


def test_cache_tags():
    assert versions.cache_tags("1.2-git-abc", CM) == ["version-1.2-git-abc"]
    assert versions.cache_tags("1.2-git-abc", MLC) == ["version-1.2-git-abc", "version-1.2"]
    assert versions.cache_tags("", MLC) == []
