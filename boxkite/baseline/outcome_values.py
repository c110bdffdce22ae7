"""Convert outcomes, and the outputs that belong to them, to numbers that can be counted.

A score or a number stands for itself. A class becomes the index of its cell. NaN stands for a value
that is missing or does not fit. Training converts whole columns, and a service single values, with
the same result.
"""

# Values here may be any object of the user's. After `isinstance`, pyright does not know their type
# parameters. Type guards would tell it, but would cost a call for each value.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.capture import NumericColumn, capture_column
from boxkite.baseline.category_variable import UNSEEN, CategoryVariable
from boxkite.baseline.row_labels import row_values
from boxkite.baseline.tally import cell_of
from boxkite.baseline.time_windows import row_cells
from boxkite.baseline.values import spelled_number, to_category, to_number

__all__ = [
    "BINARY_LABELS",
    "binary_number",
    "binary_numbers",
    "cell_number",
    "cell_numbers",
    "finite_number",
    "is_binary",
    "row_numbers",
]

Floats: TypeAlias = NDArray[np.float64]

BINARY_LABELS = ("0", "1")
"""Cells of the outcome of a score."""

_BINARY = CategoryVariable(
    name="outcome",
    role="outcome",
    position=0,
    counts=np.zeros(3, dtype=np.int64),
    missing=0,
    categories=(*BINARY_LABELS, UNSEEN),
)


def is_binary(outcome: Any) -> bool:
    """Return whether all outcomes that are present are 0 or 1, in any spelling."""
    return bool((_binary_cells(outcome) < 2).all())


def binary_numbers(outcome: Any) -> Floats:
    """Return a column of outcomes that are 0 or 1, in any spelling."""
    cells = _binary_cells(outcome)
    return np.where((cells == 0) | (cells == 1), cells, np.nan).astype(np.float64)


def _binary_cells(outcome: Any) -> NDArray[np.int64]:
    """Return the cell of each outcome: 0, 1, 2 for anything else, and -1 if it is missing."""
    column = capture_column("outcome", outcome, categorical=False)
    if not isinstance(column, NumericColumn):
        return row_cells(_BINARY, outcome)
    cells = np.where(np.isin(column.values, (0, 1)), column.values, 2)
    return np.where(np.isnan(column.values), -1, cells).astype(np.int64)


def binary_number(value: Any) -> float:
    """Return one outcome that is 0 or 1, in any spelling, as `binary_numbers` does."""
    number = spelled_number(value) if isinstance(value, str) else finite_number(value)
    return number if number in (0.0, 1.0) else math.nan


def cell_numbers(variable: CategoryVariable, values: Any) -> Floats:
    """Return the index of each value's cell."""
    cells = row_cells(variable, values)
    return np.where(cells < 0, np.nan, cells).astype(np.float64)


def cell_number(variable: CategoryVariable, value: Any) -> float:
    """Return the index of one value's cell, as `cell_numbers` does."""
    try:
        label = to_category(value)
    except ValueError:
        return math.nan
    return math.nan if label is None else float(cell_of(variable, label))


def row_numbers(values: Any) -> Floats:
    """Return a column as floats, row by row. A value that is not a number becomes NaN."""
    column = capture_column("outcome", values, categorical=False)
    if isinstance(column, NumericColumn):
        return column.values
    return np.array([_number(each) for each in row_values(values)], dtype=np.float64)


def finite_number(value: Any) -> float:
    """Return one value as a float. An infinite number becomes NaN, because it cannot be added."""
    number = value if type(value) is float else _number(value)
    return number if math.isfinite(number) else math.nan


def _number(value: Any) -> float:
    try:
        return to_number(value)
    except ValueError:
        return math.nan
