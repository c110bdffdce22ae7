"""Where the bins of a numeric variable are drawn, and where their axis is cut."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.drawing.bins import Bins
from boxkite.drawing.whole_values import whole_values

__all__ = ["DrawnBins", "drawn_bins"]

Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]

# No bin is drawn narrower than this fraction of the picture, because nobody could see it.
_NARROWEST = 1 / 120
# A bin may be this many times as dense as the whole picture. If one is denser, the others are too
# flat to be seen, so the axis is cut in the widest bins.
_DENSEST = 6.0
# A cut bin is this many times as wide as the widest bin that is not cut.
_CUT_WIDTH = 2.0
# A bin that is this many times as dense as its neighbours holds one heavy value. It is a spike, and
# cutting the axis elsewhere would not make it flatter.
_SPIKE = 20.0
# A bin counts as cut if its width differs by more than this factor from the scale of the others.
_OFF_SCALE = 1.5


class DrawnBins(NamedTuple):
    """The bins with their places in a picture.

    Attributes:
        edges: Values of all edges, with both ends.
        places: Place of each edge, as a fraction of the picture's width.
        is_cut: Whether each bin is drawn on another scale than most bins.
    """

    edges: Floats
    places: Floats
    is_cut: Flags

    @property
    def widths(self) -> Floats:
        """Width of each bin, as a fraction of the picture's width."""
        return np.diff(self.places)


def drawn_bins(bins: Bins) -> DrawnBins:
    """Return where the bins are drawn.

    All bins share one scale if they can be seen on it. Otherwise the widest bins, usually the long
    tail, are drawn narrower, and spikes around one value are drawn wider. `is_cut` tells which.
    """
    fractions = bins.counts / max(int(bins.counts.sum()), 1)
    with np.errstate(over="ignore", invalid="ignore"):  # edges such as 1e308 overflow
        edges = _closed(bins)
        true = np.nan_to_num(np.diff(edges) / (edges[-1] - edges[0]))
    shown = _shortened(true, fractions)
    total = float(shown.sum()) or 1.0
    # A spike gets enough width for its height to leave room for the others.
    widths = np.maximum(shown / total, np.maximum(_NARROWEST, fractions / _DENSEST))
    places = np.concatenate([[0.0], np.cumsum(widths) / float(widths.sum())])
    return DrawnBins(edges, places, _off_scale(true, widths))


def _closed(bins: Bins) -> Floats:
    """Return the edges with an end for each open bin: the extreme values of training."""
    inner = np.asarray(bins.edges, dtype=np.float64)
    if not len(inner):
        return np.array([0.0, 1.0])
    whole = whole_values(bins)
    if whole is not None:
        return whole.ends
    usual = float(np.median(np.diff(inner))) if len(inner) > 1 else abs(float(inner[0])) or 1.0
    # If training had no value in an open bin, the extreme value says nothing about its width.
    left = bins.minimum if bins.minimum < inner[0] else inner[0] - usual
    right = bins.maximum if bins.maximum > inner[-1] else inner[-1] + usual
    return np.concatenate([[left], inner, [right]])


def _shortened(widths: Floats, fractions: Floats) -> Floats:
    """Return the widths with as few bins cut as it takes to see the densest one and the others."""
    rest = ~_spikes(widths, fractions)
    shown = widths
    usual = float(np.median(widths))
    for widest in np.unique(widths)[::-1]:
        if widest < usual:
            break
        shown = np.where(widths > widest, np.minimum(widths, _CUT_WIDTH * widest), widths)
        if (fractions[rest] * shown.sum() <= _DENSEST * shown[rest]).all():
            break
    return shown


def _spikes(widths: Floats, fractions: Floats) -> Flags:
    with np.errstate(divide="ignore", invalid="ignore"):
        density = fractions / widths
        beside = np.fmax(np.append(density[1:], 0.0), np.append(0.0, density[:-1]))
        return np.asarray(density > _SPIKE * beside, dtype=np.bool_)


def _off_scale(true: Floats, drawn: Floats) -> Flags:
    if len(true) == 1:
        return np.zeros(1, dtype=np.bool_)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        scale = np.nan_to_num(drawn / true)
    # The median over values, not over bins: half of the bins may be cut.
    usual = float(np.median(scale))
    return (scale > _OFF_SCALE * usual) | (scale < usual / _OFF_SCALE)
