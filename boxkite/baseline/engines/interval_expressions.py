"""Expressions that put numbers into intervals, with the same result in every engine.

They only compare, add and multiply floats. IEEE 754 defines the results to the last bit, so all
engines agree with numpy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import narwhals as nw

__all__ = [
    "Interval",
    "enclosed",
    "interval_number",
    "quotient",
    "subcell",
    "times_power_of_two",
]

_FULL_RANGE = 0.25
_SMALLEST_RANGE = 1e-290
_TINY_RANGE = 2.0**500


class Interval(NamedTuple):
    """The finite numbers from `lower` to `upper`, both included."""

    lower: float
    upper: float


def interval_number(value: nw.Expr, bounds: Sequence[float]) -> nw.Expr:
    """Return the index of the interval (b0, b1] of each value, as an integer.

    It is 0 up to the first bound. Missing values and NaN are beyond the last bound.
    """
    return _chosen(value, bounds, [nw.lit(number, nw.Int64) for number in range(len(bounds) + 1)])


def enclosed(
    value: nw.Expr, intervals: Sequence[Interval], results: Sequence[nw.Expr], outside: nw.Expr
) -> nw.Expr:
    """Return the result of the interval that holds a value, and `outside` if none does."""
    bounds: list[float] = []
    choices = [outside]
    for interval, result in zip(intervals, results, strict=True):
        bounds += [math.nextafter(interval.lower, -math.inf), interval.upper]
        choices += [result, outside]
    return _chosen(value, bounds, choices)


def _chosen(value: nw.Expr, bounds: Sequence[float], choices: Sequence[nw.Expr]) -> nw.Expr:
    """Return the choice of the first bound that is not below the value, or the last choice."""
    # A tree of comparisons: engines skip the branches that no row takes.
    if not bounds:
        return choices[0]
    middle = len(bounds) // 2
    low = _chosen(value, bounds[:middle], choices[: middle + 1])
    high = _chosen(value, bounds[middle + 1 :], choices[middle + 1 :])
    return nw.when(value <= bounds[middle]).then(low).otherwise(high)


def subcell(value: nw.Expr, interval: Interval, cells: int) -> nw.Expr:
    """Return the index of each value's cell, of about `cells` equally wide ones in an interval.

    A greater value never has a smaller index, and the two ends have different indexes.
    """
    low, high = interval
    scale = 1.0
    if math.isinf(high - low):
        scale = _FULL_RANGE
    elif high - low < _SMALLEST_RANGE:
        scale = _TINY_RANGE  # Otherwise the number of cells per unit would overflow.
    per_unit = cells / (high * scale - low * scale)
    scaled = value if scale == 1.0 else value * scale
    return ((scaled - low * scale) * per_unit).floor().cast(nw.Float64)


def quotient(value: nw.Expr, divisor: float) -> nw.Expr:
    """Return `value / divisor`, rounded once, as numpy rounds it."""
    # Polars replaces a division by a constant with a multiplication by its reciprocal, which rounds
    # twice. So the divisor must not look like a constant.
    return value / (value * 0.0 + divisor)


def times_power_of_two(value: nw.Expr, exponent: int) -> nw.Expr:
    """Return `value * 2**exponent`."""
    # A power of two beyond the range of floats is multiplied in two steps.
    half = exponent // 2
    steps = [exponent] if abs(exponent) <= 1000 else [half, exponent - half]
    for step in steps:
        value = value * 2.0**step
    return value
