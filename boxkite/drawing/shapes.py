"""Two distributions of one variable as shapes: where each bar stands, and how high it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.variable import CategoryVariable, NumericVariable, Variable

__all__ = ["Bar", "bars", "drawn_bins"]

Floats: TypeAlias = NDArray[np.float64]

# The outer bins are open: the last one of a long tail would leave no room for the others. At most
# so many times as wide as the next, it looks no denser than that.
_WIDEST_OUTER = 2.0
# A bin around a single value is narrow: it could not be seen, and its density would leave no height
# for the others. So it is drawn as wide as this fraction of the picture, and so wide that at
# training it is at most so many times as dense as if all rows were spread evenly.
_NARROWEST = 1 / 60
_DENSEST = 5.0
_MOST_CATEGORIES = 20


@dataclass(frozen=True)
class Bar:
    """One cell, trained and live.

    Attributes:
        label: the bin, as "(2, 4.5]", or the category.
        trained: rows at training.
        live: rows while serving.
        trained_fraction: of the rows in all cells.
        live_fraction: likewise.
        left: of the bar, as a fraction of the picture's width.
        width: likewise.
        trained_height: as a fraction of the picture's height: of the density of a bin, or of the
            fraction of a category.
        live_height: likewise, on the same scale.
    """

    label: str
    trained: int
    live: int
    trained_fraction: float
    live_fraction: float
    left: float
    width: float
    trained_height: float
    live_height: float


def bars(
    variable: Variable,
    live: Sequence[int] | NDArray[np.int64],
    most_categories: int = _MOST_CATEGORIES,
) -> list[Bar]:
    """Return the bars of a variable: a bin each from left to right, or the commonest categories.

    Args:
        variable: with its counts at training.
        live: counts in the same cells.
        most_categories: of which there are bars, those with the greatest fraction on either side.
    """
    counts = np.asarray(live, dtype=np.int64)
    if isinstance(variable, CategoryVariable):
        return _category_bars(variable, counts, most_categories)
    return _bin_bars(variable, counts)


def _bin_bars(variable: NumericVariable, live: NDArray[np.int64]) -> list[Bar]:
    _, places = drawn_bins(variable)
    widths = np.diff(places)
    fractions = np.vstack([_fractions(variable.counts), _fractions(live)])
    upper = _told_apart(variable.edges)
    labels = [f"({low}, {high}]" for low, high in zip(["-∞", *upper], [*upper, "∞"], strict=True)]
    columns = (
        variable.counts, live, *fractions, places[:-1], widths, *_scaled(fractions / widths)
    )  # fmt: skip
    return [Bar(*row) for row in zip(labels, *(each.tolist() for each in columns), strict=True)]


def _told_apart(edges: Floats) -> list[str]:
    """Return the edges as texts of as few digits as tell them apart, but six."""
    texts: list[str] = []
    for digits in range(6, 18):
        texts = [f"{edge:.{digits}g}" for edge in edges]
        if len(set(texts)) == len(texts):
            break
    return texts


def drawn_bins(variable: NumericVariable) -> tuple[Floats, Floats]:
    """Return the edges of the bins as they are drawn: values, and fractions of the width.

    The open bins have ends; narrow ones are wider than their values say.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # of edges such as 1e308
        edges = _closed(variable)
        widths = np.nan_to_num(np.diff(edges) / (edges[-1] - edges[0]))
    widths = np.maximum(widths, np.maximum(_NARROWEST, _fractions(variable.counts) / _DENSEST))
    return edges, np.concatenate([[0.0], np.cumsum(widths) / float(widths.sum())])


def _closed(variable: NumericVariable) -> Floats:
    """Return the edges with ends for the open bins, not too far out."""
    inner = np.asarray(variable.edges, dtype=np.float64)
    if not len(inner):
        return np.array([0.0, 1.0])
    widths = np.diff(inner) if len(inner) > 1 else np.array([abs(float(inner[0])) or 1.0])
    usual = float(np.median(widths))
    # Where training had no value in an open bin, it is as wide as the others.
    below, above = inner[0] - variable.minimum, variable.maximum - inner[-1]
    left, right = (
        min(reach if reach > 0 else usual, _WIDEST_OUTER * max(usual, float(next_width)))
        for reach, next_width in ((below, widths[0]), (above, widths[-1]))
    )
    return np.concatenate([[inner[0] - left], inner, [inner[-1] + right]])


def _category_bars(variable: CategoryVariable, live: NDArray[np.int64], most: int) -> list[Bar]:
    trained = np.asarray(variable.counts, dtype=np.int64)
    fractions = np.vstack([_fractions(trained), _fractions(live)])
    shown = np.argsort(-fractions.max(axis=0), kind="stable")[:most]
    width = 1.0 / max(len(shown), 1)
    lefts = width * np.arange(len(shown))
    columns = (
        trained[shown], live[shown], *fractions[:, shown], lefts, np.full(len(shown), width),
        *_scaled(fractions[:, shown]),
    )  # fmt: skip
    labels = [variable.categories[cell] for cell in shown.tolist()]
    return [Bar(*row) for row in zip(labels, *(each.tolist() for each in columns), strict=True)]


def _fractions(counts: NDArray[np.int64]) -> Floats:
    return counts / max(int(counts.sum()), 1)


def _scaled(series: Floats) -> Floats:
    """Return the series on one scale, whose greatest value is 1."""
    return series / (float(series.max(initial=0.0)) or 1.0)
