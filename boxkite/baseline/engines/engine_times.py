"""Counts the rows of a variable by time, in the engine that holds them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.category_variable import OTHER
from boxkite.baseline.engines.engine_column import EngineColumn
from boxkite.baseline.engines.interval_expressions import interval_number, quotient
from boxkite.baseline.engines.lazy_source import LazySource
from boxkite.baseline.engines.number_questions import IGNORED, Groups, count_groups
from boxkite.baseline.engines.questions import Unanswered
from boxkite.baseline.numeric_variable import NumericVariable
from boxkite.baseline.tally import cell_of
from boxkite.baseline.time_windows import Learnt, learn_windows, seconds_of
from boxkite.baseline.variable import Variable
from boxkite.errors import BaselineError

__all__ = ["EngineTimes"]

Cells: TypeAlias = NDArray[np.int64]


class EngineTimes:
    """The time of each row, as a column of a lazy frame."""

    def __init__(self, times: EngineColumn, windows: Iterable[str]) -> None:
        kind = times.source.schema[times.name]
        if kind == nw.String:
            raise BaselineError(
                f"time= names {times.name!r}, a column of text. Convert it to timestamps in the "
                f"engine"
            )
        self._times = times
        self._windows: Mapping[str, float] = {each: seconds_of(each) for each in windows}
        self._known: dict[EngineColumn, _EngineSlots] = {}

    def learn(self, variable: Variable, values: Any) -> Learnt:
        """Learn the natural variation of one variable. May raise `Unanswered`.

        Args:
            variable: the variable, already counted.
            values: its column.

        Raises:
            BaselineError: if the column is not in the same frame as the times.
        """
        if (
            not isinstance(values, EngineColumn)
            or values.source.origin is not self._times.source.origin
        ):
            raise BaselineError(
                f"time= names a column of a lazy frame that does not have {variable.role} "
                f"{variable.name!r}. Pass one frame with all columns, and name the outputs: "
                f"output='score'"
            )
        slots = self._known.get(values)
        if slots is None:
            slots = self._known[values] = _EngineSlots(self._times.name, values, variable)
        return learn_windows(variable, slots, self._windows) if slots.any_rows else Learnt({}, 0.0)


class _EngineSlots:
    """`SlotCounts` of one variable. Methods raise `Unanswered` until the engine answers."""

    def __init__(self, times: str, column: EngineColumn, variable: Variable) -> None:
        self.times, self.column, self.variable = times, column, variable
        self._extremes: tuple[float, float] | None = None
        self._slots: dict[float, Cells] = {}

    @property
    def _first_and_last(self) -> tuple[float, float]:
        if self._extremes is None:
            raise Unanswered(_Span(self.column.source, self))
        return self._extremes

    @property
    def any_rows(self) -> bool:
        """Whether any row has a value and a time."""
        return not math.isnan(self._first_and_last[0])

    @property
    def first(self) -> float:
        """Seconds since 1970 of the first row."""
        return self._first_and_last[0]

    @property
    def span(self) -> float:
        """Seconds from the first to the last row."""
        first, last = self._first_and_last
        return last - first

    def every(self, seconds: float) -> Cells:
        """Return the number of rows of each cell in consecutive slots, shape (slots, cells)."""
        if seconds not in self._slots:
            raise Unanswered(_Slots(self.column.source, self, seconds))
        return self._slots[seconds]

    def learn_span(self, found: Groups) -> None:
        """Store the first and the last time."""
        ends = (found.lowest, found.highest)
        self._extremes = (
            (math.nan, math.nan)
            if not len(found.rows)
            else (float(ends[0].min()), float(ends[1].max()))
        )

    def learn_slots(self, seconds: float, found: Groups) -> None:
        """Store the number of rows in each slot and cell."""
        slots = int(self.span / seconds) + 1
        counts = np.zeros((slots, len(self.variable.counts)), dtype=np.int64)
        cells = found.key.astype(np.int64)
        inside = (found.group < slots) & (found.group >= 0)
        if not inside.all():
            raise self.column.source.changed(f"{self.times!r} has other times")
        np.add.at(counts, (found.group, cells), found.rows)
        self._slots[seconds] = counts


@dataclass(frozen=True, eq=False)
class _Span:
    """Asks for the first and the last time at which a variable has a value."""

    engine: LazySource
    slots: _EngineSlots

    form = "groups"

    def query(self) -> nw.LazyFrame[Any]:
        """Return the query."""
        known = nw.when(_is_known(self.slots)).then(nw.lit(0, nw.Int64))
        return count_groups(
            _timed_values(self.slots),
            group=known.otherwise(nw.lit(IGNORED, nw.Int64)),
            value=nw.col("seconds"),
        )

    def answer(self, rows: nw.DataFrame[Any]) -> None:
        """Take the times."""
        self.slots.learn_span(Groups.of(rows))


@dataclass(frozen=True, eq=False)
class _Slots:
    """Asks for the number of rows in each slot of time and cell."""

    engine: LazySource
    slots: _EngineSlots
    seconds: float

    form = "groups"

    def query(self) -> nw.LazyFrame[Any]:
        """Return the query."""
        slots = self.slots
        known = _is_known(slots)
        # Only known times are converted, because NaN is no integer.
        since = nw.when(known).then(nw.col("seconds") - slots.first).otherwise(nw.lit(0.0))
        slot = quotient(since, self.seconds).floor().cast(nw.Int64)
        return count_groups(
            _timed_values(slots),
            group=nw.when(known).then(slot).otherwise(nw.lit(IGNORED, nw.Int64)),
            key=_cell(slots),
            value=nw.col("seconds"),
        )

    def answer(self, rows: nw.DataFrame[Any]) -> None:
        """Take the counts."""
        self.slots.learn_slots(self.seconds, Groups.of(rows))


def _timed_values(slots: _EngineSlots) -> nw.LazyFrame[Any]:
    source, name = slots.column.source, slots.column.name
    numeric = isinstance(slots.variable, NumericVariable)
    return source.columns(
        seconds=source.number(slots.times),
        x=source.number(name) if numeric else source.label(name),
    )


def _is_known(slots: _EngineSlots) -> nw.Expr:
    """Return whether a row has both a value and a time."""
    seconds, value = nw.col("seconds"), nw.col("x")
    # NaN and missing values are in no interval.
    known = (seconds > -math.inf) & (seconds < math.inf) & ~seconds.is_nan() & ~value.is_null()
    kind = slots.column.source.schema[slots.column.name]
    numeric = isinstance(slots.variable, NumericVariable) or kind.is_float()
    return known & ~value.is_nan() if numeric else known


def _cell(slots: _EngineSlots) -> nw.Expr:
    """Return the cell of each value."""
    variable, value = slots.variable, nw.col("x")
    if isinstance(variable, NumericVariable):
        return interval_number(value, variable.edges.tolist())
    # Most labels share one cell, so the expression only names the labels of the other cells.
    shared = variable.index[OTHER] if variable.has_tail else len(variable.categories) - 1
    cell = nw.lit(shared, nw.Int64)
    for label in slots.column.labels().tally:
        own = cell_of(variable, label)
        if own != shared:
            spellings = slots.column.spellings(label)
            cell = nw.when(value.is_in(spellings)).then(nw.lit(own, nw.Int64)).otherwise(cell)
    return cell
