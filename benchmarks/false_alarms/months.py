"""Months of live rows in counts, and how often an alert of drift starts to fire in them.

Rows arrive by Poisson's law, each in a cell by the true fractions. An alarm needs every evaluation
of a pending period, a tenth of the window, to be above a critical value, and so one at a multiple
of the period. Hence the windows are looked at there first, and evaluation by evaluation only around
those moments: the counts of a period are then split over its evaluations, as Poisson arrivals are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline import NumericVariable, Variable
from boxkite.drift import Floors, Policy
from boxkite.variation.deviation import deviations, smoothed_fractions

__all__ = ["HOURS", "PERIODS", "Limits", "Window", "alarms", "arrivals"]

Counts: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

HOURS = 720
PERIODS = 10
"""Pending periods in a window."""

_SLOTS_AN_HOUR = 10


@dataclass(frozen=True)
class Window:
    """How one group of rules evaluates: as `boxkite rules` prints it."""

    name: str
    hours: int
    evaluations: int
    """In a pending period."""


class Limits(NamedTuple):
    """What PSI and K-S must exceed before it is scaled by the rows, and which sizes matter."""

    psi: float
    floors: Floors
    ks: float = np.inf

    @classmethod
    def of(cls, policy: Policy, window: str, variables: int, variable: Variable) -> Limits:
        """Return those of a policy; categories have no K-S."""
        numeric = isinstance(variable, NumericVariable)
        return cls(
            policy.critical(window, variables, variable),
            policy.floors(variable),
            policy.ks_critical(window, variables) if numeric else np.inf,
        )

    def judged(self, live: Counts, least_rows: float) -> NDArray[np.bool_]:
        """Tell which windows have a verdict: K-S judges any number of rows, PSI needs enough."""
        rows = live.sum(axis=1)
        by_psi = (rows >= least_rows) & ~np.isnan(self.psi)
        return by_psi | ((rows > 0) & np.isfinite(self.ks))

    def above(self, live: Counts, baseline: Counts, least_rows: float) -> NDArray[np.bool_]:
        """Return whether each window's verdict is drift.

        Args:
            live: live rows in each cell, one line per window.
            baseline: training rows of each cell.
            least_rows: live rows from which PSI judges.
        """
        rows, trained = np.maximum(live.sum(axis=1), 1), baseline.sum()
        scale = 1 / trained + 1 / rows
        psi = (deviations(live, baseline) ** 2).sum(axis=1)
        found: NDArray[np.bool_] = (rows >= least_rows) & (psi > self.psi * scale)
        if np.isfinite(self.ks):
            distance = np.cumsum(live, axis=1) / rows[:, None] - np.cumsum(baseline) / trained
            far = np.abs(distance).max(axis=1) > self.ks * np.sqrt(scale)
            found |= far & live.any(axis=1)
        moved = np.abs(smoothed_fractions(live) - smoothed_fractions(baseline)).max(axis=1)
        return found & ((psi > self.floors.effect) | (moved >= self.floors.moved))


def arrivals(rows_an_hour: Floats, fractions: Floats, random: np.random.Generator) -> Counts:
    """Return a month's rows of each cell in each tenth of an hour, and a day's before it.

    Args:
        rows_an_hour: for each of the 24 hours of a day.
        fractions: of the cells.
        random: where the counts come from.
    """
    hours = np.tile(rows_an_hour, HOURS // 24 + 1) / _SLOTS_AN_HOUR
    slots = np.repeat(hours, _SLOTS_AN_HOUR)
    return random.poisson(slots[:, None] * fractions)


def alarms(
    slots: Counts,
    baseline: Counts,
    window: Window,
    limits: Sequence[Limits],
    least_rows: float,
    random: np.random.Generator,
) -> tuple[list[int], list[int], int]:
    """Count the alarms of one variable in a month.

    Args:
        slots: what `arrivals` returned.
        baseline: training rows of each cell.
        window: of the rules.
        limits: of each rule that is tried.
        least_rows: live rows from which PSI judges.
        random: for splitting periods over evaluations.

    Returns:
        For each rule the alarms that started to fire, and the moments, a pending period apart, at
        which the verdict was drift; and at how many such moments there was a verdict.
    """
    periods = slots.reshape(-1, window.hours, slots.shape[1]).sum(axis=1)
    windows = _windows(periods, PERIODS)
    judged = limits[0].judged(windows, least_rows)
    judged[: 24 * _SLOTS_AN_HOUR // window.hours - PERIODS] = False  # still the day before
    fired, above = [], []
    for each_rule in limits:
        high = judged & each_rule.above(windows, baseline, least_rows)
        above.append(int(high.sum()))
        around = [  # of one that lasts, the first five windows tell
            periods[max(0, first - 1) : min(last, first + 5 * PERIODS) + PERIODS + 1]
            for first, last in _clusters(np.flatnonzero(high))
        ]
        fired.append(
            sum(_fires(each, baseline, window, each_rule, least_rows, random) for each in around)
        )
    return fired, above, int(judged.sum())


def _windows(periods: Counts, length: int) -> Counts:
    """Return the sums over each `length` periods that follow one another."""
    summed = np.zeros((len(periods) + 1, periods.shape[1]), dtype=np.int64)
    np.cumsum(periods, axis=0, out=summed[1:])
    return summed[length:] - summed[:-length]


def _clusters(moments: NDArray[np.intp]) -> list[tuple[int, int]]:
    """Return the first and last of each run of moments that lie less than a window apart.

    While one is above, `keep_firing_for` lets an alert fire for a window more.
    """
    if not len(moments):
        return []
    starts = np.flatnonzero(np.diff(moments, prepend=-2 * PERIODS) > PERIODS)
    ends = np.append(starts[1:], len(moments)) - 1
    return [(int(moments[s]), int(moments[e])) for s, e in zip(starts, ends, strict=True)]


def _fires(
    periods: Counts,
    baseline: Counts,
    window: Window,
    limits: Limits,
    least_rows: float,
    random: np.random.Generator,
) -> bool:
    """Tell whether the verdict is drift at each evaluation of some pending period."""
    steps = window.evaluations
    split = random.multinomial(periods, np.full(steps, 1 / steps))  # periods, cells, evaluations
    fine = split.transpose(0, 2, 1).reshape(-1, periods.shape[1])
    live = _windows(fine, PERIODS * steps)
    high = limits.above(live, baseline, least_rows)
    return bool((_windows(high[:, None].astype(np.int64), steps + 1) > steps).any())
