"""Count rows into all segments at once.

Counting segment by segment would take as long for a few rows as for thousands, because most of the
time goes into numpy's calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline import Baseline
from boxkite.baseline.numeric_variable import finite_sum
from boxkite.live.counts import Counts
from boxkite.live.value_cells import ValueCells, value_cells
from boxkite.system.cooperation import cooperatively

__all__ = ["Column", "RowSegments", "add_to_segments"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]


class Column(NamedTuple):
    """The values of one variable.

    Attributes:
        place: index of the variable in the baseline.
        values: one value for each row.
    """

    place: int
    values: Sequence[Any] | Floats


class RowSegments(NamedTuple):
    """The segments of each row: one of each segment column.

    Attributes:
        segments: numbers of the segments, from 0, shape (segment columns, rows).
        number: number of all segments.
    """

    segments: Integers
    number: int

    def by_cell(self, cells: Integers, width: int) -> Integers:
        """Return the number of rows by segment and cell, shape (segments, width)."""
        places = self.segments * width + cells
        return np.bincount(places.ravel(), minlength=self.number * width).reshape(-1, width)

    def chosen(self, chosen: NDArray[np.bool_]) -> Integers:
        """Return the number of chosen rows in each segment."""
        return np.bincount(self.segments[chosen], minlength=self.number)

    def sums(self, numbers: Floats) -> Floats:
        """Return the sum of the numbers in each segment, without NaN."""
        weights = np.broadcast_to(np.nan_to_num(numbers), self.segments.shape).ravel()
        sums: Floats = np.zeros(self.number)
        with np.errstate(over="ignore", invalid="ignore"):
            np.add.at(sums, self.segments.ravel(), weights)
        for segment in np.flatnonzero(~np.isfinite(sums)):
            own = numbers[(self.segments == segment).any(axis=0)]
            sums[segment] = finite_sum(own[~np.isnan(own)])
        return sums


def add_to_segments(
    baseline: Baseline, columns: Iterable[Column], rows: RowSegments, counts: Counts
) -> None:
    """Add rows to the counts of their segments.

    Args:
        baseline: the baseline of the counts.
        columns: the values of all variables.
        rows: the segments of the rows.
        counts: the counts to add to. Those of all rows are not changed.
    """
    parts = counts.of_segments(len(baseline.variables))
    for place, values in cooperatively(columns):
        variable = baseline.variables[place]
        found, width = value_cells(variable, values), len(variable.counts)
        counted = rows.by_cell(found.cells, width + 2)
        parts.cells[:, parts.bounds[place] : parts.bounds[place + 1]] += counted[:, :width]
        parts.missing[:, place] += counted[:, width]
        parts.invalid[:, place] += counted[:, width + 1]
        if len(found.numbers):
            parts.outside[:, place] += _outside(found, rows, baseline.segment_ranges[place])
            parts.add_sums(place, rows.sums(found.numbers))


def _outside(found: ValueCells, rows: RowSegments, ranges: Floats) -> Integers:
    """Return the number of values outside the range that the segment had at training.

    The number of a redacted value is unknown. It counts if it is outside the range of all rows.
    """
    minima, maxima = ranges
    # No value is below or above NaN, which stands for no number, and for an unknown range.
    is_outside = found.numbers < minima[rows.segments]
    is_outside |= found.numbers > maxima[rows.segments]
    is_outside[:, found.outside] = True
    return rows.chosen(is_outside)
