"""Sizes and times as people write and read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cm_cache import measures
from cmcore.errors import UsageError

UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 2**10, "Gi": 2**30}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("20G", 20 * 10**9),
        ("1.5GB", 1_500_000_000),
        ("512MiB", 512 * 2**20),
        ("100k", 100_000),
        ("0", 0),
        (7, 7),
        ("3 tb", 3 * 10**12),
        ("0.5KiB", 512),
        ("9b", 9),
    ],
)
def test_sizes(text, count):
    assert measures.parse_size(text) == count


@pytest.mark.parametrize(
    "text",
    ["", "G", "-1G", "1X", "1.G", ".5G", "1e3", "\u0663G", True, None, "1GG", "iB", "9" * 16],
)
def test_what_is_no_size(text):
    with pytest.raises(UsageError, match="20G"):
        measures.parse_size(text)


@given(st.integers(0, 10**6), st.sampled_from(sorted(UNITS)), st.sampled_from(["", "B", "b"]))
def test_every_number_with_every_unit(number, unit, letter):
    assert measures.parse_size(f"{number}{unit}{letter}") == number * UNITS[unit]


@given(st.text(max_size=8) | st.floats() | st.integers())
def test_anything_is_a_size_or_a_usage_error(value):
    try:
        size = measures.parse_size(value)
    except UsageError:
        return
    assert size >= 0


@given(st.integers(0, 10**15))
def test_what_is_shown_is_near_what_is_meant(number):
    shown = measures.parse_size(measures.size_text(number))
    assert abs(shown - number) <= max(0.06 * number, 0)


@pytest.mark.parametrize(
    ("passed", "text"),
    [(-5, "1 min"), (61, "1 min"), (7300, "2 h"), (86400, "1 day"), (1e6, "11 days")],
)
def test_ages(passed, text):
    assert measures.age(1e9, 1e9 + passed) == text
