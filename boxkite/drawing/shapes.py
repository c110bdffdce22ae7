"""Bars that show two distributions of one variable: where each stands and how high it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.drawing.bins import Bins, Categories
from boxkite.drawing.drawn_bins import drawn_bins
from boxkite.drawing.value_text import distinct_texts, value_text
from boxkite.drawing.whole_values import whole_values

__all__ = ["Bar", "bars", "drawn_kind"]

Floats: TypeAlias = NDArray[np.float64]
Counts: TypeAlias = NDArray[np.int64]

_MOST_CATEGORIES = 20


@dataclass(frozen=True)
class Bar:
    """One bin or category, at training and live.

    Attributes:
        label: Bin, such as "(2, 4.5]", value or category.
        trained: Rows at training.
        live: Rows while serving.
        trained_fraction: Fraction of the training rows that have a value.
        live_fraction: Fraction of the live rows that have a value.
        left: Left end of the bar, as a fraction of the picture's width.
        width: Width of the bar, as a fraction of the picture's width.
        trained_height: Height at training, as a fraction of the picture's height. It shows the
            density of a bin, or the fraction of a category.
        live_height: Height while serving, on the same scale.
        is_cut: Whether the bin is drawn narrower or wider than the scale of the axis demands.
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
    is_cut: bool = False


def drawn_kind(trained: Bins | Categories) -> str:
    """Return how to draw a variable: its kind, or `value` if each bin is one whole value."""
    if trained.kind != "numeric":
        return trained.kind
    whole = whole_values(trained)
    return "value" if whole is not None and whole.are_single else "numeric"


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
    drawn = drawn_bins(bins)
    fractions = np.vstack([_fractions(bins.counts), _fractions(live)])
    columns = (
        bins.counts, live, *fractions, drawn.places[:-1], drawn.widths,
        *_scaled(fractions / drawn.widths), drawn.is_cut,
    )  # fmt: skip
    return [
        Bar(*row)
        for row in zip(_bin_labels(bins), *(each.tolist() for each in columns), strict=True)
    ]


def _bin_labels(bins: Bins) -> list[str]:
    whole = whole_values(bins)
    if whole is not None and whole.are_single:
        return [value_text(value, bins.value_type) for value in whole.first.tolist()]
    upper = distinct_texts(bins.edges.tolist(), bins.value_type)
    return [f"({low}, {high}]" for low, high in zip(["-∞", *upper], [*upper, "∞"], strict=True)]


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
