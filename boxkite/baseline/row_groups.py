"""Divides the rows of a table into segments, and its columns with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.capture import CategoryColumn, Column, NumericColumn, capture_column
from boxkite.baseline.row_labels import RowLabels, row_labels
from boxkite.baseline.segment_column import SegmentColumn, most_common_values
from boxkite.errors import BaselineError

__all__ = ["RowColumn", "RowGroups", "segment_row_labels"]

Rows: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class RowGroups:
    """The rows of each value of a column of segments.

    Attributes:
        column: the column, with its values.
        rows: indices of the rows of each value.
    """

    column: SegmentColumn
    rows: tuple[Rows, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of rows of each value."""
        return tuple(map(len, self.rows))

    @classmethod
    def of(cls, column: SegmentColumn, labels: RowLabels) -> RowGroups:
        """Divide rows by their labels.

        Args:
            column: the column, with its values.
            labels: label of each row.
        """
        places = [*map(column.place_of_label, labels.labels), len(column.values) - 1]
        each_place = np.array(places, dtype=np.int64)[labels.codes]
        order = np.argsort(each_place, kind="stable")
        ends = np.cumsum(np.bincount(each_place, minlength=len(column.values)))[:-1]
        return cls(column, tuple(np.split(order, ends)))

    @classmethod
    def most_common(cls, name: str, is_feature: bool, labels: RowLabels) -> RowGroups:
        """Divide rows by the most common labels."""
        codes = labels.codes[labels.codes >= 0]
        counts = np.bincount(codes, minlength=len(labels.labels)).tolist()
        tally = dict(zip(labels.labels, counts, strict=True))
        return cls.of(SegmentColumn(name, is_feature, most_common_values(tally), ()), labels)


def segment_row_labels(name: str, values: Any, rows: int) -> RowLabels:
    """Return the label of each row in a column of segments.

    Args:
        name: name of the column, for messages.
        values: value of each row.
        rows: number of rows of the table.

    Raises:
        BaselineError: if a value is not a category, or the column has another number of rows.
    """
    try:
        found = row_labels(values)
    except ValueError as error:
        raise BaselineError(f"segment column {name!r}: {error}") from error
    if len(found.codes) != rows:
        raise BaselineError(
            f"segment column {name!r} has {len(found.codes):,} rows, but the table has {rows:,}. "
            f"All columns need the same number of rows"
        )
    return found


@dataclass(frozen=True)
class RowColumn:
    """A column of a table row by row: floats, or labels."""

    values: NDArray[np.float64] | RowLabels

    @classmethod
    def of(cls, name: str, values: Any, *, categorical: bool) -> RowColumn:
        """Read a column.

        Args:
            name: name of the column, for messages.
            values: the column, in any form that `capture_column` reads.
            categorical: whether to read values of any type as labels.

        Raises:
            BaselineError: if a value is neither a number nor a label.
        """
        column = capture_column(name, values, categorical=categorical)
        return cls(column.values if isinstance(column, NumericColumn) else row_labels(values))

    def part(self, rows: Rows) -> Column:
        """Return some of the rows as a column that can be counted."""
        if not isinstance(self.values, RowLabels):
            return NumericColumn(self.values[rows])
        codes, labels = self.values
        present, counts = np.unique(codes[rows], return_counts=True)
        tally = dict(zip(present.tolist(), counts.tolist(), strict=True))
        missing = tally.pop(-1, 0)
        return CategoryColumn({labels[code]: number for code, number in tally.items()}, missing)
