"""How much less rows tell than as many that are independent of each other.

Requests come in bursts, are repeated, and share their hour. Then counts vary more from one block of
time to the next than chance would have it. The factor is the design effect of survey sampling (Kish
1965), of counts in cells as Rao and Scott (1981) correct chi-square by its mean.

What rows share, as an hour its weather, mostly moves a whole distribution to and fro. K-S looks at
just that, so that its variance may grow by many times more than the mean of all cells'.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.baseline import Baseline
from boxkite.baseline.tally import Tally
from boxkite.baseline.variable import NumericVariable

__all__ = ["estimate_design_effect"]

Counts: TypeAlias = NDArray[np.int64]


def estimate_design_effect(
    baseline: Baseline, blocks: Sequence[Sequence[Tally]]
) -> tuple[float, ...]:
    """Return the design effect of each variable of a baseline, in its order.

    It is Pearson's chi-square of the blocks' counts against their sum's fractions, over its degrees
    of freedom: the variance between the blocks by that of independent rows. For numbers it is the
    variance of the cumulative fractions, summed over the edges, by that of independent rows, if
    that is more. Drift from the baseline does not come into it, but drift from block to block does.

    Args:
        baseline: whose cells the rows were counted into.
        blocks: stretches of time without drift, each as long as the window that is to be judged,
            with a tally for each variable. Twenty or more give an estimate to a fifth.

    Returns:
        1 or more; NaN for a variable whose rows are in fewer than two blocks or two cells.

    Raises:
        ValueError: if a block does not have a tally for each variable.
    """
    number = len(baseline.variables)
    if any(len(block) != number for block in blocks):
        raise ValueError(f"each block has {number} tallies, one for each variable of the baseline")
    if not blocks:
        return (math.nan,) * number
    return tuple(
        _effect(
            np.array([block[i].cells for block in blocks]),
            ordered=isinstance(each, NumericVariable),
        )
        for i, each in enumerate(baseline.variables)
    )


def _effect(counts: Counts, *, ordered: bool) -> float:
    """Return the greatest dispersion of blocks by cells; at least 1."""
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    if min(counts.shape) < 2:
        return math.nan
    found = [1.0, _dispersion(counts)]
    return max([*found, _cumulative_dispersion(counts)] if ordered else found)


def _dispersion(counts: Counts) -> float:
    """Return chi-square over its degrees of freedom."""
    degrees = (counts.shape[0] - 1) * (counts.shape[1] - 1)
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    return float(((counts - expected) ** 2 / expected).sum()) / float(degrees)


def _cumulative_dispersion(counts: Counts) -> float:
    """Return the variance of the cumulative fractions over that of independent rows."""
    rows = counts.sum(axis=1, keepdims=True)
    pooled = (np.cumsum(counts.sum(axis=0)) / counts.sum())[:-1]
    fractions = (np.cumsum(counts, axis=1) / rows)[:, :-1]
    between = float((rows * (fractions - pooled) ** 2).sum()) / (len(counts) - 1)
    return between / float((pooled * (1 - pooled)).sum())
