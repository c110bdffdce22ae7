"""Statistics of counts alone: boxkite's own, and those that might stand behind its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from distributions import Distribution, Floats
from numpy.typing import NDArray

from boxkite.baseline import CategoryVariable, NumericVariable, Variable
from boxkite.baseline.counted_columns import DEFAULT_BINS, DEFAULT_MAX_CATEGORIES
from boxkite.baseline.edges import equal_mass_edges, freedman_diaconis_edges
from boxkite.baseline.ordered_values import SortedValues
from boxkite.baseline.tally import cell_of

__all__ = ["BINNINGS", "PRODUCT", "CategoryCells", "NumericCells", "combined", "fit_cells"]

Counts: TypeAlias = NDArray[np.int64]
Scores: TypeAlias = dict[str, Floats]

_MASS = "{} bins of equal mass"
BINNINGS = {
    **{_MASS.format(bins): bins for bins in (10, DEFAULT_BINS, 50)},
    "20 bins of equal width": 20,
    "as 0.0.5, at most 50": 50,
}
PRODUCT = _MASS.format(DEFAULT_BINS)
KEPT = str(DEFAULT_MAX_CATEGORIES)


def _edges(ordered: Floats, binning: str) -> Floats:
    if "mass" in binning:
        return equal_mass_edges(SortedValues(ordered), BINNINGS[binning])
    if "width" in binning:
        return np.linspace(ordered[0], ordered[-1], BINNINGS[binning] + 1)[1:-1]
    return freedman_diaconis_edges(ordered, BINNINGS[binning])


@dataclass(frozen=True)
class NumericCells:
    """Training rows in bins of each kind."""

    variable: Variable
    """As the product would fit it."""
    bins: tuple[tuple[str, Floats, Counts], ...]

    def tally(self, windows: Sequence[Floats]) -> Counts:
        """Return windows of live rows, ascending, in the product's bins."""
        edges = next(edges for binning, edges, _ in self.bins if binning == PRODUCT)
        return np.array([_count(live, edges) for live in windows])

    def scores(self, windows: Sequence[Floats]) -> Scores:
        """Return the statistics of windows of live rows, ascending, each scaled as in `_scaled`."""
        found: Scores = {}
        for binning, edges, trained in self.bins:
            counts = np.array([_count(live, edges) for live in windows])
            found |= _scaled(counts, trained, f", {binning}", ordered=True)
        return found


@dataclass(frozen=True)
class CategoryCells:
    """Training rows in categories, as many kept as the product does, ten, or all."""

    variable: Variable
    cells: tuple[tuple[str, Counts, Counts], ...]
    """Of each: how many are kept, the cell of each code, training rows in the cells."""

    def tally(self, codes: Counts) -> Counts:
        """Return windows, given as the rows of each code, in the product's cells."""
        _, cells, trained = next(each for each in self.cells if each[0] == KEPT)
        return _summed(codes, cells, len(trained))

    def scores(self, codes: Counts) -> Scores:
        """Return the statistics of windows, given as the rows of each code."""
        found: Scores = {}
        for kept, cells, trained in self.cells:
            counts = _summed(codes, cells, len(trained))
            found |= _scaled(counts, trained, f", {kept} categories", ordered=False)
        return found


def _summed(codes: Counts, cells: Counts, number: int) -> Counts:
    return np.array([np.bincount(cells, each, number) for each in codes]).astype(np.int64)


def fit_cells(distribution: Distribution, trained: Floats) -> NumericCells | CategoryCells:
    """Return the cells for training rows: numbers ascending, or the codes of categories."""
    if distribution.categories:
        return _fit_categories(trained, distribution.categories)
    bins = []
    for binning in BINNINGS:
        edges = _edges(trained, binning)
        bins.append((binning, edges, _count(trained, edges)))
    values = SortedValues.of(trained)
    variable = NumericVariable.from_ordered(
        values, equal_mass_edges(values, DEFAULT_BINS), name="x", role="feature", position=0
    )
    return NumericCells(variable, tuple(bins))


def _fit_categories(trained: Floats, number: int) -> CategoryCells:
    rows = np.bincount(trained.astype(np.int64), minlength=number)
    tally = {f"c{code}": int(count) for code, count in enumerate(rows) if count}
    cells = []
    for title, kept in (("10", 10), (KEPT, DEFAULT_MAX_CATEGORIES), ("all", number)):
        variable = CategoryVariable.from_tally(
            tally, kept, missing=0, name="x", role="feature", position=0
        )
        cell = np.array([cell_of(variable, f"c{code}") for code in range(number + 1)])
        cells.append((title, cell, variable.counts))
        if title == KEPT:
            product = variable
    return CategoryCells(product, tuple(cells))


def _count(ordered: Floats, edges: Floats) -> Counts:
    """Return how many of ascending values each bin (e, next e] has."""
    below = np.searchsorted(ordered, edges, side="right")
    return np.diff(np.concatenate([[0], below, [len(ordered)]]))


def _scaled(live: Counts, trained: Counts, name: str, *, ordered: bool) -> Scores:
    """Return PSI, K-S and Anderson-Darling in units of what sampling alone gives.

    Anderson-Darling is the sum over the edges of the squared distance of the cumulative fractions
    over its variance, weighed by the rows of the bin below (Pettitt 1976, of grouped rows).

    Args:
        live: windows by cells.
        trained: training rows of the cells.
        name: of the cells.
        ordered: whether cells have an order.
    """
    m, n = live.sum(axis=1, keepdims=True), trained.sum()
    effective = (1 / (1 / m + 1 / n))[:, 0]
    p, q = (each + 0.5 for each in (live, trained))
    p, q = p / p.sum(axis=1, keepdims=True), q / q.sum()
    found = {f"PSI{name}": effective * ((p - q) * np.log(p / q)).sum(axis=1)}
    if ordered:
        distance = np.cumsum(live, axis=1) / m - np.cumsum(trained) / n
        found[f"K-S{name}"] = np.sqrt(effective) * np.abs(distance).max(axis=1)
        both = (live + trained) / (m + n)
        pooled = np.cumsum(both, axis=1)
        inner = (pooled > 0) & (pooled < 1 - 1e-12)
        variance = np.where(inner, pooled * (1 - pooled), np.inf)
        found[f"A-D{name}"] = effective * (distance**2 / variance * both).sum(axis=1)
    return found


def combined(scores: Sequence[Floats], drift_free: Sequence[Floats], rate: float) -> Floats:
    """Return the greatest of some statistics, each over its own critical value at an equal share.

    Args:
        scores: each statistic's values, by windows.
        drift_free: their values in windows without drift.
        rate: of false alarms, shared evenly (Bonferroni).
    """
    criticals = [np.quantile(each, 1 - rate / len(scores)) for each in drift_free]
    shares = [s / max(c, 1e-12) for s, c in zip(scores, criticals, strict=True)]
    greatest: Floats = np.max(shares, axis=0)
    return greatest
