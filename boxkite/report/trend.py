"""How far every variable was from training in each hour that is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline import Baseline
from boxkite.drift import Policy

__all__ = ["Trend", "trend"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]


class Trend(NamedTuple):
    """Distances from training by the hour.

    Attributes:
        hours: Start of each hour. An hour ends when the next one starts; the last one ends now.
        multiples: `VariableDrift.multiple`, with one row per hour and one column per variable. NaN
            if the hour has too few rows, or training cannot judge the variable.
    """

    hours: list[datetime]
    multiples: Floats

    def part(self, hours: slice) -> Trend:
        """Return some of the hours."""
        return Trend(self.hours[hours], self.multiples[hours])

    def followed_by(self, later: Trend) -> Trend:
        """Return the hours of this trend and of a later one."""
        return Trend(self.hours + later.hours, np.vstack([self.multiples, later.multiples]))


def trend(
    baseline: Baseline,
    states: Sequence[tuple[datetime, Integers]],
    now: Integers,
    policy: Policy,
) -> Trend:
    """Return the trend of all variables.

    All hours of a variable are computed at once, because a page may show 1,000 variables and a week
    of hours, and should still answer within a second.

    Args:
        baseline: Baseline whose cells are counted.
        states: Start of each hour with the counts of all cells at that time, earliest first.
        now: Counts of all cells now.
        policy: Judges an hour by the longest of its windows that is not longer.
    """
    variables = baseline.variables
    found = np.full((len(states), len(variables)), np.nan)
    if not states:
        return Trend([], found)
    counts = np.vstack([*(each for _, each in states), now])
    # Totals can fall if a worker's counts become unreadable, but an hour has no negative counts.
    live = np.maximum(np.diff(counts, axis=0), 0)
    window = policy.window_within(1.0)
    start = 0
    for place, variable in enumerate(variables):
        cells = live[:, start : start + len(variable.counts)]
        start += len(variable.counts)
        if policy.too_few_at_training(variable):
            continue
        enough = cells.sum(axis=1) >= policy.min_rows_a_cell * len(variable.counts)
        multiples = policy.allowance(window, len(variables), variable).multiples(
            cells,
            variable.counts,
            policy.natural_variation(window, variable),
            ordered=variable.is_ordered,
            design_effect=policy.design_effect,
        )
        found[:, place] = np.where(enough, multiples, np.nan)
    return Trend([hour for hour, _ in states], found)
