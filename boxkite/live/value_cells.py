"""Find the cell of each value of one variable, so that rows can be counted by segment."""

# Values here may be any object of the user's. After `isinstance`, pyright does not know their type
# parameters. Type guards would tell it, but would cost a call for each value.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline import CategoryVariable, NumericVariable, Variable
from boxkite.baseline.tally import cell_of
from boxkite.baseline.values import to_category, to_number
from boxkite.live.column_tally import PLAIN
from boxkite.live.mark import Mark

__all__ = ["ValueCells", "mapped", "value_cells"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]


class ValueCells(NamedTuple):
    """The cell of each value of a column.

    Attributes:
        cells: index of the cell; the number of cells for a missing value, and one more for an
            invalid one.
        numbers: the finite numbers, and NaN in place of all other values. Empty for categories.
        outside: rows of redacted numbers outside the range of training.
    """

    cells: Integers
    numbers: Floats
    outside: Integers


_NO_ROWS = np.empty(0, dtype=np.int64)
_NO_NUMBERS = np.empty(0)


def value_cells(variable: Variable, values: Sequence[Any] | Floats) -> ValueCells:
    """Return the cells in which `tally_values` counts the values of a variable.

    Args:
        variable: the variable.
        values: values of any type.
    """
    if isinstance(variable, CategoryVariable):
        cells = mapped(lambda value: _cell_of_object(variable, value), values)
        return ValueCells(cells, _NO_NUMBERS, _NO_ROWS)
    if isinstance(values, np.ndarray):
        return _cells_of_numbers(variable, values)
    if PLAIN.issuperset(map(type, values)):
        return _cells_of_numbers(variable, np.array(values, dtype=np.float64))
    return _cells_of_objects(variable, values)


def mapped(place: Callable[[Any], int], values: Sequence[Any] | Floats) -> Integers:
    """Return the place of each value. Equal numbers and equal texts are placed only once."""
    if isinstance(values, np.ndarray):
        distinct, inverse = np.unique(values, return_inverse=True)
        return np.array([place(each) for each in distinct.tolist()], dtype=np.int64)[inverse]
    known = {each: place(each) for each in {each for each in values if type(each) is str}}
    found = [known[each] if type(each) is str else place(each) for each in values]
    return np.array(found, dtype=np.int64)


def _cell_of_object(variable: CategoryVariable, value: Any) -> int:
    number = len(variable.counts)
    if type(value) is Mark:
        return _cell_of_mark(value, number)
    try:
        label = to_category(value)
    except ValueError:
        return number + 1
    return number if label is None else cell_of(variable, label)


def _cell_of_mark(mark: Mark, number: int) -> int:
    if 0 <= mark.cell < number:
        return mark.cell
    return number if mark.cell == Mark.MISSING else number + 1


def _cells_of_numbers(variable: NumericVariable, numbers: Floats) -> ValueCells:
    # "left" puts a value that equals an edge into the bin below it, as in `tally_numbers`.
    cells = np.searchsorted(variable.edges, numbers, side="left").astype(np.int64)
    cells[np.isnan(numbers)] = len(variable.counts)
    return ValueCells(cells, np.where(np.isfinite(numbers), numbers, np.nan), _NO_ROWS)


def _cells_of_objects(variable: NumericVariable, values: Sequence[Any]) -> ValueCells:
    number = len(variable.counts)
    numbers = np.full(len(values), np.nan)
    others: dict[int, int] = {}
    outside: list[int] = []
    for row, value in enumerate(values):
        if type(value) is Mark:
            others[row] = _cell_of_mark(value, number)
            if value.outside and others[row] < number:
                outside.append(row)
            continue
        try:
            numbers[row] = to_number(value)
        except ValueError:
            others[row] = number + 1
    found = _cells_of_numbers(variable, numbers)
    found.cells[list(others)] = list(others.values())
    return found._replace(outside=np.array(outside, dtype=np.int64))
