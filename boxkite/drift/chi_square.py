"""The chi-square distribution's quantiles, which scipy would take 100 MB to bring."""

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

    Starts at Wilson and Hilferty's approximation (1931) and halves its way, by the regularised
    incomplete gamma function, to 1e-12 of the value.

    Args:
        upper_tail: between 0 and 1, exclusive; small ones keep their precision.
        degrees: of freedom, 1 or more.

    Raises:
        ValueError: if either is out of range.
    """
    if not 0.0 < upper_tail < 1.0:
        raise ValueError(f"a probability lies between 0 and 1, not {upper_tail}")
    if degrees < 1:
        raise ValueError(f"chi-square has 1 degree of freedom or more, not {degrees}")
    spread = 2.0 / (9.0 * degrees)
    start = degrees * (1.0 - spread - NormalDist().inv_cdf(upper_tail) * math.sqrt(spread)) ** 3
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
    """Return Q(shape, x), by series below the mean and continued fraction above (DLMF 8.7, 8.9)."""
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
    """Evaluate Legendre's continued fraction by Lentz's method as Thompson and Barnett mend it."""
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
