"""Distances between live counts and training counts of the same cells: PSI, KL, JS and K-S.

With B cells, live counts a (sum m) and training counts b (sum n), the smoothed fractions are
p = (a + 1/2) / (m + B/2) and q = (b + 1/2) / (n + B/2). The half count per cell is Jeffreys's
prior. Thanks to it, a cell that is empty on one side neither makes the distance infinite nor drops
out.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "jensen_shannon",
    "kolmogorov_smirnov",
    "kullback_leibler",
    "population_stability_index",
    "smoothed",
]

Counts: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]


def smoothed(counts: Counts) -> Floats:
    """Return the fraction of each cell after adding half a count to it; the fractions sum to 1."""
    total = float(counts.sum())
    return (counts.astype(np.float64) + 0.5) / (total + len(counts) / 2)


def population_stability_index(live: Counts, baseline: Counts) -> float:
    """Return PSI = sum (p - q) ln(p / q) in nats, which is 0 for equal fractions.

    PSI is Jeffreys's divergence KL(p, q) + KL(q, p).

    Args:
        live: Live rows in each cell.
        baseline: Training rows in each cell.
    """
    p, q = smoothed(live), smoothed(baseline)
    return float(np.sum((p - q) * np.log(p / q)))


def kullback_leibler(live: Counts, baseline: Counts) -> float:
    """Return KL(p, q) = sum p ln(p / q) in nats (Kullback and Leibler 1951).

    Args:
        live: Live rows in each cell.
        baseline: Training rows in each cell.
    """
    p, q = smoothed(live), smoothed(baseline)
    return float(np.sum(p * np.log(p / q)))


def jensen_shannon(live: Counts, baseline: Counts) -> float:
    """Return the Jensen-Shannon distance, from 0 to sqrt(ln 2) = 0.8326.

    It is the square root of the mean KL divergence, in nats, of p and q from (p + q) / 2 (Lin 1991;
    the root is a metric, Endres and Schindelin 2003).

    Args:
        live: Live rows in each cell.
        baseline: Training rows in each cell.
    """
    p, q = smoothed(live), smoothed(baseline)
    middle = (p + q) / 2
    divergence = float(np.sum(p * np.log(p / middle)) + np.sum(q * np.log(q / middle))) / 2
    # Rounding can leave a tiny negative number for equal fractions.
    return math.sqrt(max(divergence, 0.0))


def kolmogorov_smirnov(live: Counts, baseline: Counts) -> float:
    """Return the greatest difference between the cumulative fractions at the upper edges.

    The fractions are the raw ones, without smoothing. The cells must be in order, so this applies
    to numeric variables only.

    Args:
        live: Live rows in each bin.
        baseline: Training rows in each bin.

    Returns:
        A number from 0 to 1; NaN if either side has no rows.
    """
    rows, baseline_rows = int(live.sum()), int(baseline.sum())
    if not rows or not baseline_rows:
        return math.nan
    difference = np.cumsum(live) / rows - np.cumsum(baseline) / baseline_rows
    return float(np.abs(difference).max())
