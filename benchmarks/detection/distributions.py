"""What rows are drawn from: numeric distributions, and categories by their codes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["DISTRIBUTIONS", "Distribution", "Floats", "Landmarks", "landmarks"]

Floats: TypeAlias = NDArray[np.float64]
Draw: TypeAlias = Callable[[int, np.random.Generator], Floats]


@dataclass(frozen=True)
class Distribution:
    """How rows are drawn, and where values may lie after a drift.

    Categories are the numbers 0, 1, …, by frequency, as floats.
    """

    name: str
    draw: Draw = field(repr=False)
    low: float = -np.inf
    high: float = np.inf
    whole: bool = False
    atom: float = np.nan
    categories: int = 0
    """How many, or 0 for numbers."""

    def settle(self, changed: Floats, original: Floats, random: np.random.Generator) -> Floats:
        """Return changed values where they may be: reflected at bounds, whole, atoms as before."""
        if np.isfinite(self.low):
            changed = self.low + np.abs(changed - self.low)
        if np.isfinite(self.high):
            changed = np.abs(self.high - np.abs(self.high - changed))
        if self.whole:
            changed = np.floor(changed + random.random(len(changed)))
        if not np.isnan(self.atom):
            changed = np.where(original == self.atom, original, changed)
        return changed


@dataclass(frozen=True)
class Landmarks:
    """Where a numeric distribution lies, as `drifts` need it."""

    median: float
    upper_quartile: float
    spread: float
    """The interquartile range of the values that are no atom."""
    bin: tuple[float, float]
    """(low, high]: a tenth of the mass below the median; a single value of whole numbers."""


@lru_cache(maxsize=32)
def landmarks(distribution: Distribution) -> Landmarks:
    """Return them from 200,000 rows of a fixed seed."""
    rows = distribution.draw(200_000, np.random.default_rng(1))
    rows = rows[rows != distribution.atom]
    quarter, below, median, upper = np.quantile(rows, [0.25, 0.4, 0.5, 0.75])
    width = (median - 0.5, median) if distribution.whole else (float(below), float(median))
    return Landmarks(float(median), float(upper), float(upper - quarter), width)


def _atom(rows: int, random: np.random.Generator) -> Floats:
    return np.where(random.random(rows) < 0.6, 0.0, random.lognormal(size=rows))


def _bimodal(rows: int, random: np.random.Generator) -> Floats:
    return random.normal(size=rows) * 0.7 + np.where(random.random(rows) < 0.5, -2.0, 2.0)


def _categorical(number: int) -> Distribution:
    """Return categories of which the k-th has a share like 1 / (k + 1)."""
    shares = 1.0 / np.arange(2, number + 2)
    bounds = np.cumsum(shares / shares.sum())[:-1]

    def draw(rows: int, random: np.random.Generator) -> Floats:
        counts = random.multinomial(rows, np.diff([0.0, *bounds, 1.0]))
        return random.permutation(np.repeat(np.arange(number, dtype=np.float64), counts))

    return Distribution(f"{number:,} categories", draw, categories=number)


DISTRIBUTIONS = {
    each.name: each
    for each in [
        Distribution("normal", lambda rows, random: random.standard_normal(rows)),
        Distribution("lognormal", lambda rows, random: random.lognormal(size=rows), low=0.0),
        Distribution("heavy-tailed", lambda rows, random: random.standard_t(2, rows)),
        Distribution("atom and continuous", _atom, low=0.0, atom=0.0),
        Distribution(
            "integer counts",
            lambda rows, random: random.poisson(4, rows).astype(np.float64),
            low=0.0,
            whole=True,
        ),
        Distribution("bounded", lambda rows, random: random.beta(2, 5, rows), low=0.0, high=1.0),
        Distribution("bimodal", _bimodal),
        *(_categorical(number) for number in (2, 10, 100, 1_000)),
    ]
}
