"""Quantiles of the chi-square distribution.

scipy has them too, but would add 100 MB to every service that imports boxkite.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

__all__ = ["quantile"]

_EPSILON = 1e-15
_MAX_TERMS = 10_000


@lru_cache(maxsize=4096)
def quantile(upper_tail: float, degrees: int) -> float:
    """Return the value that a chi-square variable exceeds with probability `upper_tail`.

    The search starts at the approximation of Wilson and Hilferty (1931) and bisects the regularised
    incomplete gamma function until the relative error is below 1e-12.

    Args:
        upper_tail: Probability between 0 and 1, both exclusive. Tiny values keep their precision.
        degrees: Degrees of freedom, at least 1.

    Raises:
        ValueError: If an argument is out of range.
    """
    if not 0.0 < upper_tail < 1.0:
        raise ValueError(f"`upper_tail` must be between 0 and 1, not {upper_tail}")
    if degrees < 1:
        raise ValueError(f"`degrees` must be at least 1, not {degrees}")
    spread = 2.0 / (9.0 * degrees)
    start = degrees * (1.0 - spread - NormalDist().inv_cdf(upper_tail) * math.sqrt(spread)) ** 3
    # The approximation can be negative close to 0, and too low far out in the tail.
    low, high = 0.0, max(start, 1.0)
    while _upper_gamma(degrees / 2, high / 2) > upper_tail:
        low, high = high, 2 * high
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        if _upper_gamma(degrees / 2, middle / 2) > upper_tail:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _upper_gamma(shape: float, x: float) -> float:
    """Return the regularised upper incomplete gamma function Q(shape, x).

    The series (DLMF 8.7) converges fast below the mean. Above it, Q is small: the continued
    fraction (DLMF 8.9) computes Q itself, where 1 - P would lose all digits.
    """
    if x <= 0.0:
        return 1.0
    scale = math.exp(shape * math.log(x) - x - math.lgamma(shape))
    if x < shape + 1.0:
        return 1.0 - scale * _series(shape, x)
    return scale * _continued_fraction(shape, x)


def _series(shape: float, x: float) -> float:
    term = total = 1.0 / shape
    for k in range(1, _MAX_TERMS):
        term *= x / (shape + k)
        total += term
        if term < total * _EPSILON:
            break
    return total


def _continued_fraction(shape: float, x: float) -> float:
    """Evaluate Legendre's continued fraction by Lentz's method, as Thompson and Barnett modify it.

    Their modification replaces a zero denominator by a tiny number, so no step divides by zero.
    """
    tiny = 1e-300
    b = x + 1.0 - shape
    c = 1.0 / tiny
    d = 1.0 / (b or tiny)
    fraction = d
    for k in range(1, _MAX_TERMS):
        a = -k * (k - shape)
        b += 2.0
        d = 1.0 / ((a * d + b) or tiny)
        c = (b + a / c) or tiny
        fraction *= d * c
        if abs(d * c - 1.0) < _EPSILON * 10:
            break
    return fraction
