"""Finds columns that hold ids: nearly every value is different, so there is nothing to compare."""

from __future__ import annotations

import numpy as np

from boxkite.baseline.category_variable import CategoryVariable
from boxkite.baseline.ordered_values import OrderedValues

__all__ = ["distinct_ids", "distinct_labels", "identifier_warning"]

_FEWEST_ROWS = 100

# Whole numbers that repeat so much more rarely than random ones are row numbers, ids or times.
_RARER = 10.0


def distinct_labels(variable: CategoryVariable) -> int:
    """Return how many labels a column has if most rows have one of their own; 0 otherwise."""
    present = variable.rows - variable.missing
    kept = len(variable.categories) - 1 - variable.has_tail
    distinct = kept + len(variable.tail)
    return distinct if present >= _FEWEST_ROWS and distinct > present / 2 else 0


def distinct_ids(ordered: OrderedValues) -> int:
    """Return how many different values a column of ids has; 0 if it does not hold ids.

    A column holds ids if its values are whole and at most a tenth as many repeat as by chance: n
    values drawn from r numbers repeat about n^2 / 2r times.
    """
    rows = len(ordered)
    if rows < _FEWEST_ROWS:
        return 0
    lowest, highest = ordered.at(np.array([0, rows - 1])).tolist()
    span = highest - lowest + 1
    expected = rows * rows / 2 / span / _RARER
    tolerated = min(expected, rows / _RARER)
    # Counting different values takes time in an engine, so first look whether there is room.
    if expected < 1 or rows - span >= tolerated or not ordered.is_whole():
        return 0
    distinct = ordered.distinct()
    return distinct if rows - distinct < tolerated else 0


def identifier_warning(name: str, distinct: int, present: int) -> str:
    """Return what to tell the user about a column of ids."""
    return (
        f"{distinct:,} of {present:,} values of {name!r} are different. If they are ids, "
        f"exclude the column (--drop), or let it raise no alert (--no-alert): ids have no "
        f"distribution to compare"
    )
