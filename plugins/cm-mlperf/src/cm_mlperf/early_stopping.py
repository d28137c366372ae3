"""The statistics of LoadGen's early stopping: how many queries make a percentile believable."""

from __future__ import annotations


def passing_queries(over: int, percentile: float, confidence: float = 0.99) -> int:
    """Queries that must be in time, beside `over` late ones, to trust the percentile.

    The smallest h for which at most `over` late queries among h + `over` would be seen with a
    probability of at most 1 - `confidence`, if one query in 1 / (1 - `percentile`) were late. This
    is the test of LoadGen's early stopping, with tolerance 0.
    """
    low, high = 0, 1
    while _tail(high, over, percentile) > 1 - confidence:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if _tail(middle, over, percentile) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def _tail(passed: int, over: int, percentile: float) -> float:
    """P(at most `over` late of `passed` + `over`), each late with probability 1 - percentile."""
    from math import exp, lgamma, log

    total, late = passed + over, 1 - percentile
    if over >= total * late:
        return 1.0  # not even unlikely; the terms below would all be too small for a float
    # From the largest term down, where the terms shrink: no sum of many tiny numbers.
    first = lgamma(total + 1) - lgamma(over + 1) - lgamma(passed + 1)
    term = exp(first + over * log(late) + passed * log(percentile))
    sum_, count = term, over
    while count > 0 and term > sum_ * 1e-15:
        term *= count * percentile / ((total - count + 1) * late)
        sum_ += term
        count -= 1
    return sum_
