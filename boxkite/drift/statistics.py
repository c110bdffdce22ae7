"""How far live counts are from a baseline's: PSI, KL, JS and K-S over the same cells.

With B cells, live counts a (sum m) and baseline counts b (sum n), the smoothed fractions are
p = (a + 1/2) / (m + B/2) and q = (b + 1/2) / (n + B/2): half a count in each cell (Jeffreys's
prior), so that an empty cell on either side is neither infinite nor left out.
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
    """Return the fractions of counts, each raised by half a count; they sum to 1."""
    total = float(counts.sum())
    return (counts.astype(np.float64) + 0.5) / (total + len(counts) / 2)


def population_stability_index(live: Counts, baseline: Counts) -> float:
    """Return PSI = sum (p - q) ln(p / q), in nats; 0 for equal fractions.

    It is Jeffreys's divergence, KL(p, q) + KL(q, p).
    """
    p, q = smoothed(live), smoothed(baseline)
    return float(np.sum((p - q) * np.log(p / q)))


def kullback_leibler(live: Counts, baseline: Counts) -> float:
    """Return KL(p, q) = sum p ln(p / q), in nats."""
    p, q = smoothed(live), smoothed(baseline)
    return float(np.sum(p * np.log(p / q)))


def jensen_shannon(live: Counts, baseline: Counts) -> float:
    """Return the Jensen-Shannon distance, the root of the mean KL of p and q to their middle.

    Natural logarithm: from 0 to sqrt(ln 2) = 0.8326.
    """
    p, q = smoothed(live), smoothed(baseline)
    middle = (p + q) / 2
    divergence = float(np.sum(p * np.log(p / middle)) + np.sum(q * np.log(q / middle))) / 2
    return math.sqrt(max(divergence, 0.0))


def kolmogorov_smirnov(live: Counts, baseline: Counts) -> float:
    """Return the greatest difference of the raw cumulative fractions over the upper edges.

    For cells in order, so numeric variables only; NaN where either side has no rows.
    """
    rows, baseline_rows = int(live.sum()), int(baseline.sum())
    if not rows or not baseline_rows:
        return math.nan
    difference = np.cumsum(live) / rows - np.cumsum(baseline) / baseline_rows
    return float(np.abs(difference).max())
