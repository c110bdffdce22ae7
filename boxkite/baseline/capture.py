"""Reads a column of any library as floats, or as counted labels.

A column is numeric if its type is a number, a boolean (0 and 1) or a date or time (seconds). A
column of text is categorical. In a column of Python objects, the values decide.
"""

# Values here may be any object of the user's. After `isinstance`, pyright does not know their type
# parameters. Type guards would tell it, but would cost a call for each value.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, TypeAlias

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.ordered_values import ValueType
from boxkite.baseline.values import is_missing, to_category, to_number
from boxkite.errors import BaselineError

__all__ = [
    "CategoryColumn",
    "Column",
    "NumericColumn",
    "capture_column",
    "counted_labels",
]


@dataclass(frozen=True)
class NumericColumn:
    """The values of a column as floats, in any order. Missing values are NaN.

    Attributes:
        values: the floats.
        value_type: what they stand for.
    """

    values: NDArray[np.float64]
    value_type: ValueType = "number"


@dataclass(frozen=True)
class CategoryColumn:
    """The labels of a column.

    Attributes:
        tally: number of rows with each label.
        missing: number of rows without a label.
        order: all labels of an ordered categorical type, in order; empty for any other type.
    """

    tally: Mapping[str, int]
    missing: int
    order: tuple[str, ...] = ()


Column: TypeAlias = NumericColumn | CategoryColumn

_ARRAY_TYPES: Mapping[str, ValueType] = {"b": "boolean", "M": "time", "m": "duration"}
_PYTHON_TYPES: Mapping[ValueType, tuple[type, ...]] = {
    "boolean": (bool, np.bool_),
    "time": (dt.date, np.datetime64),
    "duration": (dt.timedelta, dt.time, np.timedelta64),
}
_NUMBER_TYPES = frozenset({int, float, bool, Decimal})


def capture_column(name: str, values: Any, *, categorical: bool) -> Column:
    """Read one column.

    Args:
        name: name of the column, for messages.
        values: a series of a frame, an array, a list or another iterable.
        categorical: whether to read values of any type as labels.

    Raises:
        BaselineError: if a value is neither a number nor a label. The message names the column.
    """
    try:
        series = _as_series(values)
        if isinstance(series, nw.Series):
            return _from_series(series, categorical)
        if not isinstance(values, np.ndarray):
            values = _array_of(values)
        return _from_array(values, categorical)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise BaselineError(f"column {name!r}: {error}") from error


def _as_series(values: Any) -> Any:
    """Return a series of any library as a narwhals series, and other values unchanged."""
    # narwhals accepts only chunked arrays of pyarrow.
    pyarrow = nw.dependencies.get_pyarrow()
    if pyarrow is not None and isinstance(values, pyarrow.Array):
        values = pyarrow.chunked_array([values])
    return nw.from_native(values, series_only=True, allow_series=True, pass_through=True)


def _from_series(column: nw.Series[Any], categorical: bool) -> Column:
    kind = column.dtype
    if kind == nw.String:
        # The cast turns pyarrow's string views into strings: pyarrow miscounts nulls in views.
        return _tally(_value_counts(column.cast(nw.String)))
    if kind == nw.Categorical or kind == nw.Enum:
        counted = _tally(_value_counts(column))
        labels = (to_category(each) for each in _categories_in_order(column))
        return replace(counted, order=tuple(each for each in labels if each is not None))
    if kind.is_numeric() or kind == nw.Boolean:
        if categorical:
            return _tally(_value_counts(column))
        if kind.is_decimal() or kind == nw.Boolean:
            column = column.cast(nw.Float64)
        return NumericColumn(_floats(column), "boolean" if kind == nw.Boolean else "number")
    if kind == nw.Date and not categorical:
        return NumericColumn(_seconds(column.cast(nw.Datetime("ms"))), "time")
    if (kind == nw.Datetime or kind == nw.Duration) and not categorical:
        return NumericColumn(_seconds(column), "time" if kind == nw.Datetime else "duration")
    return _from_objects(column.to_list(), categorical)


def _categories_in_order(column: nw.Series[Any]) -> Iterable[Any]:
    """Return the categories of an ordered type; none if the type has no order."""
    # narwhals reads pandas' ordered categoricals as enums, but not Arrow's ordered dictionaries.
    if isinstance(column.dtype, nw.Enum):
        return column.dtype.categories
    native = column.to_native()
    if not nw.dependencies.is_pyarrow_chunked_array(native) or not native.type.ordered:
        return ()
    chunks: list[Any] = native.unify_dictionaries().chunks
    return chunks[0].dictionary.to_pylist() if chunks else ()


def _floats(column: nw.Series[Any]) -> NDArray[np.float64]:
    # Integers with nulls, or of 128 bits, may arrive as an array of objects.
    kind = column.dtype
    if kind == nw.Int128 or kind == nw.UInt128 or (kind.is_integer() and column.null_count()):
        column = column.cast(nw.Float64)
    return np.asarray(column.to_numpy(), dtype=np.float64)


def _seconds(column: nw.Series[Any]) -> NDArray[np.float64]:
    if column.dtype == nw.Duration:
        return _floats(column.dt.total_microseconds()) / 1e6
    return _floats(column.dt.timestamp("us")) / 1e6


