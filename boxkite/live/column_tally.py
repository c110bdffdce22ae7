"""Count the values of one variable: numbers, texts and any other objects of a service."""

# Values here may be any object of the user's. After `isinstance`, pyright does not know their type
# parameters. Type guards would tell it, but would cost a call for each value.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline import CategoryVariable, Variable
from boxkite.baseline.tally import Tally, tally_labels, tally_numbers
from boxkite.baseline.values import to_category, to_number
from boxkite.live.mark import Mark

__all__ = ["NO_VALUE", "PLAIN", "invalid_example", "tally_values"]

Floats: TypeAlias = NDArray[np.float64]

PLAIN = frozenset({float, int, bool, type(None)})
"""Types of values that numpy converts to floats as `to_number` does."""

NO_VALUE: dict[str, Any] = {}
"""Stands for each value of a row that does not fit. It is neither a number nor a label."""


def tally_values(variable: Variable, column: Sequence[Any] | Floats) -> Tally:
    """Count values of any type into the cells of a variable."""
    if not isinstance(column, np.ndarray):
        return _tally_objects(variable, column)
    if isinstance(variable, CategoryVariable):
        return _tally_objects(variable, column.tolist())
    return tally_numbers(variable, column)


def _tally_objects(variable: Variable, column: Sequence[Any]) -> Tally:
    kinds = set(map(type, column))
    if Mark in kinds:
        return _tally_marked(variable, column)
    if isinstance(variable, CategoryVariable):
        return _tally_categories(variable, column, kinds)
    if kinds <= PLAIN:
        return tally_numbers(variable, np.array(column, dtype=np.float64))
    valid: list[float] = []
    for value in column:
        try:
            valid.append(to_number(value))
        except ValueError:
            continue
    floats = np.array(valid, dtype=np.float64)
    return tally_numbers(variable, floats, invalid=len(column) - len(valid))


def invalid_example(variable: Variable, column: Iterable[Any]) -> str | None:
    """Return the type of the first invalid value, but not of a row that does not fit."""
    convert: Any = to_category if isinstance(variable, CategoryVariable) else to_number
    for value in column:
        if type(value) is Mark:
            if value.cell == Mark.INVALID:
                return "a redacted value"
        elif value is not NO_VALUE:
            try:
                convert(value)
            except ValueError:
                return _type_of(value)
    return None


def _type_of(value: Any) -> str:
    kind = type(value).__name__
    if isinstance(value, dict) and list(value) == ["unsupported"]:
        kind = str(value["unsupported"])  # the request has written the name of an object's type
    return _TYPES.get(kind, kind)


_TYPES = {"str": "text", "list": "a list", "dict": "an object", "bool": "a boolean"}


def _tally_marked(variable: Variable, column: Sequence[Any]) -> Tally:
    """Count values, and the marks that replace redacted values. Only values add to the sum."""
    rest = _tally_objects(variable, [each for each in column if type(each) is not Mark])
    cells = rest.cells.copy()
    missing, invalid = rest.missing, rest.invalid
    outside = rest.outside
    marks = Counter(each for each in column if type(each) is Mark)
    for mark, rows in marks.items():
        if 0 <= mark.cell < len(cells):
            cells[mark.cell] += rows
            outside += rows * mark.outside
        elif mark.cell == Mark.MISSING:
            missing += rows
        else:
            invalid += rows
    return Tally(cells, missing, invalid, outside, rest.sum)


def _tally_categories(
    variable: CategoryVariable, column: Sequence[Any], kinds: set[type[Any]]
) -> Tally:
    labels: Counter[str] = Counter()
    missing = invalid = 0
    if kinds <= {str}:
        labels.update(column)
    else:
        for value in column:
            try:
                label = to_category(value)
            except ValueError:
                invalid += 1
                continue
            if label is None:
                missing += 1
            else:
                labels[label] += 1
    return tally_labels(variable, labels, missing, invalid)
