"""The values of a numeric column that stays in an engine, as far as they are known.

At first, one interval holds all values, and only its smallest and greatest value are known. To find
the value at a rank, the engine divides the interval that holds it into cells. It returns the number
of rows, the smallest and the greatest value of each cell. An interval with few rows is divided into
its distinct values instead. Other intervals stay as they are. So a few thousand numbers stand for a
column of any length, and all answers are exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.engines.interval_expressions import (
    Interval,
    enclosed,
    subcell,
    times_power_of_two,
)
from boxkite.baseline.engines.lazy_source import LazySource
from boxkite.baseline.engines.number_questions import IGNORED, Groups, count_groups
from boxkite.baseline.engines.questions import Unanswered
from boxkite.baseline.exact_sum import BITS, PIECES, ExactSum, top_of
from boxkite.baseline.ordered_values import Side, ValueType

__all__ = ["GriddedValues", "Summary"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

CELLS = 16_384
"""Number of cells that an interval is divided into."""

FEW_ROWS = 32_768
"""Most rows of an interval that is divided into its distinct values instead."""


@dataclass(frozen=True)
class Summary:
    """The first answer about a column of numbers.

    Attributes:
        rows: number of finite values.
        missing: number of missing values, NaN included.
        below: number of values that are -inf.
        above: number of values that are +inf.
        whole: whether all finite values are whole numbers.
        lowest: smallest finite value.
        highest: greatest finite value.
    """

    rows: int
    missing: int
    below: int
    above: int
    whole: bool
    lowest: float
    highest: float


class GriddedValues:
    """`OrderedValues` of a column in an engine, which raises `Unanswered` until it answers."""

    def __init__(
        self, source: LazySource, name: str, summary: Summary, value_type: ValueType = "number"
    ) -> None:
        self._source, self._name, self._summary = source, name, summary
        self.value_type: ValueType = value_type
        known = [summary.rows] if summary.rows else []
        self._lower = np.array([summary.lowest][: len(known)])
        self._upper = np.array([summary.highest][: len(known)])
        self._rows = np.array(known, dtype=np.int64)
        self._ends = np.cumsum(self._rows)
        self.top = top_of(max(abs(summary.lowest), abs(summary.highest)))
        self._sum = None if summary.rows else ExactSum.of_pieces(self.top, [])
        self._distinct: int | None = None

    @property
    def missing(self) -> int:
        """Number of missing values, NaN included."""
        return self._summary.missing

    @property
    def below(self) -> int:
        """Number of values that are -inf."""
        return self._summary.below

    @property
    def above(self) -> int:
        """Number of values that are +inf."""
        return self._summary.above

    def __len__(self) -> int:
        return self._summary.rows

    def at(self, ranks: Integers) -> Floats:
        """Return the values at these ranks."""
        interval = np.searchsorted(self._ends, ranks, side="right")
        first = ranks == self._ends[interval] - self._rows[interval]
        last = ranks == self._ends[interval] - 1
        single = self._lower[interval] == self._upper[interval]
        self._divide(interval[~(first | last | single)])
        return np.where(first, self._lower[interval], self._upper[interval])

    def rank(self, values: Floats, side: Side) -> Integers:
        """Return how many values are less ("left"), or less or equal ("right")."""
        # The infinite values stand for an interval after the last one.
        lower, upper = np.append(self._lower, math.inf), np.append(self._upper, math.inf)
        interval = np.searchsorted(self._upper, values, side="left")
        starts = np.append(self._ends - self._rows, len(self))
        ends = np.append(self._ends, len(self))
        before = values <= lower[interval] if side == "left" else values < lower[interval]
        whole = (values == upper[interval]) & (side == "right")
        self._divide(interval[~(before | whole)])
        return np.where(before, starts[interval], ends[interval])

    def sum(self) -> ExactSum:
        """Return the sum of the finite values."""
        if self._sum is None:
            # The sum comes with the first division, which covers all values.
            self._divide(np.array([0]))
        assert self._sum is not None
        return self._sum

    def is_whole(self) -> bool:
        """Return whether all finite values are whole numbers."""
        return self._summary.whole

    def distinct(self) -> int:
        """Return the number of different finite values."""
        if self._distinct is None:
            raise Unanswered(_Distinct(self._source, self._name, self))
        return self._distinct

    def _divide(self, intervals: NDArray[np.intp]) -> None:
        """Ask for the content of intervals, if there are any."""
        if len(intervals):
            raise Unanswered(_Division(self._source, self._name, self, np.unique(intervals)))

    def interval(self, place: int) -> Interval:
        """Return one of the intervals."""
        return Interval(float(self._lower[place]), float(self._upper[place]))

    def rows_of(self, place: int) -> int:
        """Return the number of rows of an interval."""
        return int(self._rows[place])

    @property
    def lacks_sum(self) -> bool:
        """Whether the sum is not known yet."""
        return self._sum is None

    def learn_distinct(self, distinct: int) -> None:
        """Take the number of different values."""
        self._distinct = distinct

    def learn_division(self, places: Integers, found: Groups) -> None:
        """Replace intervals by the cells that the engine found in them.

        Raises:
            BaselineError: if the answer contradicts the known content of these intervals.
        """
        for number, place in enumerate(places.tolist()):
            inside = found.group == number
            lowest, highest = found.lowest[inside], found.highest[inside]
            if int(found.rows[inside].sum()) != self._rows[place] or self.interval(place) != (
                float(lowest.min()),
                float(highest.max()),
            ):
                raise self._source.changed(f"the values of {self._name!r} differ")
        if self._sum is None:
            self._sum = ExactSum.of_pieces(self.top, [sum(each.tolist()) for each in found.totals])
        lower = np.concatenate([np.delete(self._lower, places), found.lowest])
        upper = np.concatenate([np.delete(self._upper, places), found.highest])
        rows = np.concatenate([np.delete(self._rows, places), found.rows])
        order = np.argsort(lower)
        self._lower, self._upper, self._rows = lower[order], upper[order], rows[order]
        self._ends = np.cumsum(self._rows)


@dataclass(frozen=True, eq=False)
class _Division:
    """Asks for the cells, or the distinct values, in some intervals of a column."""

    engine: LazySource
    name: str
    values: GriddedValues
    places: Integers

    @property
    def form(self) -> str:
        """Whether the sum is asked for too."""
        return "groups and sum" if self.values.lacks_sum else "groups"

    def query(self) -> nw.LazyFrame[Any]:
        """Return the query."""
        value = nw.col("x")
        intervals = [self.values.interval(place) for place in self.places.tolist()]
        keys = [
            subcell(value, interval, CELLS)
            if self.values.rows_of(place) > FEW_ROWS and interval.lower < interval.upper
            else value
            for place, interval in zip(self.places.tolist(), intervals, strict=True)
        ]
        numbers = [nw.lit(number, nw.Int64) for number in range(len(keys))]
        frame = self.engine.columns(x=self.engine.number(self.name))
        addends: list[nw.Expr] = []
        if self.values.lacks_sum:
            finite = enclosed(value, intervals, [value] * len(keys), nw.lit(0.0))
            frame, addends = _with_pieces(frame, finite, self.values.top)
        return count_groups(
            frame,
            group=enclosed(value, intervals, numbers, nw.lit(IGNORED, nw.Int64)),
            key=enclosed(value, intervals, keys, nw.lit(0.0)),
            value=value,
            addends=addends,
        )

    def answer(self, rows: nw.DataFrame[Any]) -> None:
        """Take the content of the intervals."""
        self.values.learn_division(self.places, Groups.of(rows))


def _with_pieces(
    frame: nw.LazyFrame[Any], value: nw.Expr, top: int
) -> tuple[nw.LazyFrame[Any], list[nw.Expr]]:
    """Split each value into the pieces that `ExactSum` adds up. Return the frame and the pieces."""
    # The pieces are columns, because each piece needs the fraction that the previous one left.
    frame = frame.with_columns(rest=times_power_of_two(value, -BITS * top).abs())
    pieces: list[nw.Expr] = []
    for number in range(PIECES):
        name = f"piece{number}"
        frame = frame.with_columns(nw.col("rest").floor().cast(nw.Float64).alias(name))
        frame = frame.with_columns(rest=(nw.col("rest") - nw.col(name)) * 2.0**BITS)
        piece = nw.col(name).cast(nw.Int64)
        pieces.append(nw.when(nw.col("x") < 0).then(0 - piece).otherwise(piece))
    return frame, pieces


@dataclass(frozen=True, eq=False)
class _Distinct:
    """Asks for the number of different finite values of a column."""

    engine: LazySource
    name: str
    values: GriddedValues

    form = "distinct"

    def query(self) -> nw.LazyFrame[Any]:
        """Return the query."""
        value = nw.col("x")
        finite = (value > -math.inf) & (value < math.inf) & ~value.is_nan()
        column = self.engine.columns(x=self.engine.number(self.name)).filter(finite)
        return column.select(value.n_unique().cast(nw.Int64).alias("distinct"))

    def answer(self, rows: nw.DataFrame[Any]) -> None:
        """Take the number."""
        self.values.learn_distinct(int(rows["distinct"][0]))
