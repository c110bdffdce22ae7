"""Join the rows of a table with labels, from another table or from a column of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, TypeAlias

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from boxkite.baseline import Baseline, SegmentColumn
from boxkite.baseline.outcome_pairs import OutcomeCells
from boxkite.baseline.row_groups import RowGroups
from boxkite.baseline.row_labels import row_values
from boxkite.baseline.time_windows import RowTimes
from boxkite.baseline.values import is_missing
from boxkite.cli.label_options import LabelOptions
from boxkite.cli.labels import Labels, entity_of, id_column
from boxkite.cli.outcome_join import Joined, LabelledRows, PairCounter
from boxkite.drift.segment_rows import row_groups
from boxkite.errors import BaselineError

__all__ = ["TableRows"]

Places: TypeAlias = NDArray[np.int64]

_DAY_SECONDS = 86_400
_DAY_OF_1970 = date(1970, 1, 1).toordinal()
_LAST_DAY = date.max.toordinal()


class TableRows:
    """The columns of a table that quality needs, in memory.

    Args:
        baseline: Baseline of the model.
        table: The rows. Of a lazy table, only the columns that are needed are collected.
        name: Name of the table, for messages.
        columns: Columns of the baseline whose segments are counted too.
        time: Column with the time of each row; None if there is none.
    """

    def __init__(
        self,
        baseline: Baseline,
        table: nw.DataFrame[Any] | nw.LazyFrame[Any],
        name: object,
        columns: Sequence[SegmentColumn],
        time: str | None,
    ) -> None:
        self._baseline = baseline
        self._table = table
        self._name = name
        self._segments = columns
        self._time = time
        self._names = table.collect_schema().names()

    def with_labels(self, labels: Labels, cells: OutcomeCells, identifier: str | None) -> Joined:
        """Join the rows with labels by their ids.

        Args:
            labels: Outcomes by entity id.
            cells: Cells to count.
            identifier: Column of ids; None for the default.

        Raises:
            BaselineError: If a column is missing, or two rows have the same id.
        """
        name = id_column(self._names, identifier, self._name)
        columns = self._collect(cells, name)
        ids = [None if is_missing(each) else entity_of(each) for each in row_values(columns[name])]
        self._check_unique(name, ids)
        outcomes = labels.outcomes
        found = [None if each is None else outcomes.get(each) for each in ids]
        return self._joined(cells, columns, found, len(outcomes))

    def with_column(self, options: LabelOptions) -> tuple[Joined, Labels]:
        """Join the rows with a column of outcomes of their own, and count it as labels.

        Args:
            options: They name the column.

        Raises:
            BaselineError: If a column is missing, or the outcomes do not fit the model's output.
        """
        assert options.label is not None
        values = row_values(self._column(options.label))
        found = [None if is_missing(each) else each for each in values]
        known = [each for each in found if each is not None]
        cells = options.cells(self._baseline, known, self._name)
        joined = self._joined(cells, self._collect(cells), found, 0)
        return joined, Labels({}, len(found), 0, 0, len(found) - len(known))

    def _collect(self, cells: OutcomeCells, *more: str) -> Mapping[str, Any]:
        """Return the outputs, the columns of segments, the times, and more columns by name.

        Raises:
            BaselineError: If a column is missing.
        """
        outputs = [each.name for each in cells.outputs[: cells.width]]
        segments = [each.name for each in self._segments if each.name in self._names]
        names = [*outputs, *segments, *more, *filter(None, [self._time])]
        return self._read([*dict.fromkeys(names)])

    def _column(self, name: str) -> Any:
        return self._read([name])[name]

    def _read(self, names: list[str]) -> Mapping[str, Any]:
        absent = next((each for each in names if each not in self._names), None)
        if absent is not None:
            raise BaselineError(
                f"{self._name} has no column {absent!r}, which the quality needs; it has "
                f"{', '.join(map(repr, self._names))}"
            )
        selected = self._table.lazy().select(*names).collect("pyarrow").to_native()
        return {name: selected[name] for name in names}

    def _check_unique(self, column: str, ids: Sequence[str | None]) -> None:
        known = Counter(each for each in ids if each is not None)
        twice, rows = max(known.items(), key=lambda each: each[1], default=("", 0))
        if rows > 1:
            raise BaselineError(
                f"{rows:,} rows of {self._name} have the id {twice!r} in column {column!r}, so a "
                f"label does not tell which of them it belongs to. Name a column with one id for "
                f"each row with --id"
            )

    def _joined(
        self,
        cells: OutcomeCells,
        columns: Mapping[str, Any],
        labels: Sequence[Any],
        number: int,
    ) -> Joined:
        names = [each.name for each in self._segments]
        groups = row_groups(self._baseline, columns, names, len(labels))
        segments = {
            label: rows
            for each in groups
            if isinstance(each, RowGroups)
            for label, rows in zip(each.column.labels, each.rows, strict=True)
        }
        outputs = [columns[each.name] for each in cells.outputs[: cells.width]]
        days = {} if self._time is None else self._days(columns[self._time])
        counter = PairCounter(cells, segments)
        counter.add(LabelledRows(outputs, labels, segments, days))
        return counter.joined(labels=number)

    def _days(self, times: Any) -> dict[date, Places]:
        """Return the indices of the rows of each day in UTC.

        Raises:
            BaselineError: If the column contains no time, or one after the year 9999.
        """
        seconds = RowTimes.capture(times, ()).seconds
        known = np.flatnonzero(np.isfinite(seconds))
        days = np.floor(seconds[known] / _DAY_SECONDS) + _DAY_OF_1970
        if days.min() < 1 or days.max() > _LAST_DAY:
            raise BaselineError(
                f"column {self._time!r} of {self._name} has a time outside the years 1 to 9999. "
                f"Numbers must be seconds since 1970"
            )
        each_day = days.astype(np.int64)
        order = np.argsort(each_day, kind="stable")
        found, starts = np.unique(each_day[order], return_index=True)
        parts = np.split(known[order], starts[1:])
        pairs = zip(found.tolist(), parts, strict=True)
        return {date.fromordinal(day): rows for day, rows in pairs}
