"""Counts one training column into a variable: chooses its kind, bins and categories."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.capture import CategoryColumn
from boxkite.baseline.category_order import Order, order_of, ordered_variable
from boxkite.baseline.category_variable import CategoryVariable
from boxkite.baseline.counted_like import Template
from boxkite.baseline.edges import checked_edges, equal_mass_edges
from boxkite.baseline.identifiers import distinct_ids, distinct_labels, identifier_warning
from boxkite.baseline.numeric_variable import NumericVariable
from boxkite.baseline.ordered_values import OrderedValues
from boxkite.baseline.pair_counting import with_edge
from boxkite.baseline.time_windows import TREND_WORTH_A_WARNING
from boxkite.baseline.training_columns import TrainingColumn
from boxkite.baseline.variable import Variable
from boxkite.errors import BaselineError, BaselineWarning

__all__ = [
    "DEFAULT_BINS",
    "DEFAULT_MAX_CATEGORIES",
    "Bins",
    "ColumnCounter",
    "CountedColumn",
    "FreshCells",
    "GivenCells",
    "warn_about",
]

Bins: TypeAlias = int | Sequence[float] | Mapping[str, int | Sequence[float]]
Floats: TypeAlias = NDArray[np.float64]

DEFAULT_BINS = 20
DEFAULT_MAX_CATEGORIES = 50

# With fewer rows per bin, chance alone makes the drift statistics jump.
_MIN_ROWS_A_BIN = 10


class CountedColumn(NamedTuple):
    """The result of counting one column.

    Attributes:
        variable: the variable.
        ids: number of different values if the column holds ids, 0 otherwise.
        trend: PSI between the first and the last fifth of training.
        order: the categories in order, if they have one, even if it was not kept.
    """

    variable: Variable
    ids: int
    trend: float = 0.0
    order: Order = ()


class ColumnCounter(Protocol):
    """Counts columns into variables."""

    def count(self, column: TrainingColumn) -> CountedColumn:
        """Count a column."""
        ...


@dataclass(frozen=True)
class FreshCells:
    """Counts columns into bins and categories chosen from their values.

    Attributes:
        bins: bins of the numeric variables, as in `Baseline.fit`.
        categorical: names of columns to count as categories.
        max_categories: number of categories that are counted separately.
        orders: the categories of ordered columns, by name.
        score_edge: an edge that the bins of each output must have; None if they need none.
    """

    bins: Bins
    categorical: frozenset[str]
    max_categories: int
    orders: Mapping[str, Order]
    score_edge: float | None

    def count(self, column: TrainingColumn) -> CountedColumn:
        """Count a column.

        Raises:
            BaselineError: if it cannot be counted.
        """
        given = self.orders.get(column.name)
        categorical = column.name in self.categorical or given is not None
        captured = column.captured(categorical=categorical)
        if isinstance(captured, CategoryColumn):
            return self._labels(column, captured, given)
        return self._numbers(column, captured)

    def _labels(
        self, column: TrainingColumn, captured: CategoryColumn, given: Order | None
    ) -> CountedColumn:
        role, position, name, _ = column
        order = order_of(name, captured, given)
        if 2 <= len(order) <= self.max_categories:
            kept = ordered_variable(captured, order, name=name, role=role, position=position)
            return CountedColumn(kept, 0, order=order)
        labels = CategoryVariable.from_tally(
            captured.tally,
            self.max_categories,
            missing=captured.missing,
            name=name,
            role=role,
            position=position,
        )
        return CountedColumn(labels, distinct_labels(labels), order=order)

    def _numbers(self, column: TrainingColumn, values: OrderedValues) -> CountedColumn:
        role, position, name, _ = column
        each_bins = self.bins
        wanted = each_bins.get(name, DEFAULT_BINS) if isinstance(each_bins, Mapping) else each_bins
        try:
            edges = with_edge(_edges(values, wanted), self.score_edge if role == "output" else None)
        except (ValueError, TypeError) as error:
            raise BaselineError(f"column {name!r}: {error}") from error
        numbers = NumericVariable.from_ordered(
            values, edges, name=name, role=role, position=position
        )
        return CountedColumn(numbers, distinct_ids(values))


@dataclass(frozen=True)
class GivenCells:
    """Counts columns into the bins and categories of another baseline."""

    like: Template

    def count(self, column: TrainingColumn) -> CountedColumn:
        """Count a column, as `count_like` does."""
        role, name = column.role, column.name
        captured = column.captured(categorical=self.like.is_categorical(role, name))
        return CountedColumn(self.like.count(role, name, captured), 0)


def _edges(ordered: OrderedValues, wanted: int | Sequence[float]) -> Floats:
    if not isinstance(wanted, int | np.integer):
        return checked_edges(wanted)
    if wanted < 2:
        raise ValueError(f"bins is {wanted}, but must be at least 2")
    return equal_mass_edges(ordered, max(2, min(int(wanted), len(ordered) // _MIN_ROWS_A_BIN)))


def warn_about(counted: CountedColumn) -> None:
    """Warn about a column that looks wrong."""
    variable, ids, trend, order = counted
    role, name, present = variable.role, variable.name, variable.rows - variable.missing
    messages: list[str] = []
    if present == 0:
        messages.append(f"{role} {name!r} has no value in any row")
    if ids and role == "feature":
        messages.append(identifier_warning(name, ids, present))
    if len(order) > 1 and not variable.is_ordered:
        messages.append(
            f"{role} {name!r} has {len(order):,} ordered categories, more than max_categories, so "
            f"their order is not used. Pass max_categories={len(order)} to use it"
        )
    if trend > TREND_WORTH_A_WARNING:
        messages.append(
            f"training drifts by itself: its last fifth differs from the first, PSI {trend:.2g} in "
            f"{name!r}. boxkite takes that range for natural. To find smaller drift, fit only the "
            f"most recent rows"
        )
    for message in messages:
        warnings.warn(message, BaselineWarning, stacklevel=4)
