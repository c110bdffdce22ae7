"""Splits a table of any library into named columns."""

# Values here may be any object of the user's. After `isinstance`, pyright does not know their type
# parameters. Type guards would tell it, but would cost a call for each value.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike
from typing import Any

import narwhals as nw
import numpy as np
from narwhals.exceptions import DuplicateError
from numpy.typing import NDArray

from boxkite.errors import BaselineError

__all__ = ["named_columns"]


def named_columns(
    data: Any, names: Sequence[str] | None = None, *, single: str | None = None
) -> Iterator[tuple[str, Any]]:
    """Split tabular data into columns, and yield the name and the values of each.

    Args:
        data: a frame, eager or lazy, of pandas, polars, pyarrow or another library that narwhals
            supports; a mapping of columns; (name, values) pairs; a 2-D or a structured array.
        names: column names of a 2-D array. The default is `x0`, `x1`, and so on.
        single: name for a single column that has none. None if a single column is not allowed.

    Raises:
        BaselineError: if the data has another form, or `names` does not fit it.
    """
    if names is not None and not isinstance(data, np.ndarray):
        raise BaselineError(
            f"names= was given with a {type(data).__name__}, which has its own column names. Pass "
            f"names= only with a 2-D array"
        )
    if isinstance(data, Mapping):
        yield from ((str(name), values) for name, values in data.items())
        return
    native = nw.to_native(data, pass_through=True)
    if nw.dependencies.is_pandas_like_dataframe(native):
        # narwhals refuses column names that are not text or that repeat. Here they are converted,
        # and `fit_distributions` explains which name repeats.
        yield from ((str(name), native.iloc[:, i]) for i, name in enumerate(native.columns))
        return
    try:
        frame = nw.from_native(data, allow_series=True, pass_through=True)
    except DuplicateError as error:
        raise BaselineError(f"two columns have the same name: {error}. Rename one") from None
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    if isinstance(frame, nw.DataFrame):
        yield from ((column.name, column) for column in frame.iter_columns())
    elif isinstance(frame, nw.Series):
        yield _single(single) if frame.name in (None, "") else str(frame.name), frame
    elif isinstance(data, np.ndarray):
        yield from _array_columns(data, names, single)
    elif single is not None and not _is_pairs(data):
        yield single, data
    else:
        yield from _pairs(data)


def _array_columns(
    array: NDArray[Any], names: Sequence[str] | None, single: str | None
) -> Iterator[tuple[str, Any]]:
    if array.dtype.names is not None:
        yield from ((name, array[name]) for name in array.dtype.names)
    elif array.ndim == 1 and single is not None:
        yield single, array
    elif array.ndim == 2:
        stem = "x" if single is None else f"{single}_"
        names = [f"{stem}{i}" for i in range(array.shape[1])] if names is None else names
        if len(names) != array.shape[1]:
            raise BaselineError(
                f"names= has {len(names)} names, but the array has {array.shape[1]} columns. Pass "
                "one name for each column"
            )
        yield from ((str(name), array[:, i]) for i, name in enumerate(names))
    else:
        raise BaselineError(
            f"an array of shape {array.shape} is not a table. Pass one of shape (rows, features)"
        )


def _single(name: str | None) -> str:
    if name is None:
        raise BaselineError("the column has no name. Pass a table, or {name: column}")
    return name


def _is_pairs(data: Any) -> bool:
    """Return whether a list holds (name, values) pairs rather than values."""
    if isinstance(data, Sequence) and not isinstance(data, str):
        return bool(data) and all(isinstance(each, tuple) and len(each) == 2 for each in data)
    return isinstance(data, Iterator)


def _pairs(data: Any) -> Iterator[tuple[str, Any]]:
    expected = "a table, a mapping of columns, (name, values) pairs or a 2-D array"
    if isinstance(data, str | PathLike):
        raise BaselineError(
            f"cannot read {os.fspath(data)!r} as columns. Read the file first, for instance with "
            f"pandas.read_parquet, or use the command line: boxkite baseline, boxkite compare"
        )
    if not isinstance(data, Iterable) or isinstance(data, bytes):
        raise BaselineError(f"cannot read {type(data).__name__} as columns. Pass {expected}")
    for pair in data:
        if not (isinstance(pair, tuple | list) and len(pair) == 2 and isinstance(pair[0], str)):
            raise BaselineError(f"cannot read {type(pair).__name__} as a column. Pass {expected}")
        yield pair[0], pair[1]
