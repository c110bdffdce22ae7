"""The Kolmogorov distribution's quantiles, in closed form."""

from __future__ import annotations

import math

__all__ = ["quantile"]


def quantile(upper_tail: float) -> float:
    """Return what D / sqrt(1/n + 1/m) exceeds with probability `upper_tail` at most.

    D is the greatest distance of the cumulative fractions of two samples of n and m rows. Its
    limiting tail is 2 exp(-2 x^2) - 2 exp(-8 x^2) + ... (Kolmogorov 1933, Smirnov 1939). The terms
    alternate and fall, so the first one, which is solved here, is an upper bound; the second is its
    fourth power over 8: from a tail of 0.01 down the quantile is exact to 1e-6.

    Args:
        upper_tail: between 0 and 1, exclusive.

    Raises:
        ValueError: if it is out of range.
    """
    if not 0.0 < upper_tail < 1.0:
        raise ValueError(f"a probability lies between 0 and 1, not {upper_tail}")
    return math.sqrt(math.log(2.0 / upper_tail) / 2.0)
