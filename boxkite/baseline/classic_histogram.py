"""Columns counted as boxkite 0.0.5 counted them: equal-width bins, or one bin a value."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import narwhals as nw
import numpy as np
from numpy.typing import ArrayLike, NDArray

from boxkite.baseline.capture import CategoryColumn, capture_column, named_columns
from boxkite.baseline.classic import MISSING_BIN
from boxkite.baseline.edges import freedman_diaconis_edges
from boxkite.baseline.values import is_missing, spelled_number
from boxkite.baseline.variable import finite_sum
from boxkite.errors import BaselineWarning

__all__ = [
    "OVERFLOW_BIN",
    "ColumnHistogram",
    "bin_label",
    "column_histogram",
    "fast_histogram",
    "get_bins",
    "is_discrete",
    "named_values",
]

Floats: TypeAlias = NDArray[np.float64]

OVERFLOW_BIN = "+Inf"
"""The last bin of a histogram: values above the last edge, and what is missing."""

_MAX_DISCRETE_VALUES = 50
_MIN_ROWS_A_VALUE = 15


class ColumnHistogram(NamedTuple):
    """A counted column.

    Attributes:
        bins: rows in each bin, by its upper edge or its value.
        sum: of the finite values; None where each value has a bin of its own.
    """

    bins: dict[str, int]
    sum: float | None


def column_histogram(name: str, values: Any, discrete: bool | None = None) -> ColumnHistogram:
    """Count one column of numbers, or of text, which has one bin a label.

    Args:
        name: of the column, for the messages.
        values: a series of a frame, an array, a list or another iterable.
        discrete: whether each value has a bin of its own; by default `is_discrete` decides.

    Raises:
        BaselineError: naming the column, if it holds what is neither a number nor a label.

    Warns:
        BaselineWarning: for a column of text of which most rows are different.
    """
    if getattr(values, "ndim", 1) == 2 and values.shape[1] == 1:
        values = np.asarray(values)[:, 0]
    column = capture_column(name, values, categorical=False)
    numbers = _spelled_numbers(column) if isinstance(column, CategoryColumn) else column.values
    if numbers is None:
        assert isinstance(column, CategoryColumn)
        return ColumnHistogram(_count_labels(name, column), None)
    bins = fast_histogram(numbers, discrete)
    if OVERFLOW_BIN not in bins:
        return ColumnHistogram(bins, None)
    return ColumnHistogram(bins, finite_sum(numbers[np.isfinite(numbers)]))


def _spelled_numbers(column: CategoryColumn) -> Floats | None:
    """Return the numbers of a column of text that holds nothing else, None of any other."""
    try:
        numbers = np.array([float(label) for label in column.tally], dtype=np.float64)
    except ValueError:
        return None
    repeated = np.repeat(numbers, list(column.tally.values()))
    return np.concatenate([repeated, np.full(column.missing, math.nan)])


def _count_labels(name: str, column: CategoryColumn) -> dict[str, int]:
    bins = {label: column.tally[label] for label in sorted(column.tally)}
    rows = sum(bins.values())
    if len(bins) > max(_MAX_DISCRETE_VALUES, rows / 2):
        warnings.warn(
            f"column {name!r} has {len(bins):,} distinct texts in {rows:,} rows, each a series "
            f"of its own: an id has no distribution to compare; leave it out",
            BaselineWarning,
            stacklevel=4,
        )
    if column.missing:
        bins[MISSING_BIN] = bins.get(MISSING_BIN, 0) + column.missing
    return bins


def named_values(data: Any) -> Iterator[tuple[str, Any]]:
    """Take a frame, a mapping of columns or (name, values) pairs apart into columns.

    Raises:
        BaselineError: if it is none of these.
    """
    is_table = isinstance(data, Mapping | np.ndarray) or nw.dependencies.is_into_dataframe(data)
    if is_table or not isinstance(data, Iterable) or isinstance(data, str | bytes):
        return named_columns(data)
    return ((_encodable(str(name)), values) for name, values in data)


def _encodable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()


def fast_histogram(
    val: ArrayLike,
    discrete: bool | None = None,
    bins: Sequence[float] | Floats | None = None,
) -> dict[str, int]:
    """Count every value into bins, each of which holds what is at most its edge.

    A value below the first edge counts in the first bin, one above the last, +inf and NaN in
    the bin "+Inf". Where each value has a bin of its own, NaN has the bin "nan".

    Args:
        val: the values.
        discrete: whether each value has a bin of its own; by default `is_discrete` decides.
        bins: upper edges instead of those of `get_bins`; they mean nothing to discrete values.

    Returns:
        How many values each bin holds, by its edge or value as text, in ascending order.
    """
    ordered = np.sort(np.asarray(val, dtype=np.float64).ravel()) + 0.0  # -0.0 becomes 0.0
    present = ordered[: np.searchsorted(ordered, math.nan)]  # NaN is sorted to the end
    missing = len(ordered) - len(present)
    if _is_discrete(present) if discrete is None else discrete:
        labels, counts = np.unique(present, return_counts=True)
        found = {str(label): int(count) for label, count in zip(labels, counts, strict=True)}
        return found | {MISSING_BIN: missing} if missing else found
    finite = present[np.isfinite(present)]
    if bins is None:
        bins = get_bins(finite) if len(finite) else []
    text = {float(edge): str(edge) for edge in bins if math.isfinite(edge)}
    edges = np.array(sorted(text), dtype=np.float64)
    ends = np.searchsorted(present, edges, side="right")
    counts = np.diff(ends, prepend=0, append=len(ordered)).tolist()
    labels_of_edges = [text[edge] for edge in edges.tolist()]
    return dict(zip([*labels_of_edges, OVERFLOW_BIN], counts, strict=True))


def get_bins(val: ArrayLike) -> list[float]:
    """Return equal-width edges from the minimum to the maximum, about 50 at most.

    Args:
        val: the values; what is not finite is passed over.

    Raises:
        ValueError: if there is no finite value.
    """
    values = np.asarray(val, dtype=np.float64).ravel()
    finite = values[np.isfinite(values)]
    if len(finite) == 0:
        raise ValueError("no finite value to choose bins for")
    edges: list[float] = freedman_diaconis_edges(finite).tolist()
    return edges


def is_discrete(val: ArrayLike, max_samples: int | None = None) -> bool:
    """Tell whether each value of a column is worth a bin of its own.

    It is if there are fewer than 3 distinct values, or at most 50 with 15 rows each on average.

    Args:
        val: all of the values, numbers or text; NaN is passed over.
        max_samples: has no effect; 0.0.5 decided on a random sample of that size.
    """
    del max_samples
    values = np.asarray(val).ravel()
    if values.dtype.kind == "O":
        values = np.asarray(val, dtype=np.float64).ravel()
    if values.dtype.kind == "f":
        values = values[~np.isnan(values)]
    return _is_discrete(np.sort(values))


def _is_discrete(ordered: NDArray[Any]) -> bool:
    """Decide for ascending values without NaN."""
    distinct = int(np.count_nonzero(ordered[1:] != ordered[:-1])) + min(1, len(ordered))
    few = distinct <= _MAX_DISCRETE_VALUES and distinct * _MIN_ROWS_A_VALUE <= len(ordered)
    return distinct < 3 or few


def bin_label(value: Any) -> str:
    """Return the text of a discrete bin, the same for one number of any type.

    Numbers read as floats (`1`, `numpy.int64(1)` and `True` are "1.0"), text stays as it is, and
    what is missing is "nan".
    """
    if isinstance(value, str):
        return value
    if is_missing(value):
        return MISSING_BIN
    if isinstance(value, np.floating):
        value = float(str(value))  # as short as its own width allows
    number = spelled_number(str(value).lower())
    return str(value) if number is None else str(number + 0.0)