def _value_counts(column: nw.Series[Any]) -> Iterable[tuple[Any, int]]:
    counted = column.alias("value").value_counts(name="rows")
    return zip(counted["value"].to_list(), counted["rows"].to_list(), strict=True)


def _array_of(values: Iterable[Any]) -> NDArray[Any]:
    """Return Python values as an array of floats if all are floats, and of objects otherwise."""
    if isinstance(values, str | bytes | Mapping):
        raise ValueError(f"a {type(values).__name__} is not a column. Pass a list of values")
    values = list(values)
    if set(map(type, values)) <= {float}:
        return np.array(values, dtype=np.float64)
    # np.array would turn a list of equally long lists into a 2-D array.
    array = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        array[row] = value
    return array


def _from_array(array: NDArray[Any], categorical: bool) -> Column:
    if array.ndim != 1:
        raise ValueError(
            f"an array of shape {array.shape} is not one column. Pass one value for each row"
        )
    kind = array.dtype.kind
    if kind in "Mm":
        # `tolist` turns nanoseconds into integers, but microseconds into dates and durations.
        array = array.astype(f"{kind}8[us]")
    if (
        kind in "OT"
        or (kind in "Mm" and categorical)
        or (kind in "US" and np.ma.isMaskedArray(array))
    ):
        return _from_objects(array.tolist(), categorical)
    if kind in "US" or (categorical and kind in "fiub"):
        labels, counts = np.unique(np.ma.compressed(array), return_counts=True)
        hidden = len(array) - int(counts.sum())  # masked values
        return _tally([*zip(labels.tolist(), counts.tolist(), strict=True), (None, hidden)])
    if kind in "Mm":
        moments = np.ma.getdata(array)
        floats = moments.astype(np.int64) / 1e6
        floats[np.isnat(moments)] = np.nan
    elif kind in "fiub":
        # A longdouble may exceed the range of float64. It becomes an infinity, without a warning.
        with np.errstate(over="ignore"):
            floats = np.ma.getdata(array).astype(np.float64, copy=False)
    else:
        raise ValueError(
            f"values of type {array.dtype} are neither numbers nor labels. Convert the column to "
            "numbers or text, or leave it out"
        )
    mask = np.ma.getmaskarray(array) if np.ma.isMaskedArray(array) else None
    floats = floats if mask is None else np.where(mask, np.nan, floats)
    return NumericColumn(floats, _ARRAY_TYPES.get(kind, "number"))


def _from_objects(values: list[Any], categorical: bool) -> Column:
    """Read Python values: as labels if any of them is text, and otherwise as numbers."""
    if categorical or any(isinstance(value, str | bytes) for value in values):
        return _tally(_counted(values))
    # numpy converts a list of plain numbers and None much faster than `to_number`.
    if set(map(type, values)) <= _NUMBER_TYPES | {type(None)}:
        fast = _try_floats(values)
        if fast is not None:
            return NumericColumn(fast, _common_type(values))
    if any(_is_label_only(value) for value in values):
        return _tally(_counted(values))
    return NumericColumn(_each(to_number, values), _common_type(values))


def _common_type(values: Iterable[Any]) -> ValueType:
    """Return what Python values stand for: `number` unless all of them are of another type."""
    types = {type(value) for value in values if not is_missing(value)}
    for name, members in _PYTHON_TYPES.items():
        if types and all(issubclass(each, members) for each in types):
            return name
    return "number"


def _try_floats(values: list[Any]) -> NDArray[np.float64] | None:
    try:
        return np.array(values, dtype=np.float64)
    except (OverflowError, ValueError):
        return None


def _each(convert: Callable[[Any], float], values: list[Any]) -> NDArray[np.float64]:
    return np.fromiter((convert(value) for value in values), np.float64, len(values))


def _is_label_only(value: Any) -> bool:
    """Return whether a value is present but neither a number nor a date or time."""
    if is_missing(value) or isinstance(value, dt.date | dt.time | dt.timedelta):
        return False
    try:
        to_number(value)
    except ValueError:
        return True
    return False


def _counted(values: list[Any]) -> Iterable[tuple[Any, int]]:
    """Count values, but keep those apart that Python considers equal, such as 1 and True."""
    if set(map(type, values)) <= {str, type(None)}:
        return Counter(values).items()
    return [(value, 1) for value in values]


def counted_labels(name: str, pairs: Iterable[tuple[Any, int]]) -> CategoryColumn:
    """Return the labels of values that are already counted.

    Args:
        name: name of the column, for messages.
        pairs: each value and its number of rows.

    Raises:
        BaselineError: if a value is not a label. The message names the column.
    """
    try:
        return _tally(pairs)
    except ValueError as error:
        raise BaselineError(f"column {name!r}: {error}") from error


def _tally(pairs: Iterable[tuple[Any, int]]) -> CategoryColumn:
    tally: Counter[str] = Counter()
    missing = 0
    for value, rows in pairs:
        label = to_category(value)
        if label is None:
            missing += rows
        elif rows:  # pandas also lists the unused levels of a categorical, with 0 rows
            tally[label] += rows
    return CategoryColumn(tally, missing)
