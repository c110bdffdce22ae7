"""Quantiles of Fisher's F distribution, computed here because importing scipy costs 100 MB."""

from __future__ import annotations

import math
from functools import lru_cache

__all__ = ["quantile"]

_TINY = 1e-300
_EPSILON = 1e-15
_MAX_TERMS = 10_000
_BISECTIONS = 200


@lru_cache(maxsize=4096)
def quantile(upper_tail: float, numerator: float, denominator: float) -> float:
    """Return the value that an F variable exceeds with probability `upper_tail`.

    The square root of the quantile for one numerator degree of freedom is the two-sided quantile of
    Student's t distribution. The search halves an interval until the relative error is about 1e-12.

    Args:
        upper_tail: A probability between 0 and 1, both excluded.
        numerator: Degrees of freedom of the numerator, more than 0.
        denominator: Degrees of freedom of the denominator, more than 0 and finite. For a million,
            the result is the chi-square quantile divided by the numerator, to about 1e-5.

    Raises:
        ValueError: If an argument is out of range.
    """
    if not 0.0 < upper_tail < 1.0:
        raise ValueError(f"`upper_tail` must lie between 0 and 1, got {upper_tail}")
    if not (0 < numerator < math.inf and 0 < denominator < math.inf):
        raise ValueError(
            f"degrees of freedom must be positive and finite, got {numerator} and {denominator}"
        )
    # The search runs over ln F. The tail of F falls like a power, so the quantile can be huge.
    low, high = -700.0, 700.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if _upper_tail(math.exp(middle), numerator, denominator) > upper_tail:
            low = middle
        else:
            high = middle
        if high - low < 1e-12:
            break
    return math.exp((low + high) / 2)


def _upper_tail(value: float, numerator: float, denominator: float) -> float:
    """Return P(F > value) from the regularised incomplete beta function (DLMF 8.17)."""
    x = denominator / (denominator + numerator * value)
    return _incomplete_beta(x, denominator / 2, numerator / 2)


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """Return I_x(a, b). The continued fraction converges fast only on one side of the mean."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _continued_fraction(x, a, b) / a
    return 1.0 - front * _continued_fraction(1.0 - x, b, a) / b


def _continued_fraction(x: float, a: float, b: float) -> float:
    """Evaluate DLMF 8.17.22 with Lentz's method, as modified by Thompson and Barnett."""
    c = 1.0
    d = 1.0 / (1.0 - (a + b) * x / (a + 1.0) or _TINY)
    fraction = d
    for m in range(1, _MAX_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for numerator in (even, odd):
            d = 1.0 / (1.0 + numerator * d or _TINY)
            c = (1.0 + numerator / c) or _TINY
            fraction *= d * c
        if abs(d * c - 1.0) < _EPSILON * 10:
            break
    return fraction
