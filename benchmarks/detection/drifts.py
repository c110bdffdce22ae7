"""What happens to live rows: each drift takes rows and a magnitude, of which 0 changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from distributions import Distribution, Floats, landmarks

__all__ = ["DRIFTS", "Drift", "drifts_of"]

Change: TypeAlias = Callable[[Floats, Distribution, float, np.random.Generator], Floats]


class Drift(NamedTuple):
    """How rows change, and from which magnitude on nothing more can."""

    change: Change
    most: float


def _shift(
    rows: Floats, distribution: Distribution, magnitude: float, random: np.random.Generator
) -> Floats:
    moved = rows + magnitude * landmarks(distribution).spread
    return distribution.settle(moved, rows, random)


def _scale(
    rows: Floats, distribution: Distribution, magnitude: float, random: np.random.Generator
) -> Floats:
    middle = landmarks(distribution).median
    return distribution.settle(middle + (rows - middle) * (1 + magnitude), rows, random)


def _tail(
    rows: Floats, distribution: Distribution, magnitude: float, random: np.random.Generator
) -> Floats:
    """A share of the rows comes four times as far from the median."""
    middle = landmarks(distribution).median
    chosen = random.random(len(rows)) < magnitude
    far = distribution.settle(middle + 4 * (rows - middle), rows, random)
    return np.where(chosen, far, rows)


def _skew(
    rows: Floats, distribution: Distribution, magnitude: float, random: np.random.Generator
) -> Floats:
    """What is above the median is stretched."""
    above = np.maximum(rows - landmarks(distribution).median, 0.0)
    return distribution.settle(rows + magnitude * above, rows, random)


def _atom(
    rows: Floats, distribution: Distribution, magnitude: float, random: np.random.Generator
) -> Floats:
    """A share of the rows has one and the same value, the upper quartile."""
    chosen = random.random(len(rows)) < magnitude
    return np.where(chosen, landmarks(distribution).upper_quartile, rows)


def _emptied(
    rows: Floats, distribution: Distribution, magnitude: float, random: np.random.Generator
) -> Floats:
    """A share of one bin's rows, or of one category's, is lost; the others stand in for them."""
    if distribution.categories:
        inside = rows == min(distribution.categories - 1, 3)
    else:
        low, high = landmarks(distribution).bin
        inside = (rows > low) & (rows <= high)
    lost = inside & (random.random(len(rows)) < magnitude)
    others = rows[~inside]
    return np.where(lost, others[random.integers(0, len(others), len(rows))], rows)


def _ramp(
    rows: Floats, distribution: Distribution, magnitude: float, random: np.random.Generator
) -> Floats:
    """A shift that grows from nothing over the window's rows; of categories the swap grows."""
    progress = np.arange(len(rows)) / len(rows)
    if distribution.categories:
        chosen = random.random(len(rows)) < magnitude * progress
        return np.where(chosen, _swapped(rows, distribution), rows)
    moved = rows + magnitude * progress * landmarks(distribution).spread
    return distribution.settle(moved, rows, random)


def _swapped(rows: Floats, distribution: Distribution) -> Floats:
    """Return the rows with the commonest category and the tenth, or last, taken for each other."""
    other = min(distribution.categories, 10) - 1
    return np.where(rows == 0, other, np.where(rows == other, 0.0, rows))


def _swap(
    rows: Floats, distribution: Distribution, magnitude: float, random: np.random.Generator
) -> Floats:
    """A share of the rows has two categories the wrong way round."""
    chosen = random.random(len(rows)) < magnitude
    return np.where(chosen, _swapped(rows, distribution), rows)


def _new_category(
    rows: Floats, distribution: Distribution, magnitude: float, random: np.random.Generator
) -> Floats:
    chosen = random.random(len(rows)) < magnitude
    return np.where(chosen, float(distribution.categories), rows)


def _rare(
    rows: Floats, distribution: Distribution, magnitude: float, random: np.random.Generator
) -> Floats:
    """Of the categories beyond the commonest half, every second is taken for the one before it."""
    half = distribution.categories // 2
    chosen = (rows >= half) & (rows % 2 == 1) & (random.random(len(rows)) < magnitude)
    return np.where(chosen, rows - 1, rows)


DRIFTS: dict[str, Drift] = {
    "shift": Drift(_shift, 4.0),
    "scale": Drift(_scale, 20.0),
    "tail": Drift(_tail, 1.0),
    "skew": Drift(_skew, 20.0),
    "new atom": Drift(_atom, 1.0),
    "one bin emptied": Drift(_emptied, 1.0),
    "slow ramp": Drift(_ramp, 4.0),
    "category swap": Drift(_swap, 1.0),
    "new category": Drift(_new_category, 1.0),
    "rare categories": Drift(_rare, 1.0),
    "one category emptied": Drift(_emptied, 1.0),
    "slow ramp of a swap": Drift(_ramp, 1.0),
}

_NUMERIC = ["shift", "scale", "tail", "skew", "new atom", "one bin emptied", "slow ramp"]
_CATEGORICAL = ["category swap", "new category", "one category emptied", "slow ramp of a swap"]


def drifts_of(distribution: Distribution) -> list[str]:
    """Return the names of those that can befall a distribution."""
    if not distribution.categories:
        return _NUMERIC
    return [*_CATEGORICAL, *(["rare categories"] if distribution.categories >= 100 else [])]
