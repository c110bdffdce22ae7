"""Fold many records into counts at once: one variable's column at a time, not value by value."""

# Values here may be any object of the user's. After `isinstance`, pyright does not know their type
# parameters. Type guards would tell it, but would cost a call for each value.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline import Baseline, Variable
from boxkite.live.column_tally import NO_VALUE, invalid_example, tally_values
from boxkite.live.counts import Counts
from boxkite.live.mark import Mark
from boxkite.live.outcomes.outcome_record import is_outcome
from boxkite.live.packed import packed_records
from boxkite.live.record import Record, decode, is_logged, plain
from boxkite.live.segment_counting import Column, RowSegments, add_to_segments
from boxkite.live.segment_places import segment_places, with_given
from boxkite.system.cooperation import cooperatively

__all__ = ["fold", "fold_encoded", "mark_of"]

Floats: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.int64]


def fold(
    baseline: Baseline,
    records: Sequence[Record],
    counts: Counts,
    examples: dict[int, str] | None = None,
) -> None:
    """Add records to counts. Each record adds exactly one to each variable.

    If a row does not fit, for example because of its length, each of its variables counts as
    invalid. A name that is absent counts as missing.

    Args:
        baseline: the baseline of the counts.
        records: the records.
        counts: the counts to add to.
        examples: gets the type of an invalid value, by the variable's index.
    """
    if records:
        columns = _columns([record.features for record in records], baseline.features, 0)
        columns += _output_columns([record.output for record in records], baseline)
        rows = _Rows(None, columns, [record.segments for record in records])
        _fold_rows(baseline, rows, counts, examples)


class _Rows(NamedTuple):
    """Rows to count.

    Attributes:
        matrix: the features if all of them are floats. `FeatureMatrix` counts them, except for its
            `others`. None if all features are columns.
        columns: the other features, and the outputs, in the order of the baseline.
        segments: `Record.segments` of each row.
    """

    matrix: Floats | None
    columns: list[Column]
    segments: Sequence[Any]

    def feature(self, place: int) -> Sequence[Any] | Floats:
        """Return the values of a feature."""
        return self.columns[place].values if self.matrix is None else self.matrix[:, place]

    @property
    def nothing(self) -> list[None]:
        """No value for each row, for a segment column that is no feature."""
        return [None] * len(self.segments)

    def all_columns(self, number: int) -> Iterator[Column]:
        """Yield all columns, including `number` features of the matrix."""
        if self.matrix is not None:
            yield from (Column(place, self.matrix[:, place]) for place in range(number))
        yield from (each for each in self.columns if self.matrix is None or each.place >= number)


def _fold_rows(
    baseline: Baseline, rows: _Rows, counts: Counts, examples: dict[int, str] | None
) -> None:
    """Add rows to the counts of all rows, and to those of one segment of each segment column."""
    if rows.matrix is not None:
        matrix = baseline.feature_matrix
        counts.add_matrix(matrix, matrix.tally(rows.matrix))
    for place, values in cooperatively(rows.columns):
        variable = baseline.variables[place]
        tally = tally_values(variable, values)
        counts.add_tally(place, tally)
        if tally.invalid and examples is not None:
            example = invalid_example(variable, values)
            examples.update({} if example is None else {place: example})
    if baseline.segments:
        columns = rows.all_columns(len(baseline.features))
        add_to_segments(baseline, columns, _segments(baseline, rows), counts)
    counts.predictions += len(rows.segments)


def _segments(baseline: Baseline, rows: _Rows) -> RowSegments:
    """Return the segments of the rows, from their features and from what the service gave."""
    features = {each.name: place for place, each in enumerate(baseline.features)}
    found: list[Places] = []
    first = 0
    for column in baseline.segments:
        own = rows.feature(features[column.name]) if column.is_feature else rows.nothing
        places = segment_places(column, with_given(column.name, own, rows.segments))
        found.append(first + places)
        first += len(column.values)
    return RowSegments(np.array(found), first)


def fold_encoded(
    baseline: Baseline,
    contents: Sequence[bytes],
    counts: Counts,
    examples: dict[int, str] | None = None,
) -> None:
    """Add encoded records to counts, see `fold`. Labels are left out.

    All variables of an unreadable record count as invalid.
    """
    if not contents:
        return
    part = Counts.zero(baseline)
    try:
        packed = packed_records(contents, len(baseline.features))
        if packed.outputs:
            others = baseline.feature_matrix.others
            columns = [Column(place, packed.features[:, place]) for place in others]
            columns += _output_columns(packed.outputs, baseline)
            rows = _Rows(packed.features, columns, packed.segments)
            _fold_rows(baseline, rows, part, examples)
        records = [
            decode(content) for content in cooperatively(packed.others) if not is_outcome(content)
        ]
        fold(baseline, records, part, examples)
        part.add_log(accepted=packed.logged + sum(record.logged for record in records))
    except Exception:  # noqa: BLE001 - records hold any values; one must not block the others
        # Nothing was added to `counts` yet. Fold the records one by one to find the bad one.
        if len(contents) > 1:
            for content in contents:
                fold_encoded(baseline, [content], counts, examples)
            return
        if is_outcome(contents[0]):
            return
        part = Counts.zero(baseline)
        fold(baseline, [Record("", 0, None, None)], part)
        part.add_log(accepted=is_logged(contents[0]))
    counts.add(part)


def mark_of(variable: Variable, value: Any) -> Mark:
    """Return a mark that counts in the same cell as a value, to replace the value.

    The value itself is lost, so it does not add to the variable's sum.
    """
    try:
        tally = tally_values(variable, plain([value]))
    except Exception:  # noqa: BLE001 - a value is any object of the user's
        return Mark(Mark.INVALID)
    if tally.rows:
        return Mark(int(tally.cells.argmax()), bool(tally.outside))
    return Mark(Mark.MISSING if tally.missing else Mark.INVALID)


def _output_columns(outputs: Sequence[Any], baseline: Baseline) -> list[Column]:
    return _columns(outputs, baseline.outputs, len(baseline.variables) - len(baseline.outputs))


def _columns(rows: Sequence[Any], variables: Sequence[Variable], first: int) -> list[Column]:
    """Turn rows, by position or by name, into one column per variable.

    Args:
        rows: the rows, or something that is not a row.
        variables: the variables.
        first: index of the first of them in the baseline.
    """
    names = [variable.name for variable in variables]
    width = len(names)
    aligned = [_aligned(row, names, width) for row in rows]
    columns = zip(*aligned, strict=True)
    return [Column(place, column) for place, column in enumerate(columns, first)]


def _aligned(row: Any, names: Sequence[str], width: int) -> Sequence[Any]:
    if isinstance(row, list) and len(row) == width:
        return row
    if isinstance(row, dict):
        return [row.get(name) for name in names]
    return [NO_VALUE] * width
