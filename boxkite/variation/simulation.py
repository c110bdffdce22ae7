"""Simulated windows of independent rows: how far chance alone moves training windows.

A formula would be inaccurate for cells that expect few rows, and in these cells chance is greatest.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.variation.deviation import deviations, excesses, smoothed_fractions
from boxkite.variation.principal_axes import principal_axes
from boxkite.variation.sliding_windows import Sliding, TrainingWindows
from boxkite.variation.spread import greatest_usual

__all__ = ["STANDS_OUT", "Chance", "Simulation", "independent_rows", "simulate"]

Counts: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

STANDS_OUT = 1.2
"""How far training must exceed the greatest simulated amount for chance not to explain it."""

_STANDARD_ERRORS = 4.0
_SIMULATED_WINDOWS = 4_000
_FEWEST_SIMULATIONS, _MOST_SIMULATIONS = 5, 20


class Chance(NamedTuple):
    """What an amount is in training windows by chance alone, divided by 1/m + 1/n.

    Attributes:
        mean: Mean over all windows.
        error: Standard error of the mean of one training's windows.
        greatest: Greatest amount in any simulated window.
    """

    mean: float
    error: float
    greatest: float

    @classmethod
    def of(cls, simulations: list[Floats]) -> Chance:
        """Summarise the amounts of simulated windows, one array for each simulation."""
        amounts = np.array(simulations)
        error = amounts.std() / np.sqrt(amounts.shape[1])
        return cls(float(amounts.mean()), float(error), float(amounts.max()))

    def scaled(self, by: float) -> Chance:
        """Return the same for a part of the amount."""
        return Chance(*(each * by for each in self))

    def explains(self, amounts: Floats, sliding: Sliding) -> bool:
        """Return whether chance explains both the mean and the greatest of the amounts."""
        mean, greatest = float(amounts.mean()), greatest_usual(amounts, sliding)
        most = self.mean + _STANDARD_ERRORS * self.error * math.sqrt(sliding.overlap) + 1e-9
        return mean <= most and greatest <= STANDS_OUT * self.greatest


class Simulation(NamedTuple):
    """Results from simulated windows of independent rows, of the same sizes as in training.

    Attributes:
        greatest: Greatest eigenvalue of each axis in any simulation.
        median: Median over the axes of the mean eigenvalue.
        psi: PSI / (1/m + 1/n).
        points: Deviation of each cell / sqrt(1/m + 1/n), one array of windows a simulation.
    """

    greatest: Floats
    median: float
    psi: Chance
    points: tuple[Floats, ...]

    def excess(self, directions: Floats) -> Chance:
        """Return the squared excess of one cell outside the directions / (1/m + 1/n)."""
        return Chance.of([excesses(each, directions) ** 2 for each in self.points])


def independent_rows(windows: TrainingWindows) -> Iterator[tuple[Counts, Counts]]:
    """Draw windows of independent rows, and the other rows of training, several times."""
    random = np.random.default_rng(0)  # The same training gives the same baseline.
    training = windows.counts[0] + windows.others[0]
    fractions = smoothed_fractions(training)
    number = _SIMULATED_WINDOWS // len(windows.rows)
    for _ in range(min(max(number, _FEWEST_SIMULATIONS), _MOST_SIMULATIONS)):
        drawn = random.multinomial(windows.rows, fractions)
        yield drawn, np.maximum(training - drawn, 0)


def simulate(windows: TrainingWindows) -> Simulation:
    """Measure simulated windows of independent rows in the same way as training windows."""
    eigenvalues: list[Floats] = []
    scaled: list[Floats] = []
    for drawn, others in independent_rows(windows):
        points = deviations(drawn, others)
        eigenvalues.append(principal_axes(points, windows.chance)[0])
        scaled.append(points / np.sqrt(windows.chance)[:, np.newaxis])
    found = np.array(eigenvalues)
    cells = windows.counts.shape[1]
    return Simulation(
        greatest=found.max(axis=0),
        median=float(np.median(found.mean(axis=0)[: cells - 1])),
        psi=Chance.of([(each**2).sum(axis=1) for each in scaled]),
        points=tuple(scaled),
    )
