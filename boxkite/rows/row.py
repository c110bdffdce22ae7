"""Convert one row of features, or one output, of any form to plain values."""

# Values here may be any object of the user's. After `isinstance`, pyright does not know their type
# parameters. Type guards would tell it, but would cost a call for each value.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any, TypeAlias, TypeGuard

import narwhals as nw
import numpy as np

from boxkite.baseline.class_probabilities import WINNER, winner
from boxkite.baseline.values import to_category
from boxkite.rows.fields import SINGLE, opened

__all__ = [
    "Positions",
    "Row",
    "ShapeError",
    "as_array",
    "check_names",
    "class_row",
    "is_flat",
    "is_row",
    "output_row",
    "plain_row",
]

# Limit for an iterable that does not know its length and may never end.
_MAX_VALUES = 100_000

Row: TypeAlias = "list[Any] | dict[str, Any]"
"""Values by position, or by name."""


class ShapeError(ValueError):
    """Features or an output are not a row. The message says what they are."""


def plain_row(features: Any, names: Collection[str] = ()) -> Row:
    """Return one row of features as a new list, or as a new mapping by name.

    Args:
        features: a list, tuple, 1-D array or mapping; a row of a frame; a frame or a list with one
            row; a tensor or sparse matrix; an object with named fields (see `opened`); or any other
            ordered iterable. The caller may change it afterwards.
        names: names of the features, which an object may have as its fields' names or aliases.

    Raises:
        ShapeError: if it is a single value, a set, or several rows.
    """
    if isinstance(features, list | tuple):
        if features and type(features[0]) not in SINGLE:
            return _listed_row(features, names)
        return list(features)
    features = opened(features, names)
    if type(features) is dict and _TEXT.issuperset(map(type, features)):
        return features.copy()
    if isinstance(features, Mapping):
        return {str(name): value for name, value in features.items()}
    if hasattr(features, "to_dict") or hasattr(features, "to_pydict"):
        named = _named_row(features)
        if named is not None:
            return named
    if isinstance(features, _NO_ROW) or not _is_iterable(features):
        raise ShapeError(f"a row of features is a list or a mapping, not {_kind(features)}")
    if hasattr(features, "__array__") or hasattr(features, "toarray"):
        return _array_row(as_array(features))
    values = list(islice(features, _MAX_VALUES + 1))
    if len(values) > _MAX_VALUES:
        raise ShapeError(f"the row does not end within {_MAX_VALUES} values")
    return values


def _listed_row(values: Sequence[Any], names: Collection[str]) -> Row:
    """Return the only row of a nested list such as `[[1, 2]]`, or a row with a nested value."""
    if not all(map(is_row, values)):
        return list(values)
    if len(values) > 1:
        raise ShapeError(f"one row is expected, not {len(values)}")
    (row,) = values
    return list(row) if isinstance(row, list | tuple) else plain_row(row, names)


def is_flat(features: Any) -> TypeGuard[list[Any]]:
    """Return quickly whether features look like a single row: a list of values."""
    return type(features) is list and bool(features) and type(features[0]) in SINGLE


def is_row(value: Any) -> bool:
    """Return whether a value may be a row itself: a list, 1-D array, or object with fields."""
    if type(value) in SINGLE:
        return False
    if isinstance(value, list | tuple | Mapping) or len(getattr(value, "shape", ())) == 1:
        return True
    return isinstance(opened(value), Mapping)


def as_array(value: Any) -> np.ndarray[Any, Any]:
    """Return an array, tensor, series or sparse matrix as a numpy array, keeping its mask."""
    if isinstance(value, np.ndarray):
        return value
    if hasattr(value, "detach"):  # PyTorch refuses to convert a tensor that records a gradient
        value = value.detach().cpu()
    return np.asarray(value.toarray() if hasattr(value, "toarray") else value)


_TEXT = frozenset({str})
_NO_ROW = (str, bytes, bytearray, memoryview, set, frozenset)


def check_names(row: Row, names: Collection[str]) -> None:
    """Check that a row can belong to variables with these names.

    Raises:
        ShapeError: if it has another number of values, or none of the names.
    """
    if not names:
        return
    if isinstance(row, list):
        if len(row) != len(names):
            raise ShapeError(
                f"the row has {len(row)} values, but the baseline has {len(names)} features"
            )
    elif row and not any(name in row for name in names):
        found = ", ".join(repr(name) for name in list(row)[:5])
        raise ShapeError(
            f"the row has none of the baseline's {len(names)} features; it has {found}"
        )


