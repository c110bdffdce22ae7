"""Two distributions of one variable as shapes: where each bar stands, and how high it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.variable import CategoryVariable, NumericVariable, Variable

__all__ = ["Bar", "axis", "bars"]

Floats: TypeAlias = NDArray[np.float64]

# The outer bins are open: the last one of a long tail would leave no room for the others. At most
# so many times as wide as the next, it looks no denser than that.
_WIDEST_OUTER = 2.0
# A bin around a single value is narrow: its density would leave no height for the others.
_NARROWEST = 1 / 60
_MOST_CATEGORIES = 30


@dataclass(frozen=True)
class Bar:
    """One cell, trained and live.

    Attributes:
        label: the bin, as "(2, 4.5]", or the category.
        trained: rows at training.
        live: rows while serving.
        left: of the bar, as a fraction of the picture's width.
        width: likewise.
        trained_height: as a fraction of the picture's height: of the density of a bin, or of the
            fraction of a category.
        live_height: likewise, on the same scale.
    """

    label: str
    trained: int
    live: int
    left: float
    width: float
    trained_height: float
    live_height: float


def bars(variable: Variable, live: Sequence[int] | NDArray[np.int64]) -> list[Bar]:
    """Return the bars of a variable: a bin each from left to right, or the commonest categories.

    Args:
        variable: with its counts at training.
        live: counts in the same cells.
    """
    counts = np.asarray(live, dtype=np.int64)
    if isinstance(variable, CategoryVariable):
        return _category_bars(variable, counts)
    return _bin_bars(variable, counts)


def _bin_bars(variable: NumericVariable, live: NDArray[np.int64]) -> list[Bar]:
    edges = _drawn_edges(variable)
    widths = np.diff(edges)
    span = float(edges[-1] - edges[0]) or 1.0
    drawn = np.maximum(widths, span * _NARROWEST)
    heights = _heights(_fractions(variable.counts) / drawn, _fractions(live) / drawn)
    upper = [f"{edge:g}" for edge in variable.edges]
    labels = [f"({low}, {high}]" for low, high in zip(["-∞", *upper], [*upper, "∞"], strict=True)]
    return [
        Bar(labels[i], int(variable.counts[i]), int(live[i]), *place, *heights[:, i].tolist())
        for i, place in enumerate(
            zip(((edges[:-1] - edges[0]) / span).tolist(), (widths / span).tolist(), strict=True)
        )
    ]


def _drawn_edges(variable: NumericVariable) -> Floats:
    """Return the edges as they are drawn: with ends for the open bins, not too far out."""
    inner = np.asarray(variable.edges, dtype=np.float64)
    if not len(inner):
        return np.array([0.0, 1.0])
    widths = np.diff(inner) if len(inner) > 1 else np.array([abs(float(inner[0])) or 1.0])
    usual = float(np.median(widths))
    left, right = (_WIDEST_OUTER * max(usual, float(each)) for each in (widths[0], widths[-1]))
    known = math.isfinite(variable.minimum)
    lowest, highest = (variable.minimum, variable.maximum) if known else (inner[0], inner[-1])
    first = inner[0] - min(inner[0] - lowest or usual, left)
    last = inner[-1] + min(highest - inner[-1] or usual, right)
    return np.concatenate([[first], inner, [last]])


def axis(variable: NumericVariable) -> tuple[str, str]:
    """Return the texts at the left and the right end: where the picture ends, and where the values
    at training did if that is further out."""
    drawn = _drawn_edges(variable)
    left, right, lowest, highest = (
        f"{each:.4g}" for each in (drawn[0], drawn[-1], variable.minimum, variable.maximum)
    )
    return (
        left if lowest in (left, "nan") else f"{lowest} … {left}",
        right if highest in (right, "nan") else f"{right} … {highest}",
    )


def _category_bars(variable: CategoryVariable, live: NDArray[np.int64]) -> list[Bar]:
    trained = np.asarray(variable.counts, dtype=np.int64)
    fractions = np.vstack([_fractions(trained), _fractions(live)])
    shown = np.argsort(-fractions.max(axis=0), kind="stable")[:_MOST_CATEGORIES]
    heights = _heights(*fractions[:, shown])
    width = 1.0 / max(len(shown), 1)
    return [
        Bar(
            variable.categories[cell],
            int(trained[cell]),
            int(live[cell]),
            place * width,
            width,
            *heights[:, place].tolist(),
        )
        for place, cell in enumerate(shown.tolist())
    ]


def _fractions(counts: NDArray[np.int64]) -> Floats:
    return counts / max(int(counts.sum()), 1)


def _heights(*series: Floats) -> Floats:
    """Return the series on one scale, whose greatest value is 1."""
    stacked = np.vstack(series)
    return stacked / (float(stacked.max(initial=0.0)) or 1.0)
