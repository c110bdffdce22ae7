"""Predictions of the log as Arrow columns, whose names and types are the same in every batch.

A feature's column is `features.NAME`, or `features.0` where features are logged by position; an
output's is `output`, or `output.NAME` where there are several.
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
from boxkite.logs.logged import Logged

__all__ = ["MAX_COLUMNS", "survey", "to_batch"]

MAX_COLUMNS = 10_000
"""More distinct names come from requests that name the features as they like."""

_HEAD: dict[str, pa.DataType] = {
    "prediction_id": pa.string(),
    "entity_id": pa.string(),
    "server_id": pa.string(),
    "endpoint_id": pa.string(),
    "model": pa.string(),
    "version": pa.string(),
    "created_at": pa.timestamp("us", "UTC"),
}
_TAIL: dict[str, pa.DataType] = {"request_body": pa.string(), "truncated": pa.string()}


class _OnlyFloat:
    """Stands for the type of what is a float only: an integer beyond 64 bits, or an infinity."""


_INFINITIES = frozenset({"Infinity", "-Infinity"})  # as the log has them, since JSON has none


def survey(chunks: Iterable[Sequence[Logged]], columns: Sequence[str] | None = None) -> pa.Schema:
    """Return the names and types of the columns that hold every value of the predictions.

    Integers are int64. With floats among them, beyond 64 bits, or with the texts that stand for
    infinities they are float64. What is mixed otherwise, a list or an object is text: of JSON, but
    for texts themselves. A column without any value is float64.

    Args:
        chunks: the predictions.
        columns: names of the columns to have, in this order; None for all.

    Raises:
        LogReadError: if there are more than MAX_COLUMNS, or one of `columns` is not there.
    """
    fixed = {**_HEAD, **_TAIL}
    found: dict[str, set[type]] = {}
    if columns is None or not fixed.keys() >= set(columns):
        wanted = None if columns is None else frozenset(columns)
        for chunk in chunks:
            for name, values in _variables(chunk, wanted):
                found.setdefault(name, set()).update(_types(values))
                _check_number(found)
    types = {name: _resolved(kinds) for name, kinds in found.items()}
    if columns is None:
        features = {name: kind for name, kind in types.items() if name.startswith("features")}
        return pa.schema({**_HEAD, **features, **types, **_TAIL})
    unknown = [name for name in columns if name not in fixed and name not in types]
    if unknown:
        raise LogReadError(f"no prediction in the interval has {unknown[0]!r}")
    return pa.schema([(name, {**types, **fixed}[name]) for name in columns])


def _check_number(found: Mapping[str, Any]) -> None:
    if len(found) > MAX_COLUMNS:
        raise LogReadError(
            f"the log has more than {MAX_COLUMNS:,} columns: name those you need in `columns`"
        )


def _types(values: Sequence[Any]) -> set[type]:
    """Return the types of values; what is a float only, though it does not look so, has its own."""
    found = set(map(type, values)) - {type(None)}
    if int in found and not all(-(2**63) <= each < 2**63 for each in values if type(each) is int):
        found.add(_OnlyFloat)
    if str in found and all(each in _INFINITIES for each in values if type(each) is str):
        found = (found - {str}) | {_OnlyFloat}
    return found


def _resolved(types: set[type]) -> pa.DataType:
    """Return the type of a column whose values are of these types."""
    if types <= {int, float, _OnlyFloat}:
        return pa.int64() if types == {int} else pa.float64()
    return pa.bool_() if types == {bool} else pa.string()


def to_batch(records: Sequence[Logged], schema: pa.Schema) -> pa.RecordBatch:
    """Return predictions as columns of the schema; a name that no prediction has is null.

    Raises:
        LogReadError: naming the column, if a value is not of its type.
    """
    variables = dict(_variables(records, frozenset(schema.names)))
    arrays = []
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
            return pa.array(np.array(values, np.float64), from_pandas=True)  # None became NaN
        return pa.array(values, column.type)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        raise LogReadError(f"column {column.name!r} is not {column.type}: {error}") from error


def _texts(values: list[Any]) -> list[str | None]:
    if set(map(type, values)) <= {str, type(None)}:
        return values
    return [each if each is None or isinstance(each, str) else _json(each) for each in values]


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _variables(
    records: Sequence[Logged], wanted: frozenset[str] | None
) -> Iterator[tuple[str, list[Any]]]:
    """Yield features and outputs as columns, by their names in the schema."""
    for field, rows in (
        ("features", list(map(_by_name, map(attrgetter("features"), records)))),
        ("output", list(map(_by_name, map(attrgetter("output"), records)))),
    ):
        for name in dict.fromkeys(chain.from_iterable(rows)):
            column = field if name is None else f"{field}.{name}"
            if wanted is None or column in wanted:
                yield column, _column(rows, name)


def _column(rows: Sequence[dict[Any, Any]], name: Any) -> list[Any]:
    """Return a name's values; None in rows without it."""
    try:
        return list(map(itemgetter(name), rows))
    except KeyError:
        return [row.get(name) for row in rows]


def _by_name(row: Any) -> dict[Any, Any]:
    """Return values by name or position; a single value has no name."""
    if isinstance(row, dict):
        return row
    if isinstance(row, list):
        return {str(position): value for position, value in enumerate(row)}
    return {} if row is None else {None: row}


def _body(record: Logged) -> str | None:
    content = bytes(record.request_body)
    return content.decode("utf-8", "backslashreplace") if content else None


def _truncated(record: Logged) -> str | None:
    return ",".join(record.truncated) or None


_OWN: dict[str, Callable[[Logged], Any]] = {
    **{name: attrgetter(name) for name in _HEAD},
    "request_body": _body,
    "truncated": _truncated,
}
