"""Mean, spread and confidence intervals of a few runs.

Sources: NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.2 (confidence interval of a mean
with Student's t) and 7.3.1 (two means with unequal variances, degrees of freedom after Welch and
Satterthwaite); Abramowitz and Stegun, Handbook of Mathematical Functions, 26.5.8 (continued
fraction of the incomplete beta function) and 26.7.1 (Student's t by it). Written out here because
scipy takes a second to import.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from cmcore.hints import NamedTuple

_TINY = 1e-300


class Summary(NamedTuple):
    """What some runs of one point gave.

    Attributes:
        n: how many.
        mean: arithmetic mean.
        spread: sample standard deviation (divisor n - 1); None for one run.
        low, high: confidence interval of the mean; None for one run.
    """

    n: int
    mean: float
    spread: float | None = None
    low: float | None = None
    high: float | None = None


class Ratio(NamedTuple):
    """How two groups of runs relate.

    Attributes:
        value: geometric mean of the second group over that of the first.
        low, high: confidence interval; None where a group has one run only.
        within_noise: the interval contains 1; None without an interval.
    """

    value: float
    low: float | None = None
    high: float | None = None
    within_noise: bool | None = None


def summary(values: Sequence[float], confidence: float = 0.95) -> Summary:
    """Mean, spread and confidence interval, `mean ± t * s / sqrt(n)`.

    Args:
        values: at least one number.
        confidence: of the interval, between 0 and 1.
    """
    n, mean = len(values), math.fsum(values) / len(values)
    if n < 2:
        return Summary(n, mean)
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    half = t_quantile((1 + confidence) / 2, n - 1) * spread / math.sqrt(n)
    return Summary(n, mean, spread, mean - half, mean + half)


def ratio(first: Sequence[float], second: Sequence[float], confidence: float = 0.95) -> Ratio:
    """The second group over the first, with the interval that Welch's method gives for logarithms.

    On logarithms a ratio is a difference, so the interval of A over B is that of B over A turned
    round, and no limit is ever negative.

    Args:
        first, second: at least one number above 0 each.
        confidence: of the interval, between 0 and 1.
    """
    a, b = ([math.log(value) for value in values] for values in (first, second))
    one, two = summary(a), summary(b)
    value = math.exp(two.mean - one.mean)
    if one.spread is None or two.spread is None:
        return Ratio(value)
    parts = (one.spread**2 / one.n, two.spread**2 / two.n)
    error = sum(parts)
    if error == 0:
        return Ratio(value, value, value, value == 1)
    degrees = error**2 / (parts[0] ** 2 / (one.n - 1) + parts[1] ** 2 / (two.n - 1))
    half = t_quantile((1 + confidence) / 2, degrees) * math.sqrt(error)
    low, high = math.exp(two.mean - one.mean - half), math.exp(two.mean - one.mean + half)
    return Ratio(value, low, high, low <= 1 <= high)


def t_quantile(share: float, degrees: float) -> float:
    """The value that Student's t stays below with probability `share`.

    Args:
        share: between 0 and 1.
        degrees: degrees of freedom, above 0, not necessarily whole.
    """
    if share == 0.5:
        return 0.0
    if share < 0.5:
        return -t_quantile(1 - share, degrees)
    low, high = 0.0, 1.0
    while t_tail(high, degrees) > 1 - share:
        low, high = high, high * 2
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if t_tail(middle, degrees) > 1 - share else (low, middle)
    return (low + high) / 2


def t_tail(value: float, degrees: float) -> float:
    """Probability that Student's t is above `value`, which is not negative."""
    x = degrees / (degrees + value * value)
    return 0.5 * _incomplete_beta(x, degrees / 2, 0.5)


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
        + a * math.log(x) + b * math.log1p(-x)
    )  # fmt: skip
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1 - front * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    """The continued fraction, evaluated from the front (Lentz's method)."""
    c, d = 1.0, 1 / _not_zero(1 - (a + b) * x / (a + 1))
    result = d
    for m in range(1, 500):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _not_zero(1 + term * d)
            c = _not_zero(1 + term / c)
            result *= c * d
        if abs(c * d - 1) < 1e-16:
            break
    return result


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
