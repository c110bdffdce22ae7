"""Chooses the edges between the bins of a numeric variable."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.ordered_values import OrderedValues

__all__ = ["checked_edges", "equal_mass_edges", "freedman_diaconis_edges"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]


def equal_mass_edges(ordered: OrderedValues, bins: int) -> Floats:
    """Return the upper edges of about `bins` bins that hold the same number of values each.

    The bins are (-inf, e0], (e0, e1], … (ek, +inf), and none of them is empty for the given values.
    A value that occurs more often than a bin's share (an atom) gets a bin of its own. A constant
    column gets an empty bin on either side of its value, which count any other value.

    Edges lie between values, not on them. So a value still falls into its bin after a conversion to
    32 bits, or to a text of six digits.

    Args:
        ordered: the values of the column. Infinities are not considered.
        bins: number of bins for a column without ties, at least 2.

    Returns:
        The edges, ascending. There are none if there are no values.
    """
    rows = len(ordered)
    if rows == 0:
        return np.empty(0)
    lowest, highest = ordered.at(np.array([0, rows - 1])).tolist()
    # Without edges around it, a constant would share its bin with everything else.
    if lowest == highest:
        return _around(lowest)
    # The last edge is the maximum, and the open bin above it would be empty. Without that edge, the
    # open bin holds the largest values.
    last = _distinct(ordered.at(_edge_ranks(ordered, rows / bins)))[:-1]
    # So far each edge is a value. Move it halfway to the next greater value.
    following = ordered.at(ordered.rank(last, "right")).tolist()
    return _distinct([_between(*pair) for pair in zip(last.tolist(), following, strict=True)])


_CONSTANT_MARGIN = 1e-6


def _around(value: float) -> Floats:
    """Return an edge just below and one just above a constant, if floats leave room for them."""
    margin = abs(value) * _CONSTANT_MARGIN or _CONSTANT_MARGIN
    below, above = (float(f"{edge:.9g}") for edge in (value - margin, value + margin))
    edges = [below] if -math.inf < below < value else []
    return _distinct([*edges, above] if value < above < math.inf else edges)


def _between(low: float, high: float) -> float:
    """Return the shortest decimal number well between two, or the lower one if there is none.

    "Well between" leaves an eighth of the distance on both sides.
    """
    # Halving before adding keeps the sum of two huge numbers from overflowing.
    middle = low / 2 + high / 2
    margin = high / 8 - low / 8
    for digits in range(1, 18):
        rounded = float(f"{middle:.{digits}g}")
        if low + margin < rounded < high - margin:
            return rounded
    return low


def _edge_ranks(ordered: OrderedValues, mass: float) -> Integers:
    """Return the rank of the last value of each bin."""
    ranks: list[Integers] = []
    start = 0
    # The values between two atoms are cut by themselves, so no bin reaches across an atom.
    for first, end in _atoms(ordered, mass):
        ranks += [_segment_ranks(start, first, mass), np.array([end - 1])]
        start = end
    return np.concatenate([*ranks, _segment_ranks(start, len(ordered), mass)])


def _atoms(ordered: OrderedValues, mass: float) -> list[tuple[int, int]]:
    """Return [first, end) of the ranks of each value that occurs more than `mass` times."""
    # So many equal values cover at least one of the ranks that are one bin apart, so only the
    # values at these ranks need to be checked.
    ranks = np.arange(0, len(ordered), max(1, math.floor(mass)))
    candidates = np.unique(ordered.at(ranks))
    first, end = ordered.rank(candidates, "left"), ordered.rank(candidates, "right")
    heavy = end - first > max(1.0, mass)
    return list(zip(first[heavy].tolist(), end[heavy].tolist(), strict=True))


def _segment_ranks(start: int, end: int, mass: float) -> Integers:
    """Return the ranks that cut [start, end) into bins of about `mass` values each."""
    rows = end - start
    if rows == 0:
        return np.empty(0, dtype=np.int64)
    bins = max(1, round(rows / mass))
    ranks = np.ceil(np.arange(1, bins + 1) * rows / bins).astype(np.int64) - 1
    return start + np.maximum(ranks, 0)


def _distinct(edges: Sequence[float] | Floats) -> Floats:
    """Return the edges ascending and without repetition."""
    # Adding 0.0 turns -0.0 into 0.0, so that both have the same text.
    return np.unique(np.asarray(edges, dtype=np.float64)) + 0.0


def checked_edges(edges: Sequence[float] | Floats) -> Floats:
    """Return the edges that a user gave as an array.

    Raises:
        ValueError: if they are not finite or not strictly ascending.
    """
    array = np.asarray(edges, dtype=np.float64)
    if array.ndim != 1 or len(array) == 0:
        raise ValueError(
            f"bin edges of shape {array.shape} are not a list. Pass at least one number"
        )
    if not np.isfinite(array).all():
        odd = array[~np.isfinite(array)][0]
        raise ValueError(
            f"the bin edge {odd} is not finite. Leave it out: the last bin always reaches to +Inf"
        )
    if (descents := np.flatnonzero(np.diff(array) <= 0)).size:
        first, second = array[descents[0] :][:2]
        raise ValueError(
            f"the bin edge {first:g} stands before {second:g}. Bin edges must ascend, without "
            "repetition"
        )
    return array + 0.0


def freedman_diaconis_edges(values: Floats, max_bins: int = 50) -> Floats:
    """Return edges of equal width, chosen as in boxkite 0.0.5.

    The edges run from the minimum to the maximum. Their distance is the smaller of two rules:
    2 IQR / n^(1/3) (Freedman and Diaconis 1981) and range / (log2 n + 1) (Sturges 1926). If that
    gives more than `max_bins` edges, `max_bins` edges span twice the interquartile range around its
    middle, and the minimum and maximum are added.

    Args:
        values: finite values in any order, at least one.
        max_bins: the largest number of edges, not counting the minimum and the maximum.
    """
    low, high = float(values.min()), float(values.max())
    if low == high:
        return _distinct([low - 0.5, high + 0.5])
    # The range or its multiples would overflow, so these values are binned at a quarter of
    # their size.
    if high - low > sys.float_info.max / 4:
        scaled = freedman_diaconis_edges(values / 4, max_bins) * 4
        return _distinct([low, *scaled[1:-1], high])
    upper_quartile, lower_quartile = (float(q) for q in np.percentile(values, [75, 25]))
    spread = upper_quartile - lower_quartile
    freedman_diaconis = 2.0 * spread * len(values) ** (-1.0 / 3.0)
    sturges = (high - low) / (math.log2(len(values)) + 1.0)
    width = min(freedman_diaconis, sturges) if freedman_diaconis else sturges
    # Compute the number of bins before any edge. 0.0.5 computed the edges first, and ran out of
    # memory if there was an outlier.
    bins = (high - low) / width if width else math.inf
    if bins <= max_bins - 1:
        return _distinct(np.linspace(low, high, math.ceil(bins) + 1))
    start = max((upper_quartile + lower_quartile) / 2 - spread, low)
    stop = min(start + max_bins * (2 * spread / max_bins), high)
    inner = np.linspace(start, stop, max_bins)
    below = [low] if start > low else []
    above = [high] if stop < high else []
    return _distinct([*below, *inner, *above])
