"""Counts the rows of a table into the segments of a baseline."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline import Baseline, CategoryVariable, Variable
from boxkite.baseline.engines.engine_column import EngineColumn
from boxkite.baseline.engines.engine_groups import EngineGroups
from boxkite.baseline.engines.questions import settle
from boxkite.baseline.row_groups import RowColumn, RowGroups, segment_row_labels
from boxkite.baseline.tally import Tally, tally_column
from boxkite.baseline.training_columns import Segments
from boxkite.errors import BaselineError
from boxkite.system.type_guards import is_mapping

__all__ = ["matched_variables", "row_groups", "segment_tallies"]


def matched_variables(baseline: Baseline, columns: Mapping[str, Any]) -> dict[str, Variable]:
    """Return the variable of each column that has the name of one."""
    matched: dict[str, Variable] = {}
    for variable in baseline.variables:
        # Features come first, so an output that shares a feature's name is left without a column.
        if variable.name in columns:
            matched.setdefault(variable.name, variable)
    return matched


def row_groups(
    baseline: Baseline, columns: Mapping[str, Any], wanted: Segments | None, rows: int
) -> list[RowGroups] | list[EngineGroups]:
    """Divide the rows of a table by the columns of segments of a baseline.

    Args:
        baseline: What the model was trained on.
        columns: Columns of the table by name.
        wanted: Columns of segments, as in `compare`.
        rows: Number of rows of the table.

    Raises:
        BaselineError: If the baseline has no segments of a wanted column, the table lacks the
            column, or one is lazy and the other is not.
    """
    known = {each.name: each for each in baseline.segments}
    if is_mapping(wanted):
        given: dict[str, Any] = dict(wanted)
    else:
        names = known if wanted is None else [wanted] if isinstance(wanted, str) else wanted
        given = dict.fromkeys(names)
    for name in given:
        if name not in known:
            raise BaselineError(
                f"segments= names {name!r}, but the baseline has "
                f"{'segments of ' + ', '.join(map(repr, known)) if known else 'no segments'}"
            )
    # Without its column, a feature is missing in all rows, and that is drift already.
    absent = [name for name, column in known.items() if column.is_feature and name not in columns]
    found = [
        (known[name], _values(name, values, columns))
        for name, values in given.items()
        if values is not None or name not in absent
    ]
    if not any(isinstance(each, EngineColumn) for each in columns.values()):
        return [
            RowGroups.of(column, segment_row_labels(column.name, values, rows))
            for column, values in found
        ]
    for column, values in found:
        if not isinstance(values, EngineColumn):
            raise BaselineError(
                f"the table is lazy, but the values of {column.name!r} in segments= are in memory, "
                f"so their rows cannot be matched. Name a column of the table, or collect it first"
            )
    return settle([functools.partial(EngineGroups.of, *each) for each in found])


def _values(name: str, given: Any, columns: Mapping[str, Any]) -> Any:
    """Return the values of a column of segments."""
    if given is not None and not isinstance(given, str):
        return given
    column = name if given is None else given
    if column not in columns:
        raise BaselineError(
            f"the baseline has segments of {name!r}, but the table has no column {column!r}. "
            f"Pass its values with segments={{{name!r}: values}}, or segments=() to compare "
            f"all rows only"
        )
    return columns[column]


def segment_tallies(
    baseline: Baseline,
    columns: Mapping[str, Any],
    groups: Sequence[RowGroups] | Sequence[EngineGroups],
) -> list[Tally]:
    """Return the counts of each segment, in the order of `Baseline.counted_variables`.

    The counts of segments in other columns than those of `groups` are 0.
    """
    by_column = {each.column.name: each for each in groups}
    matched = matched_variables(baseline, columns) if groups else {}
    values = [
        _read(each, columns[each.name]) if matched.get(each.name) is each else None
        for each in baseline.variables
    ]
    return settle(
        [
            _counter(variable, own, by_column.get(column.name), place)
            for column in baseline.segments
            for place, segment in enumerate(column)
            for variable, own in zip(segment.variables, values, strict=True)
        ]
    )


def _read(variable: Variable, values: Any) -> RowColumn | EngineColumn:
    if isinstance(values, EngineColumn):
        return values
    categorical = isinstance(variable, CategoryVariable)
    return RowColumn.of(variable.name, values, categorical=categorical)


def _counter(
    variable: Variable,
    values: RowColumn | EngineColumn | None,
    group: RowGroups | EngineGroups | None,
    place: int,
) -> Callable[[], Tally]:
    """Return a function that counts one segment of a column.

    All rows are missing if the table lacks the column. There are none if the segment is not wanted.
    """
    if isinstance(group, EngineGroups) and isinstance(values, EngineColumn):
        return functools.partial(group.part(values, place).tally, variable)
    if isinstance(group, RowGroups) and isinstance(values, RowColumn):
        return functools.partial(_tally, variable, values, group.rows[place])
    missing = 0 if group is None else group.sizes[place]
    return functools.partial(Tally, np.zeros(len(variable.counts), dtype=np.int64), missing)


def _tally(variable: Variable, column: RowColumn, rows: NDArray[np.int64]) -> Tally:
    return tally_column(variable, column.part(rows))
