"""Learn how a variable varies naturally between windows of time.

Each window's deviation from the rest of training (`boxkite.variation.deviation`) is a point with
one coordinate for each cell. If rows are independent, the points scatter evenly in all directions.
If hours, weekdays or weather move the data, the points scatter mostly along a few directions, which
are the leading principal axes. An axis counts as a direction if it stands out from the axes of
simulated windows of independent rows (Horn's parallel analysis, 1965), and from the other axes of
the same windows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.variation.deviation import deviations, distances, excesses
from boxkite.variation.principal_axes import effective_rank, principal_axes
from boxkite.variation.simulation import (
    STANDS_OUT,
    Chance,
    Simulation,
    independent_rows,
    simulate,
)
from boxkite.variation.sliding_windows import TrainingWindows
from boxkite.variation.spread import Spread, fit_spread

__all__ = [
    "MIN_ROWS_A_CELL",
    "MIN_WINDOWS",
    "MOST_DIRECTIONS",
    "Variation",
    "learn_variation",
    "training_drift",
]

Counts: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

MIN_ROWS_A_CELL = 5.0
"""Fewest rows per cell, on average, for a verdict, unless a policy says otherwise."""

MIN_WINDOWS = 8
"""Fewest training windows from which variation is learnt."""

MOST_DIRECTIONS = 3
"""Most directions of one variable."""

_WINDOWS_A_DIRECTION = 8
# Libraries of linear algebra differ in the last digits, and a baseline's version is its digest.
_DIGITS = 9


@dataclass(frozen=True, eq=False)
class Variation:
    """The natural variation of one variable between windows of one length.

    Attributes:
        windows: Number of training windows.
        rows: Median number of rows in a training window.
        directions: Unit vectors over the cells, shape (directions, cells). Empty if no direction
            stands out from chance.
        along: Spread of the squared score along each direction.
        rest: Spread of the squared deviation outside the directions; None if chance explains it.
        distance: Spread of the squared K-S distance; None if chance explains it, and for unordered
            categories.
        excess: Spread of the squared excess of one cell (`boxkite.variation.deviation.excesses`);
            None if chance explains it.
    """

    windows: int
    rows: float
    directions: Floats
    along: tuple[Spread, ...] = ()
    rest: Spread | None = None
    distance: Spread | None = None
    excess: Spread | None = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Variation):
            return NotImplemented
        mine, theirs = (
            (each.windows, each.rows, each.along, each.rest, each.distance, each.excess)
            for each in (self, other)
        )
        return mine == theirs and np.array_equal(self.directions, other.directions)

    def __hash__(self) -> int:
        return hash((self.windows, self.rows, self.along, self.rest, self.distance))

    @property
    def cells(self) -> int:
        """Number of the variable's cells."""
        return int(self.directions.shape[1])

    @property
    def is_chance(self) -> bool:
        """Whether training windows differ no more than chance makes them."""
        return not self.along and not any((self.rest, self.distance, self.excess))

    def growth(self, rows: float) -> float:
        """Return the factor by which a window of `rows` rows may vary more than training windows.

        If users' bursts cause the variation, it grows as rows become fewer. If the world causes it,
        it does not. Training windows of one size cannot tell the two apart, so boxkite assumes the
        cause that gives more variation: bursts in windows smaller than the median, and the world in
        larger ones.
        """
        return max(1.0, self.rows / rows)


