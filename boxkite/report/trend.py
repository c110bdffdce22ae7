"""How drift went: PSI and K-S of each variable in each hour that is kept, and chance's scale."""

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
    """PSI and K-S by the hour.

    Attributes:
        hours: at which each stretch begins; it ends with the next, the last one now.
        psi: a row for each stretch, a column for each variable; NaN where there are too few rows.
        ks: likewise; NaN for categories, too.
        scale: by which chance scales: 1/n + 1/m, for n rows at training and m in the stretch.
    """

    hours: list[datetime]
    psi: Floats
    ks: Floats
    scale: Floats

    def part(self, stretches: slice) -> Trend:
        """Return some of the stretches."""
        tables = (each[stretches] for each in self[1:])
        return Trend(self.hours[stretches], *tables)

    def followed_by(self, later: Trend) -> Trend:
        """Return this and later stretches."""
        tables = (np.vstack(each) for each in zip(self[1:], later[1:], strict=True))
        return Trend(self.hours + later.hours, *tables)


def trend(
    baseline: Baseline,
    states: Sequence[tuple[datetime, Integers]],
    now: Integers,
    min_rows_a_cell: float,
) -> Trend:
    """Return the trend over the hours that are kept.

    Args:
        baseline: whose cells are counted.
        states: hours, with the counts of all cells at their beginning, the earliest first.
        now: the counts of all cells now.
        min_rows_a_cell: in the mean of a variable's cells, below which nothing is said.
    """
    sizes = np.array([len(each.counts) for each in baseline.variables], dtype=np.int64)
    if not states or not len(sizes):
        none = np.empty((0, len(sizes)))
        return Trend([], none, none, none)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    cells = np.vstack([*(counts for _, counts in states), now])
    live = np.maximum(np.diff(cells, axis=0), 0)
    trained = np.concatenate([each.counts for each in baseline.variables])[None, :]
    rows = np.add.reduceat(live, starts, axis=1)
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
    """Return each variable's cumulative fractions; 0 where it has no rows."""
    sums = np.cumsum(counts, axis=1)
    before = np.repeat(sums[:, starts] - counts[:, starts], sizes, axis=1)
    rows = np.add.reduceat(counts, starts, axis=1)
    fractions: Floats = (sums - before) / np.repeat(np.maximum(rows, 1), sizes, axis=1)
    return fractions


def _smoothed(counts: Integers, starts: Integers, sizes: Integers) -> Floats:
    """Return each variable's smoothed fractions, as `boxkite.drift.statistics.smoothed`."""
    totals = np.add.reduceat(counts, starts, axis=1) + sizes / 2
    return (counts + 0.5) / np.repeat(totals, sizes, axis=1)
