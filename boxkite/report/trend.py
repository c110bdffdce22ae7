"""PSI and K-S of every variable in each hour that is kept.

All variables and hours are computed at once, because a page may show 1,000 variables and a week of
hours, and should still answer within a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline import Baseline, NumericVariable

__all__ = ["Trend", "trend"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]


class Trend(NamedTuple):
    """PSI and K-S by the hour. Each table has one row per hour and one column per variable.

    Attributes:
        hours: Start of each hour. An hour ends when the next one starts; the last one ends now.
        psi: PSI; NaN if the hour has too few rows.
        ks: K-S; NaN if the hour has too few rows, and for categories.
        scale: 1/n + 1/m, for n training rows and m rows in the hour. The critical values of PSI
            and of the square of K-S are proportional to it.
    """

    hours: list[datetime]
    psi: Floats
    ks: Floats
    scale: Floats

    def part(self, hours: slice) -> Trend:
        """Return some of the hours."""
        tables = (each[hours] for each in self[1:])
        return Trend(self.hours[hours], *tables)

    def followed_by(self, later: Trend) -> Trend:
        """Return the hours of this trend and of a later one."""
        tables = (np.vstack(each) for each in zip(self[1:], later[1:], strict=True))
        return Trend(self.hours + later.hours, *tables)


def trend(
    baseline: Baseline,
    states: Sequence[tuple[datetime, Integers]],
    now: Integers,
    min_rows_a_cell: float,
) -> Trend:
    """Return the statistics of each hour.

    Args:
        baseline: Baseline whose cells are counted.
        states: Start of each hour with the counts of all cells at that time, earliest first.
        now: Counts of all cells now.
        min_rows_a_cell: Fewest rows per cell of a variable, on average, for a statistic.
    """
    sizes = np.array([len(each.counts) for each in baseline.variables], dtype=np.int64)
    if not states or not len(sizes):
        none = np.empty((0, len(sizes)))
        return Trend([], none, none, none)
    # The cells of all variables lie side by side. `reduceat` adds them up for each variable, from
    # one start to the next.
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    cells = np.vstack([*(counts for _, counts in states), now])
    # Totals can fall if a worker's counts become unreadable, but an hour has no negative counts.
    live = np.maximum(np.diff(cells, axis=0), 0)
    trained = np.concatenate([each.counts for each in baseline.variables])[None, :]
    rows = np.add.reduceat(live, starts, axis=1)
    # The formulas are those of `boxkite.drift.statistics`, for all variables at once.
    p, q = (_smoothed(counts, starts, sizes) for counts in (live, trained))
    psi = np.add.reduceat((p - q) * np.log(p / q), starts, axis=1)
    distance = np.abs(np.subtract(*(_cumulative(each, starts, sizes) for each in (live, trained))))
    ks = np.maximum.reduceat(distance, starts, axis=1)
    enough = rows >= min_rows_a_cell * sizes
    ordered = np.array([isinstance(each, NumericVariable) for each in baseline.variables])
    trained_rows = np.add.reduceat(trained, starts, axis=1)
    scale = 1 / np.maximum(trained_rows, 1) + 1 / np.maximum(rows, 1)
    return Trend(
        [hour for hour, _ in states],
        np.where(enough, psi, np.nan),
        np.where(enough & ordered, ks, np.nan),
        scale,
    )


def _cumulative(counts: Integers, starts: Integers, sizes: Integers) -> Floats:
    """Return the cumulative fractions of each variable; 0 if it has no rows."""
    sums = np.cumsum(counts, axis=1)
    before = np.repeat(sums[:, starts] - counts[:, starts], sizes, axis=1)
    rows = np.add.reduceat(counts, starts, axis=1)
    fractions: Floats = (sums - before) / np.repeat(np.maximum(rows, 1), sizes, axis=1)
    return fractions


def _smoothed(counts: Integers, starts: Integers, sizes: Integers) -> Floats:
    """Return the smoothed fractions of each variable, like `boxkite.drift.statistics.smoothed`."""
    totals = np.add.reduceat(counts, starts, axis=1) + sizes / 2
    return (counts + 0.5) / np.repeat(totals, sizes, axis=1)
