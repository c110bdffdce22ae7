"""What changed in a distribution, as one sentence in the unit of the column."""

from __future__ import annotations

import math
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.category_variable import CategoryVariable
from boxkite.baseline.numeric_variable import NumericVariable
from boxkite.baseline.variable import Variable
from boxkite.drawing.cell_words import cell_words
from boxkite.drawing.drawn_bins import drawn_bins
from boxkite.drawing.svg import percent
from boxkite.drawing.value_text import value_text
from boxkite.drawing.whole_values import whole_values
from boxkite.drift.allowance import Statistics

__all__ = ["effect_words"]

Counts: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

_DAY = 86400.0
_TIME_UNITS = (_DAY, 3600.0, 60.0)
_LONG_TIME = 14 * _DAY  # Beyond this span, the hour of a median says nothing.
_LEAST_CHANGE = 0.01
"""Smallest change of a second category that is worth words, and smallest move of a median relative
to the range from the first to the third quartile."""
_NEARLY_ALL = 0.9
"""If the bin holds this part of the rows that moved, a second number would only distract."""


def effect_words(
    variable: Variable, live: Counts, found: Statistics, *, outside: bool = False
) -> str:
    """Return what changed most, as one sentence; empty if training or live rows have no value.

    Categories and booleans get their fraction now and at training: "31 % of rows are true (12 % at
    training)". Numbers get the fraction that moved up or down, the part of it in the bin that
    changed most, and the median: "12 % of rows moved up (7 % to values above 90), and the median
    rose by about 8, from 40 to 48". If the median stays where it was, the bin is all that is named.

    Args:
        variable: Variable at training.
        live: Live rows in each cell.
        found: Statistics of the live rows.
        outside: Whether there are live values outside the range of training.
    """
    if not live.sum() or not variable.counts.sum():
        return ""
    if isinstance(variable, CategoryVariable):
        return _category_words(variable, live, found.moved_cell)
    if variable.value_type == "boolean" and len(live) == 2:
        now, before = _fractions(live)[1], _fractions(variable.counts)[1]
        return f"{percent(now)} of rows are true ({percent(before)} at training)"
    direction = "to" if found.moved_rows > 0 else "away from"
    cell = f"{direction} {cell_words(variable, found.moved_cell, outside=outside)}"
    return _number_words(_Move.of(variable, live, outside=outside), cell, found)


def _category_words(variable: CategoryVariable, live: Counts, moved_cell: int) -> str:
    """Return the fraction of the category that changed most, and of the one that it traded with."""
    now, before = _fractions(live), _fractions(variable.counts)
    change = now - before
    other = int(change.argmin() if change[moved_cell] > 0 else change.argmax())
    words = (
        f"{percent(now[moved_cell])} of rows {_having(variable, moved_cell)} "
        f"({percent(before[moved_cell])} at training)"
    )
    if abs(change[other]) < _LEAST_CHANGE or change[other] * change[moved_cell] >= 0:
        return words
    return f"{words}, {percent(now[other])} {_having(variable, other)} ({percent(before[other])})"


def _having(variable: CategoryVariable, cell: int) -> str:
    name = cell_words(variable, cell)
    return f"are {name}" if name.startswith("'") else f"have {name}"


def _number_words(move: _Move | None, cell: str, found: Statistics) -> str:
    part = abs(found.moved_rows)
    if not part:
        return ""
    if move is None:
        return f"{percent(part)} of rows moved {cell}"
    median = f", and {move.median}" if move.median else ""
    # A value that attracts rows from both sides gets more of them than moved in either direction.
    if part > _NEARLY_ALL * move.share:
        return f"{percent(part)} of rows moved {cell}{median}"
    side = "up" if move.is_up else "down"
    # Only a bin that gains where the rows went, or loses where they came from, is a part of them.
    lies_beyond = (found.moved_cell > move.crossing) == move.is_up
    is_part = lies_beyond == (found.moved_rows > 0)
    where = f" ({percent(part)} {cell})" if is_part else ""
    return f"{percent(move.share)} of rows moved {side}{where}{median}"


class _Move(NamedTuple):
    """How the rows of a numeric variable moved along the axis.

    Attributes:
        is_up: Whether the median rose.
        share: Fraction of rows that crossed the edge where most of them did.
        crossing: The last bin below that edge.
        median: How far the median went, in words. Empty if it rounds to the same whole number, or
            lies outside the range of training, where nothing is known but the side.
    """

    is_up: bool
    share: float
    crossing: int
    median: str

    @classmethod
    def of(cls, variable: NumericVariable, live: Counts, *, outside: bool) -> _Move | None:
        """Return how the rows moved; None if the median did not. Medians are interpolated."""
        edges = drawn_bins(variable).edges
        if not np.isfinite(edges).all():
            return None
        first, before, third = _quantiles(edges, variable.counts, (0.25, 0.5, 0.75))
        (now,) = _quantiles(edges, live, (0.5,))
        if abs(now - before) <= _LEAST_CHANGE * (third - first):
            return None
        is_up = now > before
        fell = np.cumsum(_fractions(live) - _fractions(variable.counts))
        crossed = -fell if is_up else fell
        crossing = int(crossed.argmax())
        share = max(float(crossed[crossing]), 0.0)
        is_open = outside and not edges[1] < now <= edges[-2]
        return cls(is_up, share, crossing, "" if is_open else _median_words(variable, before, now))


def _median_words(variable: NumericVariable, before: float, now: float) -> str:
    """Return how far a median went, with no more digits than its way has."""
    unit = _unit(variable, abs(now - before))
    before, now = (round(each / unit) * unit for each in (before, now))
    if before == now:
        return ""
    length = "duration" if variable.value_type == "time" else variable.value_type
    return (
        f"the median {'rose' if now > before else 'fell'} by about "
        f"{value_text(abs(now - before), length)}, from {value_text(before, variable.value_type)} "
        f"to {value_text(now, variable.value_type)}"
    )


def _unit(variable: NumericVariable, distance: float) -> float:
    """Return what to round a median to."""
    whole = whole_values(variable)
    if whole is not None:
        return whole.unit
    if variable.value_type == "number":
        return float(10.0 ** (math.floor(math.log10(distance)) - 1))
    if variable.value_type == "time" and variable.maximum - variable.minimum > _LONG_TIME:
        return _DAY
    return next((each for each in _TIME_UNITS if distance >= 10 * each), 1.0)


def _fractions(counts: Counts) -> Floats:
    fractions: Floats = counts / counts.sum()
    return fractions


def _quantiles(edges: Floats, counts: Counts, fractions: tuple[float, ...]) -> list[float]:
    cumulative = np.concatenate([[0.0], np.cumsum(counts) / counts.sum()])
    found: list[float] = []
    for fraction in fractions:
        # The first bin that reaches the fraction has rows, so there is no division by zero.
        cell = int(np.searchsorted(cumulative[1:], fraction))
        part = (fraction - cumulative[cell]) / (cumulative[cell + 1] - cumulative[cell])
        found.append(float(edges[cell] + part * (edges[cell + 1] - edges[cell])))
    return found
