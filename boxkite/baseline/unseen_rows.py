"""How many rows may have a category that training never saw, although nothing changed."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_UNSEEN", "unseen_bound"]

MOST_UNSEEN = 0.05
"""Greatest fraction of unseen rows that the cell `__unseen__` can be judged with."""


def unseen_bound(
    kept: NDArray[np.int64], tail_rows: int, tail_labels: int, tail_once: int | None
) -> int:
    """Return an upper bound for the unseen rows among as many rows as training had.

    Such rows are about as many as the categories that training saw once (Good 1953). Their number
    is known for the kept categories, and two standard errors are added. For a tail, only its rows
    and number of labels are known, and in newer files also how many labels occur once.
    docs/statistics.md explains both estimates.

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
        # A missed label brings as many rows as a similar label of the tail. The rows therefore vary
        # by that factor more than independent ones.
        variance = (tail_once + 1) * (1 + tail_rows / tail_labels)
        bounds.append(once + tail_once + math.sqrt(4 * once + 9 * variance))
    return math.ceil(min(bounds))
