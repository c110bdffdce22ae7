"""A bound for the rows whose category training never saw, if nothing changed."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_UNSEEN", "unseen_bound"]

MOST_UNSEEN = 0.05
"""Greatest expected fraction of unseen rows at which boxkite still judges the cell `__unseen__`."""


def unseen_bound(
    kept: NDArray[np.int64], tail_rows: int, tail_labels: int, tail_once: int | None
) -> int:
    """Return an upper bound for the unseen rows among as many rows as training had.

    There are about as many such rows as categories that training saw once (Good 1953). For the kept
    categories, this number is known, and the bound adds two standard errors. For a tail, files hold
    only the number of rows and of labels; newer files also say how many labels occur once.
    docs/explained/statistics.md explains both estimates.

    Args:
        kept: Training rows of each category that has a cell of its own.
        tail_rows: Training rows of all other categories.
        tail_labels: Number of these categories.
        tail_once: Number of them that occur in one row; None if unknown.
    """
    once = float((kept == 1).sum())
    if not tail_labels:
        return math.ceil(once + 2 * math.sqrt(once))
    guessed = once + tail_labels * math.sqrt(tail_labels / tail_rows)
    bounds = [guessed + 2 * math.sqrt(guessed)]
    if tail_once is not None:
        # A missed label brings as many rows as a similar label of the tail. So the variance is
        # greater by that factor than for independent rows.
        variance = (tail_once + 1) * (1 + tail_rows / tail_labels)
        bounds.append(once + tail_once + math.sqrt(4 * once + 9 * variance))
    return math.ceil(min(bounds))
