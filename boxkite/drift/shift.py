"""How a distribution moved, in words and in the unit of the column."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.variable import CategoryVariable, NumericVariable, Variable
from boxkite.drawing.cell_words import cell_words
from boxkite.drawing.drawn_bins import drawn_bins
from boxkite.drawing.svg import percent
from boxkite.drawing.value_text import value_text

__all__ = ["shift_words"]

Counts: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

_DAY = 86400.0
_LONG_TIME = 14 * _DAY  # Beyond this span, the hour of a median says nothing.
_DIGITS = 3
_LEAST_CHANGE = 0.01
"""Smallest loss of a category that is worth words, and smallest move of a median relative to the
range from the first to the third quartile."""


def shift_words(variable: Variable, live: Counts) -> str:
    """Return how the rows moved: how far the median went, or which category gained and which lost.

    The result is empty if neither moved. Medians are interpolated in their bins.

    Args:
        variable: Variable at training.
        live: Live rows in each cell.
    """
    if not live.sum() or not variable.counts.sum():
        return ""
    if isinstance(variable, CategoryVariable):
        return _exchange(variable, live)
    return "" if variable.value_type == "boolean" else _median_shift(variable, live)


def _exchange(variable: CategoryVariable, live: Counts) -> str:
    change = live / live.sum() - variable.counts / variable.counts.sum()
    gained, lost = int(change.argmax()), int(change.argmin())
    if min(change[gained], -change[lost]) < _LEAST_CHANGE:
        return ""
    return (
        f"{cell_words(variable, gained)} gained {percent(float(change[gained]))} of rows, "
        f"{cell_words(variable, lost)} lost {percent(float(-change[lost]))}"
    )


def _median_shift(variable: NumericVariable, live: Counts) -> str:
    edges = drawn_bins(variable).edges
    if not np.isfinite(edges).all():
        return ""
    first, before, third = _quantiles(edges, variable.counts, (0.25, 0.5, 0.75))
    (now,) = _quantiles(edges, live, (0.5,))
    difference = now - before
    if abs(difference) <= _LEAST_CHANGE * (third - first):
        return ""
    shares = np.cumsum(live) / live.sum() - np.cumsum(variable.counts) / variable.counts.sum()
    moved = float(-shares.min() if difference > 0 else shares.max())
    verb, side = ("rose", "up") if difference > 0 else ("fell", "down")
    length = "duration" if variable.value_type == "time" else variable.value_type
    return (
        f"{percent(max(moved, 0.0))} of rows moved {side}: the median {verb} by about "
        f"{value_text(abs(difference), length, _DIGITS)}, from {_about(variable, before)} to "
        f"{_about(variable, now)}"
    )


def _about(variable: NumericVariable, value: float) -> str:
    if variable.value_type == "time" and variable.maximum - variable.minimum > _LONG_TIME:
        value -= value % _DAY
    return value_text(value, variable.value_type, _DIGITS)


def _quantiles(edges: Floats, counts: Counts, fractions: tuple[float, ...]) -> list[float]:
    cumulative = np.concatenate([[0.0], np.cumsum(counts) / counts.sum()])
    found: list[float] = []
    for fraction in fractions:
        # The first bin that reaches the fraction has rows, so there is no division by zero.
        cell = int(np.searchsorted(cumulative[1:], fraction))
        part = (fraction - cumulative[cell]) / (cumulative[cell + 1] - cumulative[cell])
        found.append(float(edges[cell] + part * (edges[cell + 1] - edges[cell])))
    return found