class Positions:
    """Turn rows by name into rows by position, if their names are exactly the baseline's.

    A row by position takes a third of the bytes in the journal, and a third of the time to count.

    Args:
        names: names of the features in the order of training.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._number = len(names)
        self._values = itemgetter(*names) if len(names) > 1 else None

    def of(self, row: Row) -> Row:
        """Return the row by position, or unchanged if it has other names or none."""
        if self._values is None or isinstance(row, list) or len(row) != self._number:
            return row
        try:
            return list(self._values(row))
        except KeyError:
            return row


def output_row(output: Any, names: Sequence[str]) -> Row:
    """Return a model's output as a row with one value for each output variable.

    Args:
        output: one value, or one per variable in a list or by name.
        names: names of the output variables.

    Raises:
        ShapeError: if the number of values does not fit.
    """
    if type(output) in _PLAIN and len(names) == 1:
        return [output]
    output = _named_output(output, names)
    if isinstance(output, Mapping):
        named = {str(name): value for name, value in output.items()}
        if any(name in named for name in names):
            return named
        if len(named) == len(names) == 1:
            return list(named.values())
        there = ", ".join(repr(name) for name in list(named)[:5]) or "nothing"
        raise ShapeError(f"the output has none of {', '.join(names)}; it has {there}")
    if isinstance(output, _NO_ROW) or not (_is_iterable(output) or hasattr(output, "to_pydict")):
        values = [output]
    else:
        found = plain_row(output)
        if isinstance(found, dict) and any(name in found for name in names):
            return found
        values = list(found.values()) if isinstance(found, dict) else found
    if len(values) != len(names):
        raise ShapeError(f"the output has {len(values)} values, but the baseline has {len(names)}")
    return values


_PLAIN = frozenset({float, int, str, bool})


def class_row(output: Any, classes: Sequence[str]) -> Row:
    """Return class probabilities as a row, followed by the class with the highest one.

    Args:
        output: one probability per class, in a list or by name. The winning class may follow.
        classes: names of the classes.

    Raises:
        ShapeError: if the number of values does not fit.
    """
    try:
        row = output_row(output, classes)
    except ShapeError as problem:
        return _with_winner(output, classes, problem)
    if isinstance(row, list):
        return [*row, winner(row, classes)]
    if WINNER not in row:
        row[WINNER] = winner(map(row.get, classes), classes)
    return row


def _with_winner(output: Any, classes: Sequence[str], problem: ShapeError) -> Row:
    """Return a row that already ends with the winning class instead of another probability."""
    try:
        row = output_row(output, (*classes, WINNER))
    except ShapeError:
        raise problem from None
    last = row[-1] if isinstance(row, list) else None
    if isinstance(last, float) or (last is not None and to_category(last) not in classes):
        raise problem
    return row


def _named_output(output: Any, names: Sequence[str]) -> Any:
    """Return an object with fields as a mapping, a named tuple only if it names a variable."""
    found = opened(output, names)
    if isinstance(output, tuple) and found is not output:
        return found if any(name in found for name in names) else output
    return found


def _named_row(features: Any) -> dict[str, Any] | None:
    """Return a pandas row, or a frame with one row, by name. None if its names are numbers."""
    frame = nw.from_native(features, allow_series=True, pass_through=True)
    if isinstance(frame, nw.DataFrame):
        if len(frame) != 1:
            raise ShapeError(f"a frame of {len(frame)} rows is not one row")
        return {str(column.name): column.to_list()[0] for column in frame.iter_columns()}
    index = getattr(features, "index", None)
    if index is None or not isinstance(index, Iterable):
        return None
    names = list(index)
    if all(isinstance(name, int | np.integer) for name in names):
        return None
    return {str(name): value for name, value in zip(names, features, strict=True)}


def _array_row(array: np.ndarray[Any, Any]) -> list[Any]:
    if array.ndim == 2 and array.shape[0] == 1:
        array = array[0]
    if array.ndim != 1:
        raise ShapeError(f"an array of shape {array.shape} is not one row")
    # Convert to Python values; a masked one becomes None. Keep times as numpy values, because
    # Python's values would lose the unit.
    values: list[Any] = list(array) if array.dtype.kind in "mM" else array.tolist()
    return values


def _is_iterable(value: Any) -> bool:
    return isinstance(value, Iterable) and getattr(value, "shape", None) != ()


def _kind(value: Any) -> str:
    return "None" if value is None else f"a single {type(value).__name__}"
