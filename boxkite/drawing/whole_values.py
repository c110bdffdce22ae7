"""Bins of a variable that has whole values only: whole numbers, truth values or dates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.drawing.bins import Bins

__all__ = ["WholeValues", "whole_values"]

Floats: TypeAlias = NDArray[np.float64]

_DAY = 86400.0
# Float64 holds all integers up to this one. Beyond it, "values from 3 to 7" would claim too much.
_MOST_EXACT = 2.0**53
_MOST_SINGLE = 12
"""Most bins that are drawn as one bar for each value."""


@dataclass(frozen=True)
class WholeValues:
    """The whole values in each bin, from the smallest to the largest value at training.

    Attributes:
        unit: Distance between neighbouring values: 1, or the seconds of a day for dates.
        first: First value in each bin.
        last: Last value in each bin.
    """

    unit: float
    first: Floats
    last: Floats

    @property
    def ends(self) -> Floats:
        """Where to draw the edges: halfway between the last value of a bin and the next value.

        The outer bins end half a unit beyond the extreme values. So each value has the same room,
        and a bin is as high as its values are frequent.
        """
        return np.append(self.first[0] - self.unit / 2, self.last + self.unit / 2)

    @property
    def are_single(self) -> bool:
        """Whether every bin holds one value, and there are few enough for a bar each."""
        return len(self.first) <= _MOST_SINGLE and np.array_equal(self.first, self.last)


def whole_values(bins: Bins) -> WholeValues | None:
    """Return the whole values of the bins; None if training had other values or a single value.

    Edges between whole numbers are whole or end in .5. Between other numbers, they would have to be
    so by chance, as would both extreme values and the sum.
    """
    unit = {"number": 1.0, "boolean": 1.0, "time": _DAY}.get(bins.value_type)
    if unit is None or not bins.minimum < bins.maximum:
        return None
    extremes = [each / unit for each in (bins.minimum, bins.maximum, bins.sum)]
    if not all(each.is_integer() and abs(each) <= _MOST_EXACT for each in extremes):
        return None
    edges = np.asarray(bins.edges, dtype=np.float64) / unit
    # Edges of dates are rounded to fewer digits than a day needs.
    if unit == 1.0 and not all((2 * each).is_integer() for each in edges.tolist()):
        return None
    last = np.append(np.floor(edges), extremes[1])
    first = np.append(extremes[0], last[:-1] + 1)
    # An outer bin without rows at training gets one value.
    first[0], last[-1] = min(first[0], last[0]), max(last[-1], first[-1])
    if (first > last).any():
        return None
    return WholeValues(unit, first * unit, last * unit)