def learn_variation(
    counts: Counts, *, ordered: bool, slots: int = 1, min_rows_a_cell: float = MIN_ROWS_A_CELL
) -> Variation | None:
    """Learn the natural variation of one variable.

    Live windows slide: a day from Friday noon to Saturday noon is half a Saturday. So training
    windows slide too. A slot is a part of a window, and a window starts with each slot. Apart from
    that, the order of the windows does not matter. Windows with far fewer rows than a verdict needs
    are left out, so nights without traffic do not count as variation. A single wild window (a
    blizzard) cannot pull a direction towards itself, because unusually large deviations are
    shortened first.

    A trend within training counts as variation: its range is natural, and so is half of that range
    on either side. `training_drift` measures how large the trend is.

    Args:
        counts: Rows of each cell in each slot, in order of time, shape (slots, cells).
        ordered: Whether the cells have an order, so that K-S applies.
        slots: Number of consecutive slots in a window.
        min_rows_a_cell: Mean rows per cell that a verdict needs. Windows with less than half of
            them are left out.

    Returns:
        The variation, or None if fewer than `MIN_WINDOWS` windows have enough rows.
    """
    cells = counts.shape[1]
    # Half of the rows that a verdict needs are enough here. A quiet hour has enough rows for a
    # verdict in one week and too few in the next, and both weeks show how it varies.
    windows = TrainingWindows.of(counts, slots, min_rows_a_cell * cells / 2)
    if len(windows.rows) < MIN_WINDOWS * slots or cells < 2:
        return None
    usual_rows = float(np.median(windows.rows))
    chance, sliding, growth = windows.chance, windows.sliding, windows.growth(usual_rows)
    points = deviations(windows.counts, windows.others)
    simulation = simulate(windows)
    directions = np.round(_directions(points, chance, simulation, sliding.windows), _DIGITS)
    scores = points @ directions.T
    outside_points = points - scores @ directions
    left = (outside_points**2).sum(axis=1)
    outside = simulation.psi.scaled(1 - len(directions) / (cells - 1))
    squared_excess = excesses(points, directions) ** 2
    return Variation(
        windows=sliding.windows,
        rows=usual_rows,
        directions=directions,
        along=tuple(
            fit_spread(each, chance, growth=growth, sliding=sliding) for each in (scores**2).T
        ),
        rest=_fit_beyond(windows, left, outside, usual_rows, rank=effective_rank(outside_points)),
        distance=_learn_distance(TrainingWindows.of(counts, slots, 1), usual_rows)
        if ordered
        else None,
        excess=_fit_beyond(windows, squared_excess, simulation.excess(directions), usual_rows),
    )


def _learn_distance(windows: TrainingWindows, usual_rows: float) -> Spread | None:
    """Learn the spread of K-S.

    K-S judges any number of rows, so it also learns from windows with few rows. Otherwise, a quiet
    night that differs from the day would count as drift every night.
    """
    squares = distances(windows.counts, windows.others) ** 2
    expected = Chance.of(
        [distances(*each) ** 2 / windows.chance for each in independent_rows(windows)]
    )
    return _fit_beyond(windows, squares, expected, usual_rows)


def _fit_beyond(
    windows: TrainingWindows,
    amounts: Floats,
    expected: Chance,
    usual_rows: float,
    *,
    rank: float = 1.0,
) -> Spread | None:
    """Fit a spread, unless chance explains the amounts."""
    chance, sliding = windows.chance, windows.sliding
    if expected.mean <= 0 or expected.explains(amounts / chance, sliding):
        return None
    growth = windows.growth(usual_rows)
    return fit_spread(amounts, chance * expected.mean, growth=growth, rank=rank, sliding=sliding)


def _directions(points: Floats, chance: Floats, simulation: Simulation, windows: int) -> Floats:
    """Return the axes that stand out, at most one for every eight windows."""
    cells = points.shape[1]
    values, axes = principal_axes(points, chance)
    # Bursts of equal rows widen all axes alike, and then no axis is a direction. A variable with
    # few cells has too few axes to tell whether all of them are widened.
    even = 1.0
    if cells > 4:
        even = max(1.0, float(np.median(values[: cells - 1])) / max(simulation.median, 1e-300))
    most = min(MOST_DIRECTIONS, windows // _WINDOWS_A_DIRECTION, max(1, (cells - 1) // 2))
    out = values[:most] > STANDS_OUT * even * simulation.greatest[:most]
    number = most if out.all() else int(np.argmin(out))
    return axes[:number]


def training_drift(counts: Counts) -> float:
    """Return PSI between the first and the last fifth of training.

    Args:
        counts: Rows of each cell in each slot, in order of time, shape (slots, cells).

    Returns:
        PSI in nats; 0 if there are fewer than five slots or a fifth has no rows.
    """
    fifth = len(counts) // 5
    first, last = counts[:fifth].sum(axis=0), counts[len(counts) - fifth :].sum(axis=0)
    if not fifth or not first.sum() or not last.sum():
        return 0.0
    return float((deviations(last, first) ** 2).sum())
