"""Find the segment of each row: the place of its value among the values of a segment column."""

# Values here may be any object of the user's. After `isinstance`, pyright does not know their type
# parameters. Type guards would tell it, but would cost a call for each value.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline import SegmentColumn
from boxkite.live.mark import Mark
from boxkite.live.value_cells import mapped

__all__ = ["place_mark", "segment_places", "with_given"]

Floats: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.int64]


def segment_places(column: SegmentColumn, values: Sequence[Any] | Floats) -> Places:
    """Return the index in `SegmentColumn.values` of each row's value.

    A value that cannot be a category, such as a list, is missing.

    Args:
        column: the column that divides the rows into segments.
        values: one value for each row. A `Mark` holds the index itself.
    """
    return mapped(lambda value: _place(column, value), values)


def with_given(
    name: str, values: Sequence[Any] | Floats, given: Sequence[Any]
) -> Sequence[Any] | Floats:
    """Return the values of a segment column, where a record has them apart from its features.

    Args:
        name: name of the column.
        values: the values of the feature with this name; None for each row if there is none.
        given: `Record.segments` of each row.
    """
    if not any(given):
        return _unmarked(values)
    pairs = zip(_unmarked(values), given, strict=True)
    return [each.get(name, own) if type(each) is dict else own for own, each in pairs]


def place_mark(column: SegmentColumn, value: Any) -> Mark:
    """Return a mark that counts in the same segment as a value, to replace the value."""
    return Mark(_place(column, value))


def _unmarked(values: Sequence[Any] | Floats) -> Sequence[Any] | Floats:
    """Return values without the marks of features, which hold the cell of a feature."""
    if isinstance(values, np.ndarray) or Mark not in set(map(type, values)):
        return values
    return [None if type(each) is Mark else each for each in values]


def _place(column: SegmentColumn, value: Any) -> int:
    missing = len(column.values) - 1
    if type(value) is Mark:
        return value.cell if 0 <= value.cell < missing else missing
    try:
        return column.place_of(value)
    except Exception:  # noqa: BLE001 - a value is any object of the user's
        return missing
