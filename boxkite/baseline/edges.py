"""Where the bins of a numeric variable lie."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["checked_edges", "equal_mass_edges", "freedman_diaconis_edges"]

Floats: TypeAlias = NDArray[np.float64]


def equal_mass_edges(ordered: Floats, bins: int) -> Floats:
    """Return the upper edges of about `bins` bins that hold the same mass each.

    The bins are (-inf, e0], (e0, e1], … (ek, +inf); none is empty over the given values. A value
    that holds more than one bin's mass, an atom, has a bin of its own and no part of another.
    A constant column gets an empty bin on both sides of its value, so that anything else shows.
    An edge lies between two values and not on one, so that a value comes into its bin again when it
    has passed through 32 bits, or through a text of six digits.

    Args:
        ordered: finite values, ascending.
        bins: how many bins a column without ties gets, 2 or more.

    Returns:
        Ascending edges, at least one fewer than there are bins; none for no values.
    """
    if len(ordered) == 0:
        return np.empty(0)
    if ordered[0] == ordered[-1]:
        return _around(float(ordered[0]))
    mass = len(ordered) / bins
    edges: list[float] = []
    start = 0
    for first, end in _atoms(ordered, mass):
        edges += _segment_edges(ordered[start:first], mass)
        edges.append(ordered[end - 1])
        start = end
    edges += _segment_edges(ordered[start:], mass)
    # Without the maximum the last bin is the open one above, and not empty.
    last = _distinct(edges)[:-1]
    following = ordered[np.searchsorted(ordered, last, side="right")]
    return _distinct([_between(*pair) for pair in zip(last.tolist(), following, strict=True)])


_CONSTANT_MARGIN = 1e-6


def _around(value: float) -> Floats:
    """Return an edge close below and one close above a constant, as far as there is room."""
    margin = abs(value) * _CONSTANT_MARGIN or _CONSTANT_MARGIN
    below, above = (float(f"{edge:.9g}") for edge in (value - margin, value + margin))
    edges = [below] if -math.inf < below < value else []
    return _distinct([*edges, above] if value < above < math.inf else edges)


def _between(low: float, high: float) -> float:
    """Return the shortest number well between two; the lower where there is none."""
    middle = low / 2 + high / 2
    margin = high / 8 - low / 8
    for digits in range(1, 18):
        rounded = float(f"{middle:.{digits}g}")
        if low + margin < rounded < high - margin:
            return rounded
    return low


def _atoms(ordered: Floats, mass: float) -> list[tuple[int, int]]:
    """Return [first, end) of each run of equal values longer than `mass`.

    Such a run covers one of the ranks a bin apart, so only the values there are looked at.
    """
    ranks = np.arange(0, len(ordered), max(1, math.floor(mass)))
    candidates = np.unique(ordered[ranks])
    first = np.searchsorted(ordered, candidates, side="left")
    end = np.searchsorted(ordered, candidates, side="right")
    heavy = end - first > max(1.0, mass)
    return list(zip(first[heavy].tolist(), end[heavy].tolist(), strict=True))


def _segment_edges(segment: Floats, mass: float) -> list[float]:
    """Return the upper edges that cut `segment` into bins of about `mass` values each."""
    if len(segment) == 0:
        return []
    bins = max(1, round(len(segment) / mass))
    ranks = np.ceil(np.arange(1, bins + 1) * len(segment) / bins).astype(np.int64) - 1
    edges: list[float] = segment[np.maximum(ranks, 0)].tolist()
    return edges


def _distinct(edges: Sequence[float] | Floats) -> Floats:
    """Return the edges ascending and once each, -0.0 as 0.0."""
    return np.unique(np.asarray(edges, dtype=np.float64)) + 0.0


def checked_edges(edges: Sequence[float] | Floats) -> Floats:
    """Return edges that a user gave, as an array.

    Raises:
        ValueError: if they are not finite, or not strictly ascending.
    """
    array = np.asarray(edges, dtype=np.float64)
    if array.ndim != 1 or len(array) == 0:
        raise ValueError("bin edges are a list of at least one number")
    if not np.isfinite(array).all():
        raise ValueError("bin edges are finite; the last bin reaches to +Inf by itself")
    if (np.diff(array) <= 0).any():
        raise ValueError("bin edges ascend, each once")
    return array + 0.0


def freedman_diaconis_edges(values: Floats, max_bins: int = 50) -> Floats:
    """Return equal-width edges as boxkite 0.0.5 chose them, from all of the values.

    The width is the smaller of Freedman and Diaconis's 2 IQR / n^(1/3) and Sturges's
    range / (log2 n + 1); the edges run from the minimum to the maximum. Where that asks for more
    than `max_bins`, `max_bins` of them span twice the interquartile range about its middle, and
    the extremes are added. An outlier costs no memory: bins are counted before they are made.

    Args:
        values: finite values in any order, at least one.
        max_bins: the most edges to return, but for the two extremes.
    """
    low, high = float(values.min()), float(values.max())
    if low == high:
        return _distinct([low - 0.5, high + 0.5])
    if high - low > sys.float_info.max / 4:  # steps and their sums would leave the float range
        scaled = freedman_diaconis_edges(values / 4, max_bins) * 4
        return _distinct([low, *scaled[1:-1], high])
    upper_quartile, lower_quartile = (float(q) for q in np.percentile(values, [75, 25]))
    spread = upper_quartile - lower_quartile
    freedman_diaconis = 2.0 * spread * len(values) ** (-1.0 / 3.0)
    sturges = (high - low) / (math.log2(len(values)) + 1.0)
    width = min(freedman_diaconis, sturges) if freedman_diaconis else sturges
    bins = (high - low) / width if width else math.inf
    if bins <= max_bins - 1:
        return _distinct(np.linspace(low, high, math.ceil(bins) + 1))
    start = max((upper_quartile + lower_quartile) / 2 - spread, low)
    stop = min(start + max_bins * (2 * spread / max_bins), high)
    inner = np.linspace(start, stop, max_bins)
    below = [low] if start > low else []
    above = [high] if stop < high else []
    return _distinct([*below, *inner, *above])
