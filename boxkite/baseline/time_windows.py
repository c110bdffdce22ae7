"""Cut training rows into windows of time and learn the natural variation of each variable."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.capture import CategoryColumn, capture_column
from boxkite.baseline.numeric_variable import NumericVariable
from boxkite.baseline.row_labels import row_labels
from boxkite.baseline.tally import cell_of
from boxkite.baseline.variable import Variable
from boxkite.errors import BaselineError
from boxkite.variation import Variation, learn_variation, training_drift

__all__ = [
    "DEFAULT_WINDOWS",
    "SLOTS_A_WINDOW",
    "TREND_WORTH_A_WARNING",
    "Learnt",
    "RowTimes",
    "SlotCounts",
    "learn_windows",
    "row_cells",
    "seconds_of",
]

Cells: TypeAlias = NDArray[np.int64]

DEFAULT_WINDOWS = ("1h", "1d", "7d")

SLOTS_A_WINDOW = 4
"""Training windows slide by a quarter of their length."""

_SECONDS = {"m": 60.0, "h": 3600.0, "d": 86_400.0}
_MOST_SLOTS = 200_000
_ROWS_A_CELL = 50

TREND_WORTH_A_WARNING = 0.1
"""`fit` warns if PSI between the first and the last fifth of training is at least this."""


def seconds_of(window: str) -> float:
    """Return the length of a window such as "30m", "1h" or "7d".

    Raises:
        BaselineError: if `window` is not a number followed by m, h or d.
    """
    found = re.fullmatch(r"([1-9][0-9]{0,4})([mhd])", window)
    if found is None:
        raise BaselineError(f"{window!r} is not the length of a window. Write 30m, 1h or 7d")
    return int(found[1]) * _SECONDS[found[2]]


class Learnt(NamedTuple):
    """What boxkite learnt about one variable.

    Attributes:
        variation: natural variation by the length of the window. A length is left out if training
            is too short for it, or if windows of that length hold too few rows.
        trend: PSI between the first and the last fifth of training; 0 if either has too few rows.
    """

    variation: dict[str, Variation]
    trend: float


class SlotCounts(Protocol):
    """Counts the rows of one variable in slots of any length.

    Attributes:
        span: seconds from the first to the last row.
    """

    @property
    def span(self) -> float: ...

    def every(self, seconds: float) -> Cells:
        """Return the number of rows of each cell in consecutive slots, shape (slots, cells)."""
        ...


def learn_windows(variable: Variable, rows: SlotCounts, windows: Mapping[str, float]) -> Learnt:
    """Learn the natural variation of one variable between windows of several lengths.

    Args:
        variable: the variable, already counted.
        rows: the rows of the variable by time.
        windows: length of each window in seconds, by name.
    """
    found = {}
    for window, length in windows.items():
        slot = length / SLOTS_A_WINDOW
        if not SLOTS_A_WINDOW < rows.span / slot < _MOST_SLOTS:
            continue
        learnt = learn_variation(
            rows.every(slot), ordered=variable.is_ordered, slots=SLOTS_A_WINDOW
        )
        if learnt is not None:
            found[window] = learnt
    # 4.999 and not 5, so that the last row falls into the fifth slot and not into a sixth.
    fifths = rows.every(max(rows.span, 1.0) / 4.999)
    enough = _ROWS_A_CELL * len(variable.counts)
    judged = len(fifths) == 5 and fifths[[0, 4]].sum(axis=1).min() >= enough
    return Learnt(found, training_drift(fifths) if judged else 0.0)


@dataclass(frozen=True)
class RowTimes:
    """The time of each training row.

    Attributes:
        seconds: seconds since 1970 of each row; NaN if not known.
        windows: lengths of the windows to learn from, by name.
    """

    seconds: NDArray[np.float64]
    windows: Mapping[str, float]

    @classmethod
    def capture(cls, times: Any, windows: Iterable[str]) -> RowTimes:
        """Read a column of dates, times or seconds since 1970.

        Raises:
            BaselineError: if the column contains no time, or a window is not a length such as "1h".
        """
        column = capture_column("time", times, categorical=False)
        if isinstance(column, CategoryColumn) or not np.isfinite(column.values).any():
            raise BaselineError(
                "time= is a column of text. Convert it to dates first, for instance with "
                "pandas.to_datetime"
                if isinstance(column, CategoryColumn)
                else "time= has no value that is a date, a time or a number of seconds"
            )
        return cls(column.values, {each: seconds_of(each) for each in windows})

    def learn(self, variable: Variable, values: Any) -> Learnt:
        """Learn the natural variation of one variable.

        Args:
            variable: the variable, already counted.
            values: its column, row by row.

        Raises:
            BaselineError: if the column and the times differ in length.
        """
        cells = row_cells(variable, values)
        if len(cells) != len(self.seconds):
            raise BaselineError(
                f"time= has {len(self.seconds):,} rows, but {variable.role} {variable.name!r} has "
                f"{len(cells):,}. Pass one time for each row"
            )
        return self.learn_cells(variable, cells)

    def of_rows(self, rows: Cells) -> RowTimes:
        """Return the times of the rows with these indices."""
        return replace(self, seconds=self.seconds[rows])

    def learn_cells(self, variable: Variable, cells: Cells) -> Learnt:
        """Learn the natural variation of one variable from the cell of each row."""
        known = (cells >= 0) & np.isfinite(self.seconds)
        seconds, cells = self.seconds[known], cells[known]
        if not len(cells):
            return Learnt({}, 0.0)
        rows = _TimedCells(seconds - seconds.min(), cells, len(variable.counts))
        return learn_windows(variable, rows, self.windows)


@dataclass(frozen=True)
class _TimedCells:
    """The cell of each row, and the seconds since the first row."""

    seconds: NDArray[np.float64]
    cells: Cells
    number: int

    @property
    def span(self) -> float:
        return float(self.seconds.max())

    def every(self, seconds: float) -> Cells:
        slots = (self.seconds / seconds).astype(np.int64)
        size = (int(slots.max()) + 1) * self.number
        counted = np.bincount(slots * self.number + self.cells, minlength=size)
        return counted.reshape(-1, self.number).astype(np.int64)


def row_cells(variable: Variable, values: Any) -> Cells:
    """Return the cell of each row; -1 for a missing value."""
    if isinstance(variable, NumericVariable):
        column = capture_column(variable.name, values, categorical=False)
        assert not isinstance(column, CategoryColumn)  # It would not be a numeric variable.
        cells = np.searchsorted(variable.edges, column.values, side="left")
        return np.where(np.isnan(column.values), -1, cells).astype(np.int64)
    codes, labels = row_labels(values)
    return np.array([*(cell_of(variable, label) for label in labels), -1], dtype=np.int64)[codes]
