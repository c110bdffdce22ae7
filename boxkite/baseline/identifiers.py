"""Finds columns that hold ids: nearly every value is different, so there is nothing to compare."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.variable import CategoryVariable

__all__ = ["distinct_ids", "distinct_labels", "identifier_warning"]

Floats: TypeAlias = NDArray[np.float64]

_FEWEST_ROWS = 100

# Whole numbers that repeat so much more rarely than random ones are row numbers, ids or times.
_RARER = 10.0


def distinct_labels(variable: CategoryVariable) -> int:
    """Return how many labels a column has if most rows have one of their own; 0 otherwise."""
    present = variable.rows - variable.missing
    kept = len(variable.categories) - 1 - variable.has_tail
    distinct = kept + len(variable.tail)
    return distinct if present >= _FEWEST_ROWS and distinct > present / 2 else 0


def distinct_ids(ordered: Floats) -> int:
    """Return how many different values a column of ids has; 0 if it does not hold ids.

    A column holds ids if its values are whole and at most a tenth as many repeat as by chance: n
    values drawn from r numbers repeat about n^2 / 2r times.

    Args:
        ordered: Finite values in ascending order.
    """
    rows = len(ordered)
    if rows < _FEWEST_ROWS:
        return 0
    span = float(ordered[-1] - ordered[0]) + 1
    tolerated = rows * rows / 2 / span / _RARER
    if tolerated < 1 or not (ordered == np.floor(ordered)).all():
        return 0
    distinct = 1 + int((ordered[1:] > ordered[:-1]).sum())
    return distinct if rows - distinct < min(tolerated, rows / _RARER) else 0


def identifier_warning(name: str, distinct: int, present: int) -> str:
    """Return what to tell the user about a column of ids."""
    return (
        f"{distinct:,} of {present:,} values of {name!r} are different. If they are ids, "
        f"exclude the column (--drop), or let it raise no alert (--no-alert): ids have no "
        f"distribution to compare"
    )
