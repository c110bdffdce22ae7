"""Quantiles of the Kolmogorov distribution, in closed form."""

from __future__ import annotations

import math

__all__ = ["quantile"]


def quantile(upper_tail: float) -> float:
    """Return the value that D / sqrt(1/n + 1/m) exceeds with probability at most `upper_tail`.

    D is the greatest distance between the cumulative fractions of two samples of n and m rows. Its
    limiting tail is 2 exp(-2 x^2) - 2 exp(-8 x^2) + ... (Kolmogorov 1933, Smirnov 1939). The terms
    alternate and decrease, so the first one is an upper bound, and this function solves for it. The
    second term is the fourth power of the first over 8. For tails of 0.01 or less, the quantile is
    therefore exact to 1e-6.

    Args:
        upper_tail: Probability between 0 and 1, both exclusive.

    Raises:
        ValueError: If `upper_tail` is out of range.
    """
    if not 0.0 < upper_tail < 1.0:
        raise ValueError(f"`upper_tail` must be between 0 and 1, not {upper_tail}")
    return math.sqrt(math.log(2.0 / upper_tail) / 2.0)
