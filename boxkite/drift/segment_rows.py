"""Counts the rows of a table into the segments of a baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from boxkite.baseline import Baseline, CategoryVariable, Segment, SegmentColumn, Variable
from boxkite.baseline.engines.engine_column import EngineColumn
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
) -> list[RowGroups]:
    """Divide the rows of a table by the columns of segments of a baseline.

    Args:
        baseline: What the model was trained on.
        columns: Columns of the table by name.
        wanted: Columns of segments, as in `compare`.
        rows: Number of rows of the table.

    Raises:
        BaselineError: If the baseline has no segments of a wanted column, the table lacks the
            column, or it stays in an engine.
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
    return [
        RowGroups.of(known[name], segment_row_labels(name, _values(name, values, columns), rows))
        for name, values in given.items()
        if values is not None or name not in absent
    ]


def _values(name: str, given: Any, columns: Mapping[str, Any]) -> Any:
    """Return the values of a column of segments."""
    values = given
    if given is None or isinstance(given, str):
        column = name if given is None else given
        if column not in columns:
            raise BaselineError(
                f"the baseline has segments of {name!r}, but the table has no column {column!r}. "
                f"Pass its values with segments={{{name!r}: values}}, or segments=() to compare "
                f"all rows only"
            )
        values = columns[column]
    if isinstance(values, EngineColumn):
        raise BaselineError(
            f"the segments of {name!r} need rows in memory, but the table is lazy. Collect it "
            f"first, or pass segments=() to compare all rows only"
        )
    return values


def segment_tallies(
    baseline: Baseline, columns: Mapping[str, Any], groups: Sequence[RowGroups]
) -> list[Tally]:
    """Return the counts of each segment, in the order of `Baseline.counted_variables`.

    The counts of segments in other columns than those of `groups` are 0.
    """
    by_column = {each.column.name: each.rows for each in groups}
    rows = {
        label: own
        for column in baseline.segments
        for label, own in zip(column.labels, by_column.get(column.name, ()), strict=False)
    }
    found: list[list[Tally]] = []
    matched = matched_variables(baseline, columns) if groups else {}
    for i, whole in enumerate(baseline.variables):
        categorical = isinstance(whole, CategoryVariable)
        column = None
        if matched.get(whole.name) is whole:
            column = RowColumn.of(whole.name, columns[whole.name], categorical=categorical)
        found.append(
            [
                _tally(each.variables[i], column, rows.get(each.label))
                for each in _segments(baseline.segments)
            ]
        )
    return [tally for of_segment in zip(*found, strict=True) for tally in of_segment]


def _segments(columns: Sequence[SegmentColumn]) -> list[Segment]:
    return [segment for column in columns for segment in column]


def _tally(variable: Variable, column: RowColumn | None, rows: Any) -> Tally:
    """Count the rows of a segment; all of them are missing if the table lacks the variable."""
    if rows is None or column is None:
        missing = 0 if rows is None else len(rows)
        return Tally(np.zeros(len(variable.counts), dtype=np.int64), missing)
    return tally_column(variable, column.part(rows))
