"""Counts many rows of numeric features at once, with one matrix for all features.

Counting variable by variable takes as long for a few rows as for hundreds, because most of the
time goes into numpy's calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.numeric_variable import NumericVariable, finite_sum
from boxkite.baseline.variable import Variable

__all__ = ["FeatureMatrix", "MatrixTally"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

# The matrix compares each value with each edge. With more edges than this, a binary search is
# faster.
_MOST_EDGES = 64
# Number of comparisons in one step, one byte each. They must fit into the processor's cache.
_COMPARED_AT_ONCE = 1 << 18


class MatrixTally(NamedTuple):
    """Counts of several variables.

    Attributes:
        cells: number of rows in each bin of the first variable, then of the second, and so on.
        missing: number of rows without a value, for each variable.
        outside: number of finite values below the minimum or above the maximum of training, for
            each variable.
        sums: sum of the finite values, for each variable.
    """

    cells: Integers
    missing: Integers
    outside: Integers
    sums: Floats


class FeatureMatrix:
    """Counts rows of floats into the bins of the numeric features.

    Args:
        variables: the variables of a baseline, in its order.
        cell_bounds: offset of each variable's first cell among the cells of all variables.

    Attributes:
        positions: positions of the features that the matrix counts, in a row of all features.
        others: positions of the other features: categories, and numbers in very many bins.
        variables: indices of the counted features among the variables.
        cells: indices of their bins among the cells of all variables.
    """

    def __init__(self, variables: Sequence[Variable], cell_bounds: Integers) -> None:
        features = [i for i, each in enumerate(variables) if each.role == "feature"]
        counted = [
            (position, i, each)
            for position, i in enumerate(features)
            if isinstance(each := variables[i], NumericVariable) and len(each.edges) <= _MOST_EDGES
        ]
        self.positions = np.array([position for position, _, _ in counted], dtype=np.int64)
        self.others = sorted({*range(len(features))} - {*self.positions.tolist()})
        self.variables = np.array([i for _, i, _ in counted], dtype=np.int64)
        bounds: list[int] = cell_bounds.tolist()
        self.cells = np.concatenate(
            [np.arange(0), *(np.arange(bounds[i], bounds[i + 1]) for _, i, _ in counted)]
        ).astype(np.int64)
        most = max((len(each.edges) for _, _, each in counted), default=0)
        # Fill columns with fewer edges up with +inf, because no value is above it.
        self._edges = np.full((most, len(counted)), np.inf)
        for column, (_, _, each) in enumerate(counted):
            self._edges[: len(each.edges), column] = each.edges
        bins = np.array([len(each.counts) for _, _, each in counted], dtype=np.int64)
        self._are_bins = np.arange(most + 1) < bins[:, np.newaxis]
        # No value is below or above NaN, which stands for an unknown minimum or maximum.
        self._minima = np.array([each.minimum for _, _, each in counted], dtype=np.float64)
        self._maxima = np.array([each.maximum for _, _, each in counted], dtype=np.float64)

    def tally(self, rows: Floats) -> MatrixTally:
        """Count rows. NaN is missing, -inf counts in the first bin and +inf in the last.

        Args:
            rows: array of shape (rows, features), with all features of the baseline.
        """
        values = rows[:, self.positions]
        missing = np.count_nonzero(np.isnan(values), axis=0)
        # above[i] is the number of values above the i-th edge. The difference of two neighbours is
        # the number of values in the bin between them.
        above = np.zeros((len(self._edges) + 2, values.shape[1]), dtype=np.int64)
        above[0] = len(values) - missing
        for part in self._parts(values):
            above[1:-1] += np.count_nonzero(part[:, np.newaxis] > self._edges, axis=0)
        cells = (above[:-1] - above[1:]).T[self._are_bins]
        with np.errstate(over="ignore", invalid="ignore"):
            sums = values.sum(axis=0)
        for column in np.flatnonzero(~np.isfinite(sums)):
            present = values[:, column]
            sums[column] = finite_sum(present[np.isfinite(present)])
        return MatrixTally(cells, missing, self._outside(values), sums)

    def _outside(self, values: Floats) -> Integers:
        below = (values < self._minima) & (values > -np.inf)
        above = (values > self._maxima) & (values < np.inf)
        outside: Integers = (below | above).sum(axis=0)
        return outside

    def _parts(self, values: Floats) -> Iterator[Floats]:
        """Yield the rows in parts that are small enough for the processor's cache."""
        step = max(1, _COMPARED_AT_ONCE // max(1, self._edges.size))
        for start in range(0, len(values), step):
            yield values[start : start + step]
