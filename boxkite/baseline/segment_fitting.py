"""Counts the rows of each segment of training."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.capture import CategoryColumn
from boxkite.baseline.ordered_values import OrderedValues, SortedValues
from boxkite.baseline.outcome_fitting import OutcomeRows
from boxkite.baseline.row_labels import RowLabels, row_floats, row_labels
from boxkite.baseline.segment_cells import count_segment
from boxkite.baseline.segment_column import (
    MISSING,
    MOST_VALUES,
    Segment,
    SegmentColumn,
    segment_label,
)
from boxkite.baseline.time_windows import RowTimes, row_cells
from boxkite.baseline.training_columns import SegmentValues
from boxkite.baseline.variable import OTHER, NumericVariable, Variable
from boxkite.errors import BaselineError, BaselineWarning

__all__ = ["CountedRows", "fit_segments", "warn_about_segments"]

Rows: TypeAlias = NDArray[np.int64]

MANY_SERIES = 50_000
"""`fit` warns if the segments add more live series than this to each replica."""

_ROWS_A_CELL = 5
_MOST_NAMED = 5


class CountedRows(NamedTuple):
    """A variable of all rows, and the column that it was counted from.

    Attributes:
        variable: the variable.
        values: value of each row.
    """

    variable: Variable
    values: Any


def fit_segments(
    columns: Sequence[SegmentValues],
    counted: Sequence[CountedRows],
    *,
    like: Sequence[SegmentColumn],
    times: RowTimes | None,
    outcomes: OutcomeRows | None,
    pool: Executor,
) -> tuple[SegmentColumn, ...]:
    """Count the rows of each segment.

    Args:
        columns: the columns whose values are monitored separately.
        counted: the variables of all rows, with their columns.
        like: columns of segments whose values to take over, by name.
        times: time of each row; None if it is not known.
        outcomes: outcome of each row; None if it is not known.
        pool: runs the work for several variables at once.

    Raises:
        BaselineError: if a column has another number of rows, or two segments have one label.
    """
    known = {each.name: each for each in like}
    rows = counted[0].variable.rows if counted else 0
    groups = [_Groups.of(each, known.get(each.name), rows) for each in columns]
    parts = list(pool.map(functools.partial(_parts, groups=groups, times=times), counted))
    return tuple(
        SegmentColumn(
            group.name,
            group.is_feature,
            group.values,
            tuple(
                Segment(
                    label,
                    len(rows),
                    tuple(part[number][place] for part in parts),
                    None if outcomes is None else outcomes.count(rows),
                )
                for place, (label, rows) in enumerate(zip(group.labels, group.rows, strict=True))
            ),
        )
        for number, group in enumerate(groups)
    )


@dataclass(frozen=True)
class _Groups:
    """The rows of each value of one column.

    Attributes:
        name: name of the column.
        is_feature: whether the column is a feature too.
        values: the values, as in `SegmentColumn`.
        rows: indices of the rows of each value.
    """

    name: str
    is_feature: bool
    values: tuple[str, ...]
    rows: tuple[Rows, ...]

    @classmethod
    def of(cls, column: SegmentValues, like: SegmentColumn | None, rows: int) -> _Groups:
        try:
            codes, labels = row_labels(column.values)
        except ValueError as error:
            raise BaselineError(f"segment column {column.name!r}: {error}") from error
        if len(codes) != rows:
            raise BaselineError(
                f"segment column {column.name!r} has {len(codes):,} rows, but the table has "
                f"{rows:,}. All columns need the same number of rows"
            )
        if like is None:
            values = (*_most_common(codes, labels), OTHER, MISSING)
            like = SegmentColumn(column.name, column.is_feature, values, ())
        places = [*map(like.place_of_label, labels), len(like.values) - 1]
        each_place = np.array(places, dtype=np.int64)[codes]
        order = np.argsort(each_place, kind="stable")
        ends = np.cumsum(np.bincount(each_place, minlength=len(like.values)))[:-1]
        return cls(like.name, like.is_feature, like.values, tuple(np.split(order, ends)))

    @property
    def labels(self) -> list[str]:
        return [segment_label(self.name, value) for value in self.values]


def _most_common(codes: Rows, labels: Sequence[str]) -> list[str]:
    """Return the most common labels; of equally common ones, the first in alphabetical order."""
    counts = np.bincount(codes[codes >= 0], minlength=len(labels)).tolist()
    tally = {
        label: rows
        for label, rows in zip(labels, counts, strict=True)
        if label not in (OTHER, MISSING)
    }
    return sorted(tally, key=lambda label: (-tally[label], label))[:MOST_VALUES]


def _parts(
    counted: CountedRows, groups: Sequence[_Groups], times: RowTimes | None
) -> list[list[Variable]]:
    """Return the variable of each value of each column of segments."""
    whole = counted.variable
    column = _RowColumn.of(whole, counted.values)
    cells = None if times is None else row_cells(whole, counted.values)
    found: list[list[Variable]] = []
    for group in groups:
        found.append([])
        for label, rows in zip(group.labels, group.rows, strict=True):
            own = count_segment(whole, column.part(rows), label)
            if times is not None and cells is not None:
                learnt = times.of_rows(rows).learn_cells(own, cells[rows])
                own = replace(own, variation=learnt.variation)
            found[-1].append(own)
    return found


@dataclass(frozen=True)
class _RowColumn:
    """A column by rows: floats, or labels."""

    values: NDArray[np.float64] | RowLabels

    @classmethod
    def of(cls, variable: Variable, values: Any) -> _RowColumn:
        if isinstance(variable, NumericVariable):
            return cls(row_floats(variable.name, values))
        return cls(row_labels(values))

    def part(self, rows: Rows) -> OrderedValues | CategoryColumn:
        """Return some of the rows as a column that can be counted."""
        if not isinstance(self.values, RowLabels):
            return SortedValues.of(self.values[rows])
        codes, labels = self.values
        present, counts = np.unique(codes[rows], return_counts=True)
        tally = dict(zip(present.tolist(), counts.tolist(), strict=True))
        missing = tally.pop(-1, 0)
        return CategoryColumn({labels[code]: number for code, number in tally.items()}, missing)


def warn_about_segments(columns: Sequence[SegmentColumn]) -> None:
    """Warn about segments without enough training rows, and about very many series.

    Warns:
        BaselineWarning: in either case.
    """
    thin = [each for column in columns for each in _thin(column)]
    if thin:
        named = ", ".join(f"{each.label} ({each.rows:,} rows)" for each in thin[:_MOST_NAMED])
        more = f" and {len(thin) - _MOST_NAMED} more" if len(thin) > _MOST_NAMED else ""
        warnings.warn(
            f"some segments have too few training rows for a verdict on each variable, which needs "
            f"{_ROWS_A_CELL} rows for each of its cells: {named}{more}. Their rates are monitored. "
            f"To judge them too, train on more rows",
            BaselineWarning,
            stacklevel=5,
        )
    live = sum(live_series(each.variables) for column in columns for each in column)
    if live > MANY_SERIES:
        warnings.warn(
            f"the segments add {live:,} live series to each replica and about as many to the "
            f"baseline. Divide the rows by fewer columns, or leave out variables",
            BaselineWarning,
            stacklevel=5,
        )


def _thin(column: SegmentColumn) -> list[Segment]:
    """Return the segments that have rows, but too few for the variable with the most cells."""
    return [
        each
        for each in column
        if 0 < each.rows < _ROWS_A_CELL * max(len(one.counts) for one in each.variables)
    ]


def live_series(variables: Sequence[Variable]) -> int:
    """Return the number of live series of variables: of their cells, sums and rates."""
    cells = sum(len(each.counts) for each in variables)
    ordered = sum(
        len(each.counts) for each in variables if each.is_ordered and each.kind != "numeric"
    )
    sums = sum(2 for each in variables if each.is_ordered)
    rates = sum(3 if each.kind == "numeric" else 2 for each in variables)
    return cells + ordered + sums + rates
