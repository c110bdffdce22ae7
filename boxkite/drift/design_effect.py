"""How much less rows tell than as many that are independent of each other.

Requests come in bursts, are repeated, and share their hour. Then counts vary more from one block of
time to the next than chance would have it. The factor is the design effect of survey sampling (Kish
1965), of counts in cells as Rao and Scott (1981) correct chi-square by its mean.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.baseline import Baseline
from boxkite.baseline.tally import Tally

__all__ = ["estimate_design_effect"]


def estimate_design_effect(
    baseline: Baseline, blocks: Sequence[Sequence[Tally]]
) -> tuple[float, ...]:
    """Return the design effect of each variable of a baseline, in its order.

    It is Pearson's chi-square of the blocks' counts against their sum's fractions, over its degrees
    of freedom: the variance between the blocks by that of independent rows. Drift from the
    baseline does not come into it, but drift from block to block does.

    Args:
        baseline: whose cells the rows were counted into.
        blocks: stretches of time without drift, each as long as the window that is to be judged,
            with a tally for each variable. Twenty or more give an estimate to a tenth or two.

    Returns:
        1 or more; NaN for a variable whose rows are in fewer than two blocks or two cells.

    Raises:
        ValueError: if a block does not have a tally for each variable.
    """
    number = len(baseline.variables)
    if any(len(block) != number for block in blocks):
        raise ValueError(f"each block has {number} tallies, one for each variable of the baseline")
    columns = [[block[i].cells for block in blocks] for i in range(number)]
    return tuple(_dispersion(np.array(each)) if each else math.nan for each in columns)


def _dispersion(counts: NDArray[np.int64]) -> float:
    """Return chi-square of blocks by cells, over its degrees of freedom; at least 1."""
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    degrees = (counts.shape[0] - 1) * (counts.shape[1] - 1)
    if degrees < 1:
        return math.nan
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    chi_square = float(((counts - expected) ** 2 / expected).sum())
    return max(1.0, chi_square / float(degrees))
