"""Convert predictions of the log to Arrow columns.

The column of a feature is `features.NAME`, or `features.0` if features are logged by position. The
column of an output is `output`, or `output.NAME` if there are several.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from boxkite.errors import LogReadError
from boxkite.logs.log_line import LoggedPrediction
from boxkite.system.type_guards import is_dict, is_list

__all__ = ["HEAD", "MAX_COLUMNS", "TAIL", "infer_schema", "to_record_batch"]

MAX_COLUMNS = 10_000
"""Most columns of a log. Requests with random feature names would give more."""

HEAD: dict[str, pa.DataType] = {
    "prediction_id": pa.string(),
    "entity_id": pa.string(),
    "server_id": pa.string(),
    "endpoint_id": pa.string(),
    "model": pa.string(),
    "version": pa.string(),
    "created_at": pa.timestamp("us", "UTC"),
}
"""The columns that every logged prediction has, before features and output."""

TAIL: dict[str, pa.DataType] = {"request_body": pa.string(), "truncated": pa.string()}
"""The columns after them."""


class _OnlyFloat:
    """Stands for the type of a value that only a float can hold.

    Such a value is an integer beyond 64 bits, or the text of an infinity.
    """


_INFINITIES = frozenset({"Infinity", "-Infinity"})  # JSON has no infinities, so the log has texts


def infer_schema(
    chunks: Iterable[Sequence[LoggedPrediction]], columns: Sequence[str] | None = None
) -> pa.Schema:
    """Return a schema that holds every value of the predictions.

    Integers are int64, or float64 if floats, infinities or integers beyond 64 bits are among them.
    Other mixed values, lists and objects are text: JSON, except for values that are text already. A
    column without any value is float64.

    Args:
        chunks: the predictions.
        columns: names of the columns, in this order; None for all.

    Raises:
        LogReadError: if there are more than MAX_COLUMNS columns, or no prediction has one of
            `columns`.
    """
    fixed = {**HEAD, **TAIL}
    found: dict[str, set[type]] = {}
    if columns is None or not fixed.keys() >= set(columns):
        wanted = None if columns is None else frozenset(columns)
        for chunk in chunks:
            for name, values in _variables(chunk, wanted):
                found.setdefault(name, set()).update(_types(values))
                _check_count(found)
    types = {name: _column_type(kinds) for name, kinds in found.items()}
    if columns is None:
        features = {name: kind for name, kind in types.items() if name.startswith("features")}
        return pa.schema({**HEAD, **features, **types, **TAIL})
    unknown = [name for name in columns if name not in fixed and name not in types]
    if unknown:
        raise LogReadError(
            f"No prediction in the interval has the column {unknown[0]!r}. Check its name."
        )
    return pa.schema([(name, {**types, **fixed}[name]) for name in columns])


def _check_count(found: Mapping[str, Any]) -> None:
    if len(found) > MAX_COLUMNS:
        raise LogReadError(
            f"The log has more than {MAX_COLUMNS:,} columns. Name the ones you need in `columns=`."
        )


def _types(values: Sequence[Any]) -> set[type]:
    """Return the types of values. `_OnlyFloat` stands for values that only a float can hold."""
    found = set(map(type, values)) - {type(None)}
    if int in found and not all(-(2**63) <= each < 2**63 for each in values if type(each) is int):
        found.add(_OnlyFloat)
    if str in found and all(each in _INFINITIES for each in values if type(each) is str):
        found = (found - {str}) | {_OnlyFloat}
    return found


def _column_type(types: set[type]) -> pa.DataType:
    """Return the type of a column that holds values of these types."""
    if types <= {int, float, _OnlyFloat}:
        return pa.int64() if types == {int} else pa.float64()
    return pa.bool_() if types == {bool} else pa.string()


def to_record_batch(records: Sequence[LoggedPrediction], schema: pa.Schema) -> pa.RecordBatch:
    """Convert predictions to columns of a schema. A column that no prediction has is null.

    Raises:
        LogReadError: if a value does not have the type of its column. The message names it.
    """
    variables = dict(_variables(records, frozenset(schema.names)))
    arrays: list[pa.Array] = []
    for column in schema:
        own = _OWN.get(column.name)
        if own is not None:
            values = list(map(own, records))
        else:
            values = variables.get(column.name) or [None] * len(records)
        arrays.append(_array(column, values))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(column: pa.Field, values: list[Any]) -> pa.Array:
    try:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            return pa.array(_texts(values), column.type)
        if pa.types.is_float64(column.type):
            return pa.array(
                np.array(values, np.float64), from_pandas=True
            )  # numpy makes NaN of None
        return pa.array(values, column.type)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        raise LogReadError(
            f"The column {column.name!r} has a value that is not {column.type}: {error}"
        ) from error


def _texts(values: list[Any]) -> list[str | None]:
    if set(map(type, values)) <= {str, type(None)}:
        return values
    return [each if each is None or isinstance(each, str) else _json(each) for each in values]


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _variables(
    records: Sequence[LoggedPrediction], wanted: frozenset[str] | None
) -> Iterator[tuple[str, list[Any]]]:
    """Yield the columns of features and outputs with their names."""
    for field, rows in (
        ("features", list(map(_by_name, map(attrgetter("features"), records)))),
        ("output", list(map(_by_name, map(attrgetter("output"), records)))),
    ):
        for name in dict.fromkeys(chain.from_iterable(rows)):
            column = field if name is None else f"{field}.{name}"
            if wanted is None or column in wanted:
                yield column, _column(rows, name)


def _column(rows: Sequence[dict[Any, Any]], name: Any) -> list[Any]:
    """Return the values of one name; None in rows without it."""
    try:
        return list(map(itemgetter(name), rows))
    except KeyError:
        return [row.get(name) for row in rows]


def _by_name(row: Any) -> dict[Any, Any]:
    """Return values by name or position. A single value gets the name None."""
    if is_dict(row):
        return row
    if is_list(row):
        return {str(position): value for position, value in enumerate(row)}
    return {} if row is None else {None: row}


def _body(record: LoggedPrediction) -> str | None:
    content = bytes(record.request_body)
    # The bytes were not checked when the line was parsed, so they may not be valid UTF-8.
    return content.decode("utf-8", "backslashreplace") if content else None


def _truncated(record: LoggedPrediction) -> str | None:
    return ",".join(record.truncated) or None


_OWN: dict[str, Callable[[LoggedPrediction], Any]] = {
    **{name: attrgetter(name) for name in HEAD},
    "request_body": _body,
    "truncated": _truncated,
}
