"""Split the features and outputs of a request with several predictions into rows."""

# Values here may be any object of the user's. After `isinstance`, pyright does not know their type
# parameters. Type guards would tell it, but would cost a call for each value.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np

from boxkite.rows.fields import SINGLE, opened
from boxkite.rows.row import ShapeError, as_array, is_row

__all__ = ["Batch", "TooManyRowsError", "batch_of", "rows_of"]


class TooManyRowsError(ShapeError):
    """One request has more rows than may be counted.

    Attributes:
        rows: number of rows.
    """

    def __init__(self, rows: int, limit: int) -> None:
        super().__init__(
            f"the request has {rows} rows, but MAX_ROWS is {limit}, so none of them is counted; "
            "raise MAX_ROWS, or split the request"
        )
        self.rows = rows


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of features and their outputs.

    Attributes:
        rows: rows of features, each as `plain_row` takes it. None if there is a single output for
            several rows: they are one prediction, whose features do not fit.
        outputs: one output per row, each as `output_row` takes it. None if they do not match.
        problem: why they do not match.
    """

    rows: Sequence[Any] | None
    outputs: Sequence[Any] | None
    problem: ShapeError | None = None


def batch_of(
    features: Any,
    outputs: Any,
    feature_names: Collection[str],
    output_names: Sequence[str],
    max_rows: int,
) -> Batch | None:
    """Return features and outputs row by row. Return None if they are one row or unknown.

    The features decide how many rows there are. If there are no features, the outputs do.

    Args:
        features: several rows, see `rows_of`.
        outputs: a list, array, series or frame with one output per row, or a mapping of columns.
        feature_names: names of the baseline's features, in order.
        output_names: names of the baseline's outputs, in order.
        max_rows: greatest number of rows.

    Raises:
        TooManyRowsError: if there are more rows.
        ShapeError: if columns differ in length.
    """
    if features is None:
        answers = _outputs_alone(outputs, output_names, max_rows)
        return None if answers is None else Batch([None] * len(answers), answers)
    try:
        rows = rows_of(features, feature_names, max_rows)
    except TooManyRowsError as error:
        if outputs is None or _outputs_of(outputs, output_names, max_rows) is not None:
            raise
        return _single_output(error.rows, outputs)
    if rows is None:
        return None
    if outputs is None:
        return Batch(rows, [None] * len(rows))
    answers = _outputs_of(outputs, output_names, max_rows)
    if answers is not None and len(answers) == len(rows):
        return Batch(rows, answers)
    if len(rows) == 1:
        return Batch(rows, [outputs])
    if answers is not None:
        problem = ShapeError(f"{len(rows)} rows of features, but {len(answers)} outputs")
        return Batch(rows, None, problem)
    if _is_bare(features):
        return None  # an empty list with one output is a row without values
    return _single_output(len(rows), outputs)


def _single_output(rows: int, output: Any) -> Batch:
    # The client decides how many rows it sends, but the view made one prediction. So only one is
    # counted.
    problem = f"{rows} rows of features, but one {type(output).__name__}"
    return Batch(None, None, ShapeError(problem))


def rows_of(features: Any, names: Collection[str], max_rows: int) -> Sequence[Any] | None:
    """Return several rows one by one. Return None if features are a single row or no rows.

    Args:
        features: a 2-D array, a list of rows (lists, 1-D arrays, mappings, objects with fields), a
            frame, or a mapping of columns with the baseline's names and equal lengths. There may be
            one row, or none.
        names: names of the baseline's features, in order.
        max_rows: greatest number of rows.

    Raises:
        TooManyRowsError: if there are more rows.
        ShapeError: if columns differ in length.
    """
    if isinstance(features, list | tuple):
        if features and type(features[0]) in SINGLE:
            return None
        _check_number(len(features), max_rows)
        return features if all(map(is_row, features)) else None
    if isinstance(features, np.ndarray) and features.dtype.names is None:
        return _array_rows(features, max_rows) if features.ndim == 2 else None
    return _rows_of_columns(features, names, max_rows, only=False)


def _check_number(rows: int, max_rows: int) -> None:
    """Refuse too many rows before anything is made of them."""
    if rows > max_rows:
        raise TooManyRowsError(rows, max_rows)


def _rows_of_columns(
    table: Any, names: Collection[str], max_rows: int, *, only: bool
) -> Sequence[Any] | None:
    """Return the rows of a table by name, or of a matrix by position.

    Args:
        table: a frame, a mapping of columns, a structured array or a matrix.
        names: names of the variables, in order.
        max_rows: greatest number of rows.
        only: if a mapping has a single column, take it, even if it has another name.
    """
    table = opened(table, names)
    if isinstance(table, Mapping):
        return _rows_of_mapping(table, names, max_rows, only)
    if isinstance(table, np.ndarray) and table.dtype.names is not None and table.ndim == 1:
        _check_number(len(table), max_rows)
        return _zipped({name: table[name].tolist() for name in table.dtype.names}, names)
    frame = nw.from_native(table, pass_through=True)
    if isinstance(frame, nw.DataFrame):
        _check_number(len(frame), max_rows)
        return _zipped({str(each.name): each.to_list() for each in frame.iter_columns()}, names)
    if len(getattr(table, "shape", ())) == 2:
        return _array_rows(table, max_rows)
    return None


def _rows_of_mapping(
    table: Mapping[Any, Any], names: Collection[str], max_rows: int, only: bool
) -> Sequence[Any] | None:
    ours = [key for key in table if str(key) in names]
    if not ours and only and len(table) == 1:
        ours = list(table)
    columns: dict[str, Sequence[Any]] = {}
    for key in ours:
        column = _column(table[key])
        if column is None:
            return None
        columns[str(key)] = column
    lengths = {len(column): name for name, column in columns.items()}
    if len(lengths) > 1:
        (one, first), (two, second), *_ = lengths.items()
        raise ShapeError(
            f"the columns have different lengths: {first!r} has {one}, and {second!r} has {two}"
        )
    _check_number(max(lengths, default=0), max_rows)
    return _zipped(columns, names) if columns else None


def _column(values: Any) -> Sequence[Any] | None:
    """Return the values of a column. Return None if it is not a list, 1-D array or series."""
    if type(values) in SINGLE:
        return None
    if isinstance(values, list | tuple):
        return values
    if len(getattr(values, "shape", ())) != 1 and not hasattr(values, "to_pylist"):
        return None
    series = nw.from_native(values, series_only=True, pass_through=True)
    if isinstance(series, nw.Series):
        return series.to_list()
    array = as_array(values)
    return list(array) if array.dtype.kind in "mM" else array.tolist()


def _zipped(columns: Mapping[str, Sequence[Any]], names: Collection[str]) -> Sequence[Any]:
    """Return the rows of columns, by position if they are exactly the baseline's variables."""
    if len(columns) == len(names) > 0 and all(name in columns for name in names):
        return list(zip(*(columns[name] for name in names), strict=True))
    found = list(columns)
    return [dict(zip(found, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _array_rows(matrix: Any, max_rows: int) -> Sequence[Any]:
    _check_number(int(matrix.shape[0]), max_rows)
    array = as_array(matrix)
    # Keep times as numpy values, because Python's values would lose their unit.
    rows: list[Any] = [list(row) for row in array] if array.dtype.kind in "mM" else array.tolist()
    return rows


def _outputs_of(outputs: Any, names: Sequence[str], max_rows: int) -> Sequence[Any] | None:
    """Return outputs one by one. Return None if there is a single one."""
    if isinstance(outputs, list | tuple):
        return outputs
    if type(outputs) in SINGLE:
        return None
    column = None if isinstance(outputs, Mapping) else _column(outputs)
    if column is not None:
        return column
    return _rows_of_columns(outputs, names, max_rows, only=len(names) < 2)


def _outputs_alone(outputs: Any, names: Sequence[str], max_rows: int) -> Sequence[Any] | None:
    """Return outputs one by one if there are certainly several. Return None otherwise."""
    answers = _outputs_of(outputs, names, max_rows)
    if answers is None or len(answers) < 2:
        return None
    if len(names) != 1 and not all(map(is_row, answers)):
        return None
    _check_number(len(answers), max_rows)
    return answers


def _is_bare(features: Any) -> bool:
    return isinstance(features, list | tuple) and not features
