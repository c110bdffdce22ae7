"""Counts values into the cells (bins or categories) of a baseline's variable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.capture import CategoryColumn, Column, NumericColumn
from boxkite.baseline.category_tail import label_hash
from boxkite.baseline.category_variable import OTHER, CategoryVariable
from boxkite.baseline.numeric_variable import NumericVariable, finite_sum
from boxkite.baseline.values import spelled_number, to_number
from boxkite.baseline.variable import Variable

__all__ = ["Tally", "cell_of", "tally_column", "tally_labels", "tally_numbers"]

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Tally:
    """Counts of one variable in the cells of its baseline.

    Attributes:
        cells: number of rows in each bin or category, in the order of the baseline's counts.
        missing: number of rows without a value.
        invalid: number of rows whose value cannot be converted to the variable's kind.
        outside: number of rows with a finite number below the minimum or above the maximum of
            training. They are in the cells too.
        sum: sum of the finite numbers.
    """

    cells: NDArray[np.int64]
    missing: int = 0
    invalid: int = 0
    outside: int = 0
    sum: float = 0.0

    @property
    def rows(self) -> int:
        """Number of rows in the cells."""
        return int(self.cells.sum())


def tally_numbers(variable: NumericVariable, numbers: Floats, invalid: int = 0) -> Tally:
    """Count floats into bins. NaN is missing, -inf counts in the first bin and +inf in the last."""
    # "left" puts a value that equals an edge into the bin below it: bins are (e0, e1].
    present = numbers[~np.isnan(numbers)]
    cells = np.bincount(
        np.searchsorted(variable.edges, present, side="left"), minlength=len(variable.counts)
    )
    finite = present[np.isfinite(present)]
    return Tally(
        cells.astype(np.int64),
        missing=len(numbers) - len(present),
        invalid=invalid,
        outside=variable.outside(finite),
        sum=finite_sum(finite),
    )


def tally_labels(
    variable: CategoryVariable, labels: Mapping[str, int], missing: int = 0, invalid: int = 0
) -> Tally:
    """Count labels into categories. `labels` maps each label to its number of rows."""
    cells = np.zeros(len(variable.counts), dtype=np.int64)
    for label, rows in labels.items():
        cells[cell_of(variable, label)] += rows
    return Tally(cells, missing, invalid)


def cell_of(variable: CategoryVariable, label: str) -> int:
    """Return the index of a label's cell.

    A label counts in the category with the same text or, without one, in a category that spells the
    same number ("1" and "1.0"). Other labels that training saw count in `__other__`. All remaining
    labels count in `__unseen__`, or in `__other__` if `variable.tail_takes_unseen`. A segment has
    the cells of the whole, so a label that only other segments had is not unseen.
    """
    variable = variable.whole or variable
    cell = variable.index.get(label)
    if cell is not None:
        return cell
    if variable.numbers:
        number = spelled_number(label)
        if number is not None and number in variable.numbers:
            return variable.numbers[number]
    if variable.tail_takes_unseen or (variable.tail and label_hash(label) in variable.tail):
        return variable.index[OTHER]
    return len(variable.categories) - 1


def tally_column(variable: Variable, column: Column) -> Tally:
    """Count a whole column, for instance of rows that are compared with the baseline."""
    if isinstance(variable, CategoryVariable):
        if not isinstance(column, CategoryColumn):
            raise TypeError("capture the column of a categorical variable with categorical=True")
        return tally_labels(variable, column.tally, column.missing)
    if isinstance(column, NumericColumn):
        return tally_numbers(variable, column.values)
    # The new column of a numeric variable is text, for instance numbers that were written as text.
    # Convert each distinct text once, and count it as often as it occurs.
    numbers: list[float] = []
    repeats: list[int] = []
    invalid = 0
    for label, rows in column.tally.items():
        try:
            numbers.append(to_number(label))
            repeats.append(rows)
        except ValueError:
            invalid += rows
    floats = np.repeat(np.array(numbers, dtype=np.float64), repeats)
    tally = tally_numbers(variable, floats, invalid)
    return replace(tally, missing=tally.missing + column.missing)
