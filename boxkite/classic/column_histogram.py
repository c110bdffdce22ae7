"""Counts columns as boxkite 0.0.5 did: in bins of equal width, or in one bin per value."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, cast

import narwhals as nw
import numpy as np
from numpy.typing import ArrayLike, NDArray

from boxkite.baseline.capture import CategoryColumn, capture_column
from boxkite.baseline.edges import freedman_diaconis_edges
from boxkite.baseline.named_columns import named_columns
from boxkite.baseline.numeric_variable import finite_sum
from boxkite.baseline.values import is_missing, spelled_number, valid_unicode
from boxkite.classic.classic_series import MISSING_BIN
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
"""The last bin of a histogram. It holds missing values and values above the last edge."""

_MAX_DISCRETE_VALUES = 50
_MIN_ROWS_A_VALUE = 15


class ColumnHistogram(NamedTuple):
    """A counted column.

    Attributes:
        bins: number of rows in each bin, by upper edge or by value.
        sum: sum of the finite values; None if each value has its own bin.
    """

    bins: dict[str, int]
    sum: float | None


def column_histogram(name: str, values: Any, discrete: bool | None = None) -> ColumnHistogram:
    """Count one column of numbers, or of texts, which get one bin each.

    Args:
        name: name of the column, for messages.
        values: a series of a frame, an array, a list or another iterable.
        discrete: whether each value gets its own bin. By default `is_discrete` decides.

    Raises:
        BaselineError: if the column holds something that is neither a number nor a label. The
            message names the column.

    Warns:
        BaselineWarning: for a column of texts that differ in most rows.
    """
    # A model often returns its output as an array of shape (rows, 1).
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
    """Return a column of text as numbers, or None if it contains any other text."""
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
            f"column {name!r} has {len(bins):,} distinct texts in {rows:,} rows, and each becomes "
            f"a series. Leave the column out if it holds ids: they have no distribution to compare",
            BaselineWarning,
            stacklevel=4,
        )
    if column.missing:
        bins[MISSING_BIN] = bins.get(MISSING_BIN, 0) + column.missing
    return bins


def named_values(data: Any) -> Iterator[tuple[str, Any]]:
    """Split a frame, a mapping of columns or (name, values) pairs into columns.

    Raises:
        BaselineError: if `data` has another form.
    """
    is_table = isinstance(data, Mapping | np.ndarray) or nw.dependencies.is_into_dataframe(data)
    if is_table or not isinstance(data, Iterable) or isinstance(data, str | bytes):
        return named_columns(data)
    pairs = cast("Iterable[tuple[Any, Any]]", data)
    return ((valid_unicode(str(name)), values) for name, values in pairs)


def fast_histogram(
    val: ArrayLike,
    discrete: bool | None = None,
    bins: Sequence[float] | Floats | None = None,
) -> dict[str, int]:
    """Count values into bins. Each bin holds the values up to and including its edge.

    Values below the first edge count in the first bin. Values above the last edge, +inf and NaN
    count in the bin "+Inf". If each value has its own bin, NaN has the bin "nan".

    Args:
        val: the values.
        discrete: whether each value gets its own bin. By default `is_discrete` decides.
        bins: upper edges to use instead of `get_bins`. Ignored for discrete values.

    Returns:
        The number of values in each bin, by edge or value as text, in ascending order.
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
    # The bins keep the spelling of the caller's edges, so the integer edge 1 is named "1".
    text = {float(edge): str(edge) for edge in bins if math.isfinite(edge)}
    edges = np.array(sorted(text), dtype=np.float64)
    ends = np.searchsorted(present, edges, side="right")
    counts = np.diff(ends, prepend=0, append=len(ordered)).tolist()
    labels_of_edges = [text[edge] for edge in edges.tolist()]
    return dict(zip([*labels_of_edges, OVERFLOW_BIN], counts, strict=True))


def get_bins(val: ArrayLike) -> list[float]:
    """Return edges of equal width from the minimum to the maximum, about 50 at most.

    Args:
        val: the values. NaN and infinities are ignored.

    Raises:
        ValueError: if there is no finite value.
    """
    values = np.asarray(val, dtype=np.float64).ravel()
    finite = values[np.isfinite(values)]
    if len(finite) == 0:
        raise ValueError("cannot choose bins: there is no finite value")
    edges: list[float] = freedman_diaconis_edges(finite).tolist()
    return edges


def is_discrete(val: ArrayLike, max_samples: int | None = None) -> bool:
    """Return whether each value of a column should get its own bin.

    That is so for fewer than 3 distinct values, and for at most 50 distinct values if there are 15
    rows for each on average.

    Args:
        val: all of the values, numbers or text. NaN is ignored.
        max_samples: has no effect. 0.0.5 decided on a random sample of this size.
    """
    del max_samples
    values = np.asarray(val).ravel()
    if values.dtype.kind == "O":
        values = np.asarray(val, dtype=np.float64).ravel()
    if values.dtype.kind == "f":
        values = values[~np.isnan(values)]
    return _is_discrete(np.sort(values))


def _is_discrete(ordered: NDArray[Any]) -> bool:
    """Return the same for ascending values without NaN."""
    distinct = int(np.count_nonzero(ordered[1:] != ordered[:-1])) + min(1, len(ordered))
    few = distinct <= _MAX_DISCRETE_VALUES and distinct * _MIN_ROWS_A_VALUE <= len(ordered)
    return distinct < 3 or few


def bin_label(value: Any) -> str:
    """Return the label of a discrete bin. Equal numbers of any type have the same label.

    Numbers are written as floats (`1`, `numpy.int64(1)` and `True` become "1.0"), text stays as it
    is, and missing values become "nan".
    """
    if isinstance(value, str):
        return value
    if is_missing(value):
        return MISSING_BIN
    if isinstance(value, np.floating):
        # float32(0.1) is written as "0.1" and not as the "0.10000000149011612" that it equals.
        value = float(str(value))  # pyright: ignore[reportUnknownArgumentType]
    number = spelled_number(str(value).lower())
    return str(value) if number is None else str(number + 0.0)
