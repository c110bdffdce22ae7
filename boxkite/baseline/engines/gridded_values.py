"""The values of a numeric column that stays in an engine, as far as they are known.

At first only the smallest and the greatest value are known: one interval holds all. An interval
that holds a wanted value is divided into cells, each with its number of rows, smallest and greatest
value. Small intervals are divided into their distinct values instead. Where nobody asks, intervals
stay coarse. So a few thousand numbers stand for a column of any length, and all answers are exact.
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
    scaled,
    subcell,
)
from boxkite.baseline.engines.lazy_source import LazySource
from boxkite.baseline.engines.number_questions import IGNORED, Groups, count_groups
from boxkite.baseline.engines.questions import Unanswered
from boxkite.baseline.exact_sum import BITS, ExactSum, top_of
from boxkite.baseline.ordered_values import Side

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
    """`OrderedValues` of a column in an engine. Methods raise `Unanswered` until it was asked."""

    def __init__(self, source: LazySource, name: str, summary: Summary) -> None:
        self._source, self._name, self._summary = source, name, summary
        known = [summary.rows] if summary.rows else []
        self._lower = np.array([summary.lowest][: len(known)])
        self._upper = np.array([summary.highest][: len(known)])
        self._rows = np.array(known, dtype=np.int64)
        self._ends = np.cumsum(self._rows)
        greatest = max(abs(summary.lowest), abs(summary.highest)) if summary.rows else 0.0
        self._top = top_of(greatest)
        self._sum: ExactSum | None = None if summary.rows else ExactSum(self._top, ())
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
        # Infinite sentinels stand for the interval behind the last one.
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
    def unknown_sum(self) -> int | None:
        """Exponent that scales the values for `ExactSum`; None if their sum is known."""
        return -BITS * self._top if self._sum is None else None

    def learn_distinct(self, distinct: int) -> None:
        """Take the number of different values."""
        self._distinct = distinct

    def learn_division(self, places: Integers, found: Groups) -> None:
        """Replace intervals by what was found in them.

        Raises:
            BaselineError: if it is not the content of these intervals.
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
            # Python's integers do not overflow.
            pieces = [sum(column) for column in found.pieces.T.tolist()]
            self._sum = ExactSum.of_pieces(self._top, pieces)
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

    form = "groups"

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
        exponent = self.values.unknown_sum
        finite = enclosed(value, intervals, [value] * len(keys), nw.lit(0.0))
        return count_groups(
            self.engine.columns(x=self.engine.number(self.name)),
            group=enclosed(value, intervals, numbers, nw.lit(IGNORED, nw.Int64)),
            key=enclosed(value, intervals, keys, nw.lit(0.0)),
            value=value,
            addend=None if exponent is None else scaled(finite, exponent),
        )

    def answer(self, rows: nw.DataFrame[Any]) -> None:
        """Take the content of the intervals."""
        self.values.learn_division(self.places, Groups.of(rows))


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
