"""Estimates how many observed rows carry as much information as one independent row.

Requests come in bursts, repeat each other, and share the conditions of their hour. Their counts
then vary more from one block of time to the next than independent rows would. The ratio of the two
variances is the design effect of survey sampling (Kish 1965). Rao and Scott (1981) apply its mean
over the cells to correct a chi-square statistic, as this module does.

A condition that rows share, such as the weather of an hour, mostly shifts a whole distribution back
and forth. K-S measures exactly such shifts, so its variance can grow many times more than the mean
over the cells shows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.baseline import Baseline
from boxkite.baseline.tally import Tally

__all__ = ["estimate_design_effect"]

Counts: TypeAlias = NDArray[np.int64]


def estimate_design_effect(
    baseline: Baseline, blocks: Sequence[Sequence[Tally]]
) -> tuple[float, ...]:
    """Return the design effect of each variable: observed rows per independent row.

    For categories, it is Pearson's chi-square of the blocks' counts against their pooled fractions,
    divided by its degrees of freedom. For numbers, a second ratio is the variance of the cumulative
    fractions, summed over the edges and divided by the variance that independent rows would have.
    The design effect is then the greater of the two. Drift from the baseline does not affect the
    estimate, but drift from one block to the next does.

    Args:
        baseline: Baseline whose cells the rows were counted into.
        blocks: Stretches of time without drift, each as long as the window to be judged. A block
            has one tally per variable. Twenty blocks or more give an estimate accurate to a fifth.

    Returns:
        One number per variable, in the baseline's order: at least 1, or NaN if the variable's rows
        lie in fewer than two blocks or two cells.

    Raises:
        ValueError: If a block does not have one tally per variable.
    """
    number = len(baseline.variables)
    wrong = [len(block) for block in blocks if len(block) != number]
    if wrong:
        raise ValueError(
            f"each block needs {number} tallies, one per variable of the baseline, not {wrong[0]}"
        )
    if not blocks:
        return (math.nan,) * number
    return tuple(
        _effect(
            np.array([block[i].cells for block in blocks]),
            ordered=each.is_ordered,
        )
        for i, each in enumerate(baseline.variables)
    )


def _effect(counts: Counts, *, ordered: bool) -> float:
    """Return the greatest dispersion of a table of blocks by cells, at least 1."""
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    if min(counts.shape) < 2:
        return math.nan
    found = [1.0, _dispersion(counts)]
    return max([*found, _cumulative_dispersion(counts)] if ordered else found)


def _dispersion(counts: Counts) -> float:
    """Return Pearson's chi-square of a contingency table divided by its degrees of freedom."""
    degrees = (counts.shape[0] - 1) * (counts.shape[1] - 1)
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    return float(((counts - expected) ** 2 / expected).sum()) / float(degrees)


def _cumulative_dispersion(counts: Counts) -> float:
    """Return the variance of the cumulative fractions, relative to independent rows.

    The cumulative fraction of m independent rows has the variance F (1 - F) / m at each edge. The
    squared deviation of a block is therefore weighted by its rows.
    """
    rows = counts.sum(axis=1, keepdims=True)
    pooled = (np.cumsum(counts.sum(axis=0)) / counts.sum())[:-1]
    fractions = (np.cumsum(counts, axis=1) / rows)[:, :-1]
    between = float((rows * (fractions - pooled) ** 2).sum()) / (len(counts) - 1)
    return between / float((pooled * (1 - pooled)).sum())
