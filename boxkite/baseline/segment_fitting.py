"""Counts the rows of each segment of training."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.capture import CategoryColumn, Column
from boxkite.baseline.category_variable import CategoryVariable
from boxkite.baseline.engines.engine_segments import count_engine_segments, engine_groups
from boxkite.baseline.engines.engine_times import EngineTimes
from boxkite.baseline.ordered_values import OrderedValues, SortedValues
from boxkite.baseline.outcome_fitting import OutcomeRows
from boxkite.baseline.row_groups import RowColumn, RowGroups, segment_row_labels
from boxkite.baseline.segment_cells import count_segment
from boxkite.baseline.segment_column import Segment, SegmentColumn
from boxkite.baseline.time_windows import RowTimes, row_cells
from boxkite.baseline.training_columns import SegmentValues
from boxkite.baseline.variable import Variable
from boxkite.errors import BaselineWarning
from boxkite.quality import Outcomes
from boxkite.variation import MIN_ROWS_A_CELL

__all__ = [
    "CountedRows",
    "fit_lazy_segments",
    "fit_segments",
    "live_series",
    "warn_about_segments",
]

Rows: TypeAlias = NDArray[np.int64]

MANY_SERIES = 50_000
"""`fit` warns if the segments add more live series than this to each replica."""

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
    rows = counted[0].variable.rows
    known = {each.name: each for each in like}
    groups = [_groups(each, known.get(each.name), rows) for each in columns]
    parts = list(pool.map(functools.partial(_parts, groups=groups, times=times), counted))
    return tuple(
        _with_segments(
            group.column,
            [[part[number][place] for part in parts] for place in range(len(group.rows))],
            None if outcomes is None else _outcomes(outcomes, group),
        )
        for number, group in enumerate(groups)
    )


def fit_lazy_segments(
    columns: Sequence[SegmentValues],
    counted: Sequence[CountedRows],
    *,
    like: Sequence[SegmentColumn],
    times: EngineTimes | None,
    outcomes: OutcomeRows | None,
    collected: Sequence[SegmentValues],
) -> tuple[SegmentColumn, ...]:
    """Count the rows of each segment in their engine, as `fit_segments` does in memory.

    Args:
        columns: the columns whose values are monitored separately, in their engine.
        counted: as for `fit_segments`.
        like: as for `fit_segments`.
        times: as for `fit_segments`.
        outcomes: as for `fit_segments`.
        collected: the columns in memory, in the order of rows of the outcomes.

    Raises:
        BaselineError: if two columns are in different frames, or two segments have one label.
    """
    groups = engine_groups(columns, like)
    parts = count_engine_segments(groups, counted, times)
    rows = counted[0].variable.rows
    return tuple(
        _with_segments(
            group.column,
            variables,
            None if outcomes is None else _outcomes(outcomes, _groups(held, group.column, rows)),
        )
        for group, variables, held in zip(groups, parts, collected, strict=True)
    )


def _with_segments(
    column: SegmentColumn,
    variables: Sequence[Sequence[Variable]],
    outcomes: Sequence[Outcomes] | None,
) -> SegmentColumn:
    """Return a column with the variables and the outcomes of each of its values."""
    known: Sequence[Outcomes | None] = outcomes or [None] * len(column.values)
    triples = zip(column.labels, variables, known, strict=True)
    return column.with_segments(
        [Segment(label, own[0].rows, tuple(own), each) for label, own, each in triples]
    )


def _outcomes(outcomes: OutcomeRows, group: RowGroups) -> list[Outcomes]:
    return [outcomes.count(rows) for rows in group.rows]


def _groups(column: SegmentValues, like: SegmentColumn | None, rows: int) -> RowGroups:
    labels = segment_row_labels(column.name, column.values, rows)
    if like is None:
        return RowGroups.most_common(column.name, column.is_feature, labels)
    return RowGroups.of(like, labels)


def _labelled(group: RowGroups) -> Iterator[tuple[str, Rows]]:
    """Yield the label and the rows of each segment."""
    return zip(group.column.labels, group.rows, strict=True)


def _parts(
    counted: CountedRows, groups: Sequence[RowGroups], times: RowTimes | None
) -> list[list[Variable]]:
    """Return the variable of each value of each column of segments."""
    whole = counted.variable
    categorical = isinstance(whole, CategoryVariable)
    column = RowColumn.of(whole.name, counted.values, categorical=categorical)
    cells = None if times is None else row_cells(whole, counted.values)
    found: list[list[Variable]] = []
    for group in groups:
        found.append([])
        for label, rows in _labelled(group):
            own = count_segment(whole, _ordered(column.part(rows)), label)
            if times is not None and cells is not None:
                learnt = times.of_rows(rows).learn_cells(own, cells[rows])
                own = replace(own, variation=learnt.variation)
            found[-1].append(own)
    return found


def _ordered(column: Column) -> OrderedValues | CategoryColumn:
    return column if isinstance(column, CategoryColumn) else SortedValues.of(column.values)


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
            f"{MIN_ROWS_A_CELL:g} rows for each of its cells: {named}{more}. Their rates are "
            f"monitored. To judge them too, train on more rows",
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
        if 0 < each.rows < MIN_ROWS_A_CELL * max(len(one.counts) for one in each.variables)
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
