"""The tests that see every row: Kolmogorov-Smirnov, and chi-square over all categories.

Their statistics are scipy's (`ks_2samp`, `chi2_contingency`), computed from training rows that are
sorted, or counted, once; tests/benchmarks holds that they are equal.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from distributions import Floats
from numpy.typing import NDArray
from scipy.stats import chi2

__all__ = ["chi_square", "kolmogorov_smirnov", "rate_chi_square"]

Ranks: TypeAlias = NDArray[np.intp]


def kolmogorov_smirnov(live: Floats, trained: Floats) -> float:
    """Return the greatest distance of the cumulative fractions of two samples, both ascending.

    It lies at a value of the shorter sample, or right before one: in between its fraction stands
    still and the other's only rises.
    """
    short, long = sorted((live, trained), key=len)
    values, first = np.unique(short, return_index=True)
    before = first / len(short)
    at = np.append(before[1:], 1.0)
    to_left: Ranks = np.asarray(np.searchsorted(long, values, side="left"))
    tied = long[np.minimum(to_left, len(long) - 1)] == values
    to_right: Ranks = to_left.copy()
    to_right[tied] = np.searchsorted(long, values[tied], side="right")
    above = to_left / len(long) - before
    below = at - to_right / len(long)
    return max(float(above.max()), float(below.max()))


def chi_square(live: NDArray[np.int64], trained: NDArray[np.int64]) -> float:
    """Return minus the logarithm of the p-value of Pearson's chi-square of two samples."""
    seen = live + trained > 0
    a, b = live[seen].astype(np.float64), trained[seen].astype(np.float64)
    m, n = a.sum(), b.sum()
    statistic = float((((a * n - b * m) ** 2) / (a + b)).sum() / (n * m))
    return -float(chi2.logsf(statistic, max(len(a) - 1, 1)))


def rate_chi_square(live: float, live_rows: float, trained: float, trained_rows: float) -> float:
    """Return Pearson's chi-square of two rates; 0 where neither side has any."""
    both, rows = live + trained, live_rows + trained_rows
    if both in (0, rows):
        return 0.0
    expected = both * live_rows / rows
    return (live - expected) ** 2 / (
        expected * (trained_rows / rows) * (1 - both / rows) or math.inf
    )
