"""The values of a column row by row, as Python values or as numbered labels."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.values import to_category

__all__ = ["RowLabels", "row_labels", "row_values"]

Integers: TypeAlias = NDArray[np.int64]


class RowLabels(NamedTuple):
    """The label of each row.

    Attributes:
        codes: index of each row's label in `labels`; -1 for a row without a value.
        labels: the labels, each once.
    """

    codes: Integers
    labels: tuple[str, ...]


def row_labels(values: Any) -> RowLabels:
    """Return the label of each row of a column of any library.

    Raises:
        ValueError: if a value is not a category, such as a list.
    """
    rows = row_values(values)
    known: dict[tuple[type[Any], Any], int] = {}
    places: dict[str, int] = {}
    codes = np.empty(len(rows), dtype=np.int64)
    for row, value in enumerate(rows):
        # The type is part of the key, because Python considers 1 and True equal.
        key = (value.__class__, value)
        code = known.get(key)
        if code is None:
            label = to_category(value)
            code = known[key] = -1 if label is None else places.setdefault(label, len(places))
        codes[row] = code
    return RowLabels(codes, tuple(places))


def row_values(values: Any) -> list[Any]:
    """Return the Python values of a column of any library, row by row."""
    series = nw.from_native(values, series_only=True, allow_series=True, pass_through=True)
    if isinstance(series, nw.Series):
        return series.to_list()
    return list(values.tolist() if isinstance(values, np.ndarray) else values)
