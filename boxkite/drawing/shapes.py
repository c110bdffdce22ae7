"""Bars that show two distributions of one variable: where each stands and how high it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bar", "Bins", "Categories", "bars", "distinct_texts", "drawn_bins"]

Floats: TypeAlias = NDArray[np.float64]
Counts: TypeAlias = NDArray[np.int64]

# The outer bins are open. If one reached as far as the extreme value of a long tail, the other bins
# would be too narrow to see. An open bin is therefore at most this many times as wide as the next.
_WIDEST_OUTER = 2.0
# A bin around a single value has almost no width: it would be invisible, and its density would
# dwarf all others. It is widened to at least this fraction of the picture, and further until its
# density at training is at most `_DENSEST` times the mean.
_NARROWEST = 1 / 60
_DENSEST = 5.0
_MOST_CATEGORIES = 20


class Bins(Protocol):
    """A numeric variable at training, as far as it is drawn.

    Attributes:
        kind: `numeric`.
        edges: Finite edges between the bins, ascending. The first and last bin are open.
        minimum: Smallest finite value at training; NaN if there is none.
        maximum: Largest finite value at training; NaN if there is none.
        sum: Sum of the finite values at training.
        counts: Training rows in each bin, one more than there are edges.
    """

    kind: ClassVar[Literal["numeric"]]

    @property
    def edges(self) -> Floats: ...
    @property
    def minimum(self) -> float: ...
    @property
    def maximum(self) -> float: ...
    @property
    def sum(self) -> float: ...
    @property
    def counts(self) -> Counts: ...


class Categories(Protocol):
    """A categorical variable at training, as far as it is drawn.

    Attributes:
        kind: `ordered` if the categories have an order, else `category`.
        categories: Label of each category.
        counts: Training rows in each category.
    """

    @property
    def kind(self) -> Literal["category", "ordered"]: ...
    @property
    def categories(self) -> Sequence[str]: ...
    @property
    def counts(self) -> Counts: ...


@dataclass(frozen=True)
class Bar:
    """One bin or category, at training and live.

    Attributes:
        label: Bin, such as "(2, 4.5]", or category.
        trained: Rows at training.
        live: Rows while serving.
        trained_fraction: Fraction of the training rows that have a value.
        live_fraction: Fraction of the live rows that have a value.
        left: Left end of the bar, as a fraction of the picture's width.
        width: Width of the bar, as a fraction of the picture's width.
        trained_height: Height at training, as a fraction of the picture's height. It shows the
            density of a bin, or the fraction of a category.
        live_height: Height while serving, on the same scale.
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
    trained: Bins | Categories,
    live: Sequence[int] | Counts,
    most_categories: int = _MOST_CATEGORIES,
) -> list[Bar]:
    """Return one bar per bin from left to right, or one per category.

    Categories stand in their order, if they have one. Otherwise the most common one comes first.

    Args:
        trained: Bins or categories with their training counts.
        live: Live counts of the same bins or categories.
        most_categories: Number of categories to draw. A category is ranked by its fraction at
            training or live, whichever is greater.
    """
    counts = np.asarray(live, dtype=np.int64)
    if trained.kind == "numeric":
        return _bin_bars(trained, counts)
    return _category_bars(trained, counts, most_categories)


def _bin_bars(bins: Bins, live: Counts) -> list[Bar]:
    _, places = drawn_bins(bins)
    widths = np.diff(places)
    fractions = np.vstack([_fractions(bins.counts), _fractions(live)])
    columns = (bins.counts, live, *fractions, places[:-1], widths, *_scaled(fractions / widths))
    return [
        Bar(*row)
        for row in zip(_bin_labels(bins), *(each.tolist() for each in columns), strict=True)
    ]


def _bin_labels(bins: Bins) -> list[str]:
    upper = distinct_texts(bins.edges)
    return [f"({low}, {high}]" for low, high in zip(["-∞", *upper], [*upper, "∞"], strict=True)]


def distinct_texts(edges: Floats) -> list[str]:
    """Return the edges as texts, with at least six digits and as many as make them distinct."""
    texts: list[str] = []
    for digits in range(6, 18):
        texts = [f"{edge:.{digits}g}" for edge in edges]
        if len(set(texts)) == len(texts):
            break
    return texts


def drawn_bins(bins: Bins) -> tuple[Floats, Floats]:
    """Return where the bins are drawn: the edges with both ends, and their places.

    Open bins get an end, and narrow bins are widened, so the places are not proportional to the
    edges.

    Returns:
        The edges as values, and the place of each as a fraction of the picture's width.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # edges such as 1e308 overflow
        edges = _closed(bins)
        widths = np.nan_to_num(np.diff(edges) / (edges[-1] - edges[0]))
    widths = np.maximum(widths, np.maximum(_NARROWEST, _fractions(bins.counts) / _DENSEST))
    return edges, np.concatenate([[0.0], np.cumsum(widths) / float(widths.sum())])


def _closed(bins: Bins) -> Floats:
    """Return the edges with an end for each open bin, limited by `_WIDEST_OUTER`."""
    inner = np.asarray(bins.edges, dtype=np.float64)
    if not len(inner):
        return np.array([0.0, 1.0])
    widths = np.diff(inner) if len(inner) > 1 else np.array([abs(float(inner[0])) or 1.0])
    usual = float(np.median(widths))
    # If training had no value in an open bin, the extreme value says nothing about its width.
    below, above = inner[0] - bins.minimum, bins.maximum - inner[-1]
    left, right = (
        min(reach if reach > 0 else usual, _WIDEST_OUTER * max(usual, float(next_width)))
        for reach, next_width in ((below, widths[0]), (above, widths[-1]))
    )
    return np.concatenate([[inner[0] - left], inner, [inner[-1] + right]])


def _category_bars(trained: Categories, live: Counts, most: int) -> list[Bar]:
    counts = np.asarray(trained.counts, dtype=np.int64)
    fractions = np.vstack([_fractions(counts), _fractions(live)])
    shown = np.argsort(-fractions.max(axis=0), kind="stable")[:most]
    if trained.kind == "ordered":
        shown = np.sort(shown)
    width = 1.0 / max(len(shown), 1)
    lefts = width * np.arange(len(shown))
    columns = (
        counts[shown], live[shown], *fractions[:, shown], lefts, np.full(len(shown), width),
        *_scaled(fractions[:, shown]),
    )  # fmt: skip
    labels = [trained.categories[cell] for cell in shown.tolist()]
    return [Bar(*row) for row in zip(labels, *(each.tolist() for each in columns), strict=True)]


def _fractions(counts: Counts) -> Floats:
    return counts / max(int(counts.sum()), 1)


def _scaled(heights: Floats) -> Floats:
    """Return the heights divided by the greatest of them, so that both series share one scale."""
    return heights / (float(heights.max(initial=0.0)) or 1.0)
