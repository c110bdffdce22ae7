"""The deviation of live fractions from training, one number for each cell.

With smoothed fractions p (live) and q (training), the deviation of a cell is

    z = sign(p - q) * sqrt((p - q) ln(p / q)).

The squares add up to PSI exactly. So PSI splits into the part along given directions and the rest,
just as the square of a length splits into the squares of its components. Chance gives each
component nearly the same variance, 1/m + 1/n, whatever the size of the cell.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["deviations", "distances", "excesses", "smoothed_fractions"]

Counts: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]


def smoothed_fractions(counts: Counts, design_effect: float = 1.0) -> Floats:
    """Return the fraction of each cell after half an independent row is added to every cell.

    Args:
        counts: Rows in each cell, shape (..., cells).
        design_effect: Observed rows per independent row, k. Half an independent row is k/2 rows.
    """
    half = design_effect / 2
    totals = counts.sum(axis=-1, keepdims=True)
    return np.asarray((counts + half) / (totals + half * counts.shape[-1]), dtype=np.float64)


def deviations(live: Counts, training: Counts, design_effect: float = 1.0) -> Floats:
    """Return the deviation of each cell. The module's docstring gives the formula.

    Args:
        live: Live rows in each cell, shape (..., cells).
        training: Training rows in each cell, of the same shape or shape (cells,).
        design_effect: Observed rows per independent row.
    """
    p = smoothed_fractions(live, design_effect)
    q = smoothed_fractions(training, design_effect)
    difference = p - q
    # Rounding can make the product a tiny negative number when p and q are almost equal.
    squares = np.maximum(difference * np.log(p / q), 0.0)
    return np.asarray(np.sign(difference) * np.sqrt(squares), dtype=np.float64)


def excesses(points: Floats, directions: Floats) -> Floats:
    """Return the greatest deviation of one cell above training outside the directions; at least 0.

    Args:
        points: Deviation of each cell, shape (..., cells).
        directions: Unit vectors over the cells, shape (directions, cells).
    """
    outside = points - points @ directions.T @ directions
    return np.asarray(np.maximum(outside.max(axis=-1), 0.0), dtype=np.float64)


def distances(live: Counts, training: Counts) -> Floats:
    """Return the Kolmogorov-Smirnov distance of each window from training.

    Args:
        live: Live rows in each cell, shape (..., cells), at least one row in each window.
        training: Training rows in each cell, of the same shape or shape (cells,).
    """
    live_fractions = np.cumsum(live, axis=-1) / live.sum(axis=-1, keepdims=True)
    training_fractions = np.cumsum(training, axis=-1) / training.sum(axis=-1, keepdims=True)
    return np.asarray(np.abs(live_fractions - training_fractions).max(axis=-1), dtype=np.float64)
