"""Distances between live counts and training counts of the same cells: PSI, KL, JS and K-S.

With B cells, live counts a (sum m) and training counts b (sum n), the smoothed fractions are
p = (a + k/2) / (m + k B/2) and q = (b + k/2) / (n + k B/2), where k is the design effect: the
observed rows per independent row, 1 by default. Half an independent row per cell is Jeffreys's
prior. Thanks to it, a cell that is empty on one side neither makes the distance infinite nor drops
out.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.variation.deviation import smoothed_fractions

__all__ = [
    "jensen_shannon",
    "kolmogorov_smirnov",
    "kullback_leibler",
    "population_stability_index",
]

Counts: TypeAlias = NDArray[np.int64]


def population_stability_index(live: Counts, baseline: Counts, design_effect: float = 1.0) -> float:
    """Return PSI = sum (p - q) ln(p / q) in nats, which is 0 for equal fractions.

    PSI is Jeffreys's divergence KL(p, q) + KL(q, p).

    Args:
        live: Live rows in each cell.
        baseline: Training rows in each cell.
        design_effect: Observed rows per independent row.
    """
    p, q = smoothed_fractions(live, design_effect), smoothed_fractions(baseline, design_effect)
    return float(np.sum((p - q) * np.log(p / q)))


def kullback_leibler(live: Counts, baseline: Counts, design_effect: float = 1.0) -> float:
    """Return KL(p, q) = sum p ln(p / q) in nats (Kullback and Leibler 1951).

    Args:
        live: Live rows in each cell.
        baseline: Training rows in each cell.
        design_effect: Observed rows per independent row.
    """
    p, q = smoothed_fractions(live, design_effect), smoothed_fractions(baseline, design_effect)
    return float(np.sum(p * np.log(p / q)))


def jensen_shannon(live: Counts, baseline: Counts, design_effect: float = 1.0) -> float:
    """Return the Jensen-Shannon distance, from 0 to sqrt(ln 2) = 0.8326.

    It is the square root of the mean KL divergence, in nats, of p and q from (p + q) / 2 (Lin 1991;
    the root is a metric, Endres and Schindelin 2003).

    Args:
        live: Live rows in each cell.
        baseline: Training rows in each cell.
        design_effect: Observed rows per independent row.
    """
    p, q = smoothed_fractions(live, design_effect), smoothed_fractions(baseline, design_effect)
    middle = (p + q) / 2
    divergence = float(np.sum(p * np.log(p / middle)) + np.sum(q * np.log(q / middle))) / 2
    # Rounding can leave a tiny negative number for equal fractions.
    return math.sqrt(max(divergence, 0.0))


def kolmogorov_smirnov(live: Counts, baseline: Counts) -> float:
    """Return the greatest difference between the cumulative fractions at the upper edges.

    The fractions are the raw ones, without smoothing. The cells must be in order, so this applies
    to numbers and ordered categories only.

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
