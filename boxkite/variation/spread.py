"""How much training windows differ from each other, and how much a new window may differ.

The amounts are squares: of a score along a direction, of the deviation outside the directions, or
of the Kolmogorov-Smirnov distance. A new amount is modelled as

    scale * F(numerator, denominator),

where F is Fisher's distribution. One numerator degree of freedom gives the square of Student's t.
More numerator degrees of freedom give a lighter tail, as for a sine, a uniform trend or a sum of
many squares. Fewer denominator degrees of freedom give a heavier tail, as for days with the odd
blizzard.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.variation.fisher import quantile
from boxkite.variation.sliding_windows import Sliding

__all__ = ["MANY_WINDOWS", "Spread", "fit_spread", "greatest_usual"]

Floats: TypeAlias = NDArray[np.float64]

_INFINITE = 1e6
_SHAPES = (
    *((1.0, tail) for tail in (3.0, 4.0, 5.0, 7.0, 10.0, 20.0)),
    *((numerator, _INFINITE) for numerator in (1.0, 2.0, 3.0, 4.0, 6.0, 9.0, 14.0)),
)
"""Degrees of freedom to choose from, the heaviest tail first."""

# The scale is fitted to these quantiles. None of them moves if a tenth of the windows is wild. For
# normal scores, they have 0.8 of the efficiency of the variance, which is the best estimator. An
# efficiency of 0.7 leaves room for other shapes.
_LEVELS = (0.5, 0.7, 0.9)
_EFFICIENCY = 0.7

_FEW_WINDOWS = 20
"""With fewer windows than this, the tail cannot be estimated and normal coordinates are assumed."""

_PRECISION = 1e-6

MANY_WINDOWS = 40
"""Fewest windows of which one may be an exception."""


@dataclass(frozen=True)
class Spread:
    """The distribution of one squared amount over windows, beyond chance.

    Attributes:
        scale: Size of a typical amount beyond chance.
        numerator: Numerator degrees of freedom of Fisher's distribution.
        denominator: Denominator degrees of freedom. The number of windows limits them.
        windows: Number of training windows that do not overlap.
        greatest: Greatest amount in a training window, minus the mean that chance gives. If there
            are at least `MANY_WINDOWS`, one exceptional window is left out.
    """

    scale: float
    numerator: float
    denominator: float
    windows: int
    greatest: float

    def limit(self, tail: float) -> float:
        """Return the amount that a window without drift exceeds with probability `tail`.

        The fitted quantile is kept between two bounds. It is at least the greatest amount in
        training, so that training itself is no drift. It is at most four times that (twice the
        greatest deviation), because a fit to few windows says nothing about events that none of
        them saw. With few windows the upper bound is higher, so that normal scores exceed it with
        probability `tail` at most.

        Args:
            tail: A probability between 0 and 1.
        """
        fitted = self.scale * quantile(tail, self.numerator, self.denominator)
        students = quantile(tail, 1.0, self.windows - 1.0)
        usual_greatest = quantile(0.5 / self.windows, 1.0, _INFINITE)
        ceiling = self.greatest * max(4.0, 1.5 * students / usual_greatest)
        return max(self.greatest, min(fitted, ceiling))


def fit_spread(
    amounts: Floats,
    chance: Floats,
    *,
    growth: Floats | float = 1.0,
    rank: float = 1.0,
    sliding: Sliding | None = None,
) -> Spread:
    """Fit the distribution of an amount to training windows.

    The scale is the number for which three quantiles of amount / (scale + chance) have the same
    mean as the three quantiles of Fisher's distribution. The ratio of the 90 % quantile to the
    median determines the shape. The ratio is first raised by its own error, so few windows give a
    heavier tail.

    Args:
        amounts: Squared amount in each window, at least two windows.
        chance: Mean amount that chance alone gives in each window, more than 0.
        growth: Factor by which each window's limit will be raised (`Variation.growth`). Only the
            greatest amount is divided by it: the scale must also hold for large windows.
        rank: Number of coordinates in which windows vary alike. With few windows the shape does not
            show, so the rank serves as the numerator.
        sliding: When the windows begin; None if they follow one another without overlap.
    """
    sliding = sliding or Sliding(np.arange(len(amounts)))
    windows = sliding.windows
    shape = max(i for i, (numerator, _) in enumerate(_SHAPES) if numerator <= max(rank, 1.0))
    scale = 0.0
    for _ in range(5):  # The scale and the shape depend on each other; three rounds settle them.
        scale = _solve_scale(amounts, chance, sum(_quantiles(shape)))
        if windows < _FEW_WINDOWS:
            break
        low, _, high = _at_levels(amounts / (scale + chance))
        ratio = high / max(low, 1e-300) * math.exp(1.5 / math.sqrt(windows))
        lighter = [i for i in range(len(_SHAPES)) if _ratio(i) >= ratio]
        previous, shape = shape, max(lighter, default=0)
        if shape == previous:
            break
    numerator, denominator = _SHAPES[shape]
    return Spread(
        scale=_rounded(scale),
        numerator=numerator,
        denominator=_rounded(min(denominator, _EFFICIENCY * windows * numerator)),
        windows=windows,
        greatest=_rounded(greatest_usual(np.maximum(amounts - chance, 0.0) / growth, sliding)),
    )


def greatest_usual(amounts: Floats, sliding: Sliding) -> float:
    """Return the greatest amount. With many windows, leave out one exception.

    One window in many that is unlike all others (the day of a blizzard) is worth an alert. If it
    counted as natural, no smaller change along its direction would ever be found. The windows that
    overlap with it show the same event, so they are left out too. If windows at another time are
    just as unusual, they stay: a job that runs once a week is natural.
    """
    greatest = int(amounts.argmax())
    if sliding.windows < MANY_WINDOWS:
        return float(amounts[greatest])
    apart = np.abs(sliding.starts - sliding.starts[greatest]) >= sliding.length
    return float(amounts[apart].max())


def _rounded(number: float) -> float:
    """Return the number with nine digits, so that machines agree on it."""
    return float(f"{number:.9g}")


@cache
def _quantiles(shape: int) -> tuple[float, ...]:
    return tuple(quantile(1 - level, *_SHAPES[shape]) for level in _LEVELS)


def _ratio(shape: int) -> float:
    return _quantiles(shape)[-1] / _quantiles(shape)[0]


def _solve_scale(amounts: Floats, chance: Floats, expected: float) -> float:
    """Return the scale at which the quantiles add up to `expected`, 0 if chance explains them."""
    if sum(_at_levels(amounts / chance)) <= expected:
        return 0.0
    low, high = 0.0, float(amounts.max())
    while sum(_at_levels(amounts / (high + chance))) > expected:
        low, high = high, 2 * high
    while high - low > _PRECISION * high:
        middle = (low + high) / 2
        if sum(_at_levels(amounts / (middle + chance))) > expected:
            low = middle
        else:
            high = middle
    return high


def _at_levels(values: Floats) -> tuple[float, ...]:
    """Return the quantiles at `_LEVELS`. Sorting is ten times as fast as `np.quantile` here."""
    ordered = np.sort(values)
    found: list[float] = []
    for level in _LEVELS:
        below, part = divmod(level * (len(ordered) - 1), 1)
        following = min(int(below) + 1, len(ordered) - 1)
        found.append(float(ordered[int(below)] * (1 - part) + ordered[following] * part))
    return tuple(found)
