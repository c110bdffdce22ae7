"""Convert lines of a log to rows of Parquet, and such rows to the same lines again.

Every row gives back the bytes of its line. To make sure, `rows_of` converts its rows back to lines.
If a line differs, for example because it has a text in a column of numbers, its row keeps the whole
line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec
import numpy as np
import pyarrow as pa

from boxkite.logs.compaction.arrow_numbers import as_floats, as_microseconds
from boxkite.logs.compaction.row_layout import FIELDS, SINGLE, FieldLayout, Kind, RowLayout, by_name
from boxkite.logs.log_line import LoggedPrediction, finish_line
from boxkite.logs.log_record import LogRecord

__all__ = ["lines_of", "rows_of"]

# The names in a row in their order, for rows that the layout alone cannot restore. A name in a list
# of its own marks a whole number in a column of floats: the line had `1` and not `1.0`.
_Shape: TypeAlias = list[str | list[str]]

_MAX_EXACT = 2**53


def rows_of(
    lines: Sequence[bytes], predictions: Sequence[LoggedPrediction], layout: RowLayout
) -> pa.RecordBatch:
    """Return rows that hold these lines.

    Args:
        lines: lines of the log, each with its line feed.
        predictions: the parsed lines.
        layout: layout of the day.
    """
    fields = {
        name: _encode_field(getattr(layout, name), [getattr(each, name) for each in predictions])
        for name in FIELDS
    }
    columns = {name: [getattr(each, name) for each in predictions] for name in _COPIED}
    columns["request_body"] = [_body(each) for each in predictions]
    columns["truncated"] = [",".join(each.truncated) or None for each in predictions]
    columns["shape"] = [
        None if shapes == (None, None) else msgspec.json.encode(shapes).decode()
        for shapes in zip(*(shapes for _, shapes in fields.values()), strict=True)
    ]
    columns["line"] = [None] * len(lines)
    columns |= {name: array for name, (array, _) in fields.items()}
    batch = _batch(columns, layout.schema)
    rebuilt = _rebuild(batch, layout)
    columns["line"] = [None if a == b else a for a, b in zip(lines, rebuilt, strict=True)]
    return _batch(columns, layout.schema)


_COPIED = (
    "prediction_id",
    "entity_id",
    "server_id",
    "endpoint_id",
    "model",
    "version",
    "created_at",
)


def _batch(columns: dict[str, Any], schema: pa.Schema) -> pa.RecordBatch:
    arrays = [
        column if isinstance(column, pa.Array) else pa.array(column, field.type)
        for field in schema
        for column in (columns[field.name],)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _body(prediction: LoggedPrediction) -> str | None:
    # The bytes were not checked when the line was parsed, so they may not be valid UTF-8.
    return bytes(prediction.request_body).decode("utf-8", "backslashreplace") or None


def _encode_field(
    layout: FieldLayout, values: Sequence[Any]
) -> tuple[pa.Array, list[_Shape | None]]:
    """Return the column of a field, and the shape of each row that differs from the layout."""
    rows = [by_name(layout.form, each) for each in values]
    whole: dict[int, set[str]] = {}
    arrays: list[pa.Array] = []
    for name, kind in layout.kinds.items():
        column = [None if row is None else row.get(name) for row in rows]
        arrays.append(_encode(kind, column))
        if kind == "float" and int in set(map(type, column)):
            for i, value in enumerate(column):
                if type(value) is int:
                    whole.setdefault(i, set()).add(name)
    names = list(layout.kinds)
    shapes: list[_Shape | None] = [
        [[name] if name in whole.get(i, ()) else name for name in row]
        if row is not None and (i in whole or list(row) != names)
        else None
        for i, row in enumerate(rows)
    ]
    if layout.form == "single":
        return arrays[0], shapes
    if layout.type is None:
        return pa.nulls(len(rows)), shapes
    mask = pa.array([row is None for row in rows])
    return pa.StructArray.from_arrays(arrays, fields=list(layout.type), mask=mask), shapes


def _encode(kind: Kind, values: list[Any]) -> pa.Array:
    """Return the column of one name. A value of another kind becomes null."""
    type_, plain, convert = _ENCODERS[kind]
    if set(map(type, values)) <= plain:
        return pa.array(values, type_)
    return pa.array([None if each is None else convert(each) for each in values], type_)


def _to_float(value: Any) -> float | None:
    if type(value) is float:
        return value
    if type(value) is int and abs(value) <= _MAX_EXACT:
        return float(value)
    return _INFINITIES.get(value) if type(value) is str else None


def _to_integer(value: Any) -> int | None:
    return value if type(value) is int and -(2**63) <= value < 2**63 else None


def _to_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


_INFINITIES = {"Infinity": float("inf"), "-Infinity": float("-inf")}
_NONE: type = type(None)
_ENCODERS: dict[Kind, tuple[pa.DataType, set[type], Callable[[Any], Any]]] = {
    "float": (pa.float64(), {float, _NONE}, _to_float),
    "integer": (pa.int64(), {_NONE}, _to_integer),
    "boolean": (pa.bool_(), {bool, _NONE}, lambda value: value if type(value) is bool else None),
    "text": (pa.string(), {str, _NONE}, lambda value: value if type(value) is str else None),
    "json": (pa.string(), {_NONE}, _to_json),
}


def lines_of(batch: pa.RecordBatch, layout: RowLayout) -> list[bytes]:
    """Return the lines that rows hold."""
    kept = batch.column("line")
    if kept.null_count == len(kept):
        return _rebuild(batch, layout)
    whole = kept.to_pylist()
    # Rebuild only the rows that need it, because all rows of a hostile log may keep their line.
    rebuilt = iter(_rebuild(batch.filter(kept.is_null()), layout))
    return [next(rebuilt) if line is None else line for line in whole]


def _rebuild(batch: pa.RecordBatch, layout: RowLayout) -> list[bytes]:
    """Build the lines from the columns of rows, without the column `line`."""
    shapes = [_shapes(text) for text in batch.column("shape").to_pylist()]
    values = [
        _decode_field(getattr(layout, name), _column(batch, name), [pair[i] for pair in shapes])
        for i, name in enumerate(FIELDS)
    ]
    head = [
        batch.column(name).to_pylist() if name in batch.schema.names else [""] * len(batch)
        for name in _COPIED[:-1]
    ]
    tail = zip(
        _times(batch.column("created_at")),
        *values,
        map(_raw, _column(batch, "request_body").to_pylist()),
        map(_names, batch.column("truncated").to_pylist()),
        strict=True,
    )
    return [
        finish_line(_encoder.encode(LogRecord(**dict(zip(_FIELDS, (*first, *rest), strict=True)))))
        for first, rest in zip(zip(*head, strict=True), tail, strict=True)
    ]


# Segments have no column of their own: the row of a line with segments keeps the whole line.
_FIELDS = tuple(name for name in LogRecord.__struct_fields__ if name != "segments")
_encoder = msgspec.json.Encoder()


def _column(batch: pa.RecordBatch, name: str) -> pa.Array:
    return batch.column(name) if name in batch.schema.names else pa.nulls(len(batch))


def _times(column: pa.Array) -> Iterator[str]:
    moments: Any = as_microseconds(column).view("datetime64[us]")
    as_text: Callable[..., Any] = np.datetime_as_string
    return (f"{text}Z" for text in as_text(moments, unit="us").tolist())


def _raw(text: str | None) -> Any:
    return msgspec.UNSET if text is None else msgspec.Raw(text.encode())


def _names(text: str | None) -> Any:
    return msgspec.UNSET if text is None else text.split(",")


@lru_cache(maxsize=1024)
def _shapes(text: str | None) -> tuple[_Shape | None, _Shape | None]:
    if text is None:
        return None, None
    first, second = msgspec.json.decode(text, type=tuple[_Shape | None, _Shape | None])
    return first, second


def _decode_field(
    layout: FieldLayout, column: pa.Array, shapes: Sequence[_Shape | None]
) -> list[Any]:
    """Return the value of a field in each row."""
    if not layout.kinds:
        return [None] * len(column)
    arrays = [column] if layout.form == "single" else column.flatten()
    names = tuple(layout.kinds)
    columns = [
        _decode(kind, array) for kind, array in zip(layout.kinds.values(), arrays, strict=True)
    ]
    absent = column.is_null().to_pylist() if column.null_count else [False] * len(column)
    found: list[Any] = []
    for row, shape, is_absent in zip(zip(*columns, strict=True), shapes, absent, strict=True):
        if is_absent:
            found.append(None)
            continue
        named = dict(zip(names, row, strict=True))
        if shape is not None:
            named = _shaped(named, shape)
        found.append(_value(layout, named))
    return found


def _value(layout: FieldLayout, named: dict[str, Any]) -> Any:
    if layout.form == "object":
        return named
    return list(named.values()) if layout.form == "list" else named.get(SINGLE)


def _shaped(named: dict[str, Any], shape: _Shape) -> dict[str, Any]:
    """Return values in another order, without some names, or with whole numbers among floats."""
    found: dict[str, Any] = {}
    for each in shape:
        name = each if isinstance(each, str) else each[0]
        value = named.get(name)
        if not isinstance(each, str) and isinstance(value, float):
            value = int(value)
        found[name] = value
    return found


def _decode(kind: Kind, array: pa.Array) -> list[Any]:
    """Return the values of one name."""
    if kind == "float":
        return _decode_floats(array)
    values: list[Any] = array.to_pylist()
    if kind == "json":
        return [None if each is None else msgspec.Raw(each.encode()) for each in values]
    return values


def _decode_floats(array: pa.Array) -> list[Any]:
    floats = as_floats(array)
    values: list[Any] = floats.tolist()
    # A line has no NaN, so NaN in numpy's array stands for null.
    for i in np.flatnonzero(~np.isfinite(floats)).tolist():
        value = values[i]
        values[i] = None if value != value else "Infinity" if value > 0 else "-Infinity"
    return values
