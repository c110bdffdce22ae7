"""Turns timestamps into microseconds since 1970, also in engines where narwhals cannot."""

# The frames of engines have no types that all versions share.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import narwhals as nw

__all__ = ["with_microseconds"]


def with_microseconds(frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Return a frame whose dates, times with dates and durations are microseconds, as integers."""
    schema = frame.collect_schema()
    kinds = {name: kind.base_type() for name, kind in schema.items()}
    moments = [name for name, kind in kinds.items() if kind in (nw.Date, nw.Datetime)]
    durations = [name for name, kind in kinds.items() if kind is nw.Duration]
    if durations:
        frame = frame.with_columns(nw.col(*durations).dt.total_microseconds())
    if not moments:
        return frame
    convert = _CONVERSIONS.get(frame.implementation)
    if convert is not None:
        converted: nw.LazyFrame[Any] = nw.from_native(convert(frame.to_native(), moments))
        return converted
    return frame.with_columns(nw.col(*moments).cast(nw.Datetime("us")).dt.timestamp("us"))


def _duckdb(relation: Any, names: Sequence[str]) -> Any:
    quoted = {name: '"' + name.replace('"', '""') + '"' for name in relation.columns}
    columns = [
        f"epoch_us({text}) AS {text}" if name in names else text for name, text in quoted.items()
    ]
    return relation.project(", ".join(columns))


def _spark(frame: Any, names: Sequence[str]) -> Any:
    kinds = {field.name: field.dataType.typeName() for field in frame.schema.fields}

    def selected(name: str) -> str:
        quoted = "`" + name.replace("`", "``") + "`"
        if name not in names:
            return quoted
        moment = f"CAST({quoted} AS TIMESTAMP)"
        if kinds[name] != "timestamp":
            # Spark reads a timestamp without a zone in the session's time zone. boxkite uses UTC.
            moment = f"from_utc_timestamp({moment}, current_timezone())"
        return f"unix_micros({moment}) AS {quoted}"

    return frame.selectExpr(*map(selected, frame.columns))


def _ibis(table: Any, names: Sequence[str]) -> Any:
    def microseconds(name: str) -> Any:
        moment = table[name].cast("timestamp")
        # Seconds are truncated first, because backends round them differently.
        return moment.truncate("s").epoch_seconds() * 1_000_000 + moment.microsecond()

    return table.mutate(**{name: microseconds(name) for name in names})


_CONVERSIONS: dict[nw.Implementation, Callable[[Any, Sequence[str]], Any]] = {
    nw.Implementation.DUCKDB: _duckdb,
    nw.Implementation.PYSPARK: _spark,
    nw.Implementation.PYSPARK_CONNECT: _spark,
    nw.Implementation.SQLFRAME: _spark,
    nw.Implementation.IBIS: _ibis,
}
