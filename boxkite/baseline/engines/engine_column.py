"""A column of a lazy frame, which its engine counts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import narwhals as nw
import numpy as np
from narwhals.exceptions import DuplicateError

from boxkite.baseline.capture import CategoryColumn, counted_labels
from boxkite.baseline.category_variable import CategoryVariable
from boxkite.baseline.engines.gridded_values import GriddedValues, Summary
from boxkite.baseline.engines.interval_expressions import interval_number
from boxkite.baseline.engines.lazy_source import LazySource
from boxkite.baseline.engines.number_questions import Groups, count_groups
from boxkite.baseline.engines.questions import Unanswered
from boxkite.baseline.numeric_variable import NumericVariable
from boxkite.baseline.ordered_values import ValueType
from boxkite.baseline.tally import Tally, tally_column
from boxkite.baseline.values import to_category
from boxkite.baseline.variable import Variable
from boxkite.errors import BaselineError

__all__ = ["EngineColumn", "engine_columns"]

MOST_LABELS = 1_000_000
"""Most different labels of a column. They are held in memory once the engine has counted them."""

_VALUE_TYPES: Mapping[type[nw.dtypes.DType], ValueType] = {
    nw.Boolean: "boolean",
    nw.Date: "time",
    nw.Datetime: "time",
    nw.Duration: "duration",
}
_TEXT = frozenset({nw.String, nw.Categorical, nw.Enum, nw.Binary})

_MISSING, _BELOW, _ABOVE, _WHOLE, _FRACTION, _INSIDE, _OUTSIDE = range(7)


def engine_columns(data: Any) -> Any:
    """Return the columns of a lazy frame or its source by name, and other data unchanged.

    Raises:
        BaselineError: if two columns have the same name.
    """
    if isinstance(data, LazySource):
        return {name: EngineColumn(data, name) for name in data.schema.names()}
    if nw.dependencies.is_pandas_like_dataframe(nw.to_native(data, pass_through=True)):
        return data  # it is never lazy, and narwhals refuses some of its column names
    try:
        frame = nw.from_native(data, allow_series=True, pass_through=True)
    except DuplicateError as error:
        raise BaselineError(f"two columns have the same name: {error}. Rename one") from None
    if not isinstance(frame, nw.LazyFrame):
        return data
    return engine_columns(LazySource(frame))  # pyright: ignore[reportUnknownArgumentType]


class EngineColumn:
    """A column that stays in its engine. Methods raise `Unanswered` until the engine answers."""

    def __init__(self, source: LazySource, name: str) -> None:
        self.source, self.name = source, name
        self._values: GriddedValues | None = None
        self._labels: CategoryColumn | None = None
        self._spellings: dict[str, list[Any]] = {}
        self._tallies: dict[Variable, Tally] = {}

    @property
    def is_text(self) -> bool:
        """Whether the type of the column is text."""
        return self.source.schema[self.name].base_type() in _TEXT

    @property
    def is_number(self) -> bool:
        """Whether the column is a number, a boolean, a date, a time with a date or a duration."""
        kind = self.source.schema[self.name]
        return kind.is_numeric() or kind.base_type() in _VALUE_TYPES

    @property
    def _value_type(self) -> ValueType:
        return _VALUE_TYPES.get(self.source.schema[self.name].base_type(), "number")

    def capture(self, *, categorical: bool) -> GriddedValues | CategoryColumn:
        """Return the column as numbers or, if it is text or `categorical`, as labels.

        Raises:
            BaselineError: if the column is neither.
        """
        kind = self.source.schema[self.name]
        if categorical or self.is_text:
            return replace(self.labels(), order=self.source.order(self.name))
        if self.is_number:
            return self.values()
        if kind == nw.Unknown and not self.labels().tally:
            # Polars and DuckDB have a type for columns of nothing but nulls.
            return self._values_without_any(self.labels().missing)
        raise BaselineError(
            f"column {self.name!r} has the type {kind}, which is neither a number nor text. "
            f"Convert the column in the engine, or name it in categorical="
        )

    def values(self) -> GriddedValues:
        """Return the column as numbers."""
        if self._values is None:
            raise Unanswered(_Summarising(self.source, self.name, self))
        return self._values

    def _values_without_any(self, missing: int) -> GriddedValues:
        nothing = Summary(
            rows=0, missing=missing, below=0, above=0, whole=True, lowest=0.0, highest=0.0
        )
        return GriddedValues(self.source, self.name, nothing)

    def labels(self) -> CategoryColumn:
        """Return the column as counted labels."""
        if self._labels is None:
            raise Unanswered(_Labelling(self.source, self.name, self))
        return self._labels

    def tally(self, variable: Variable) -> Tally:
        """Count the column into the cells of a variable of a baseline."""
        if isinstance(variable, CategoryVariable) or not self.is_number:
            return tally_column(variable, self.labels())
        if variable not in self._tallies:
            raise Unanswered(_Tallying(self.source, self.name, self, variable))
        return self._tallies[variable]

    def learn_tally(self, variable: NumericVariable, found: Groups) -> None:
        """Store the number of rows in each cell, and of rows outside the range of training."""
        self.source.check_rows(int(found.rows.sum()))
        cells = np.zeros(len(variable.counts), dtype=np.int64)
        present = found.group != _MISSING
        np.add.at(cells, found.key[present].astype(np.int64), found.rows[present])
        self._tallies[variable] = Tally(
            cells,
            missing=int(found.rows[~present].sum()),
            outside=int(found.rows[found.group == _OUTSIDE].sum()),
        )

    def learn_summary(self, found: Groups) -> None:
        """Store the numbers of missing, infinite and finite values, and the extremes."""
        rows = dict(zip(found.group.tolist(), found.rows.tolist(), strict=True))
        self.source.check_rows(sum(rows.values()))
        finite = found.group >= _WHOLE
        summary = Summary(
            rows=rows.get(_WHOLE, 0) + rows.get(_FRACTION, 0),
            missing=rows.get(_MISSING, 0),
            below=rows.get(_BELOW, 0),
            above=rows.get(_ABOVE, 0),
            whole=_FRACTION not in rows,
            lowest=float(found.lowest[finite].min()) if finite.any() else 0.0,
            highest=float(found.highest[finite].max()) if finite.any() else 0.0,
        )
        self._values = GriddedValues(self.source, self.name, summary, self._value_type)

    def learn_labels(self, pairs: list[tuple[Any, int]]) -> None:
        """Store the number of rows of each value."""
        if len(pairs) > MOST_LABELS:
            raise BaselineError(
                f"column {self.name!r} has more than {MOST_LABELS:,} different labels, too many to "
                f"compare their distributions. Leave the column out, or group its labels"
            )
        self.source.check_rows(sum(rows for _, rows in pairs))
        self._labels = counted_labels(self.name, pairs)
        for value, _ in pairs:
            label = to_category(value)
            if label is not None:
                self._spellings.setdefault(label, []).append(value)

    def spellings(self, label: str) -> list[Any]:
        """Return the values that have this label."""
        return self._spellings.get(label, [])


@dataclass(frozen=True, eq=False)
class _Summarising:
    """Asks how many values are missing, infinite, whole or fractions."""

    engine: LazySource
    name: str
    column: EngineColumn

    form = "groups"

    def query(self) -> nw.LazyFrame[Any]:
        """Return the query."""
        value = nw.col("x")
        # Numbers from 2**53 up are whole. Engines that floor to integers cannot floor them.
        huge = value.abs() >= 2.0**53
        whole = [(huge, _WHOLE), (value.floor() == value, _WHOLE)]
        if self.engine.schema[self.name].is_integer():
            whole = [(value < math.inf, _WHOLE)]
        groups = [
            (value.is_null() | value.is_nan(), _MISSING),
            (value == -math.inf, _BELOW),
            (value == math.inf, _ABOVE),
            *whole,
        ]
        group = nw.lit(_FRACTION, nw.Int64)
        for condition, number in reversed(groups):
            group = nw.when(condition).then(nw.lit(number, nw.Int64)).otherwise(group)
        column = self.engine.columns(x=self.engine.number(self.name))
        return count_groups(column, group=group, value=value)

    def answer(self, rows: nw.DataFrame[Any]) -> None:
        """Take the numbers."""
        self.column.learn_summary(Groups.of(rows))


@dataclass(frozen=True, eq=False)
class _Tallying:
    """Asks for the number of rows in each bin of a baseline."""

    engine: LazySource
    name: str
    column: EngineColumn
    variable: NumericVariable

    form = "groups"

    def query(self) -> nw.LazyFrame[Any]:
        """Return the query."""
        value, variable = nw.col("x"), self.variable
        group = nw.lit(_INSIDE, nw.Int64)
        # No value is outside if the extremes of training are unknown. A comparison with NaN would
        # be true in some engines.
        if not math.isnan(variable.minimum):
            finite = (value > -math.inf) & (value < math.inf)
            beyond = finite & ((value < variable.minimum) | (value > variable.maximum))
            group = nw.when(beyond).then(nw.lit(_OUTSIDE, nw.Int64)).otherwise(group)
        missing = value.is_null() | value.is_nan()
        return count_groups(
            self.engine.columns(x=self.engine.number(self.name)),
            group=nw.when(missing).then(nw.lit(_MISSING, nw.Int64)).otherwise(group),
            key=interval_number(value, variable.edges.tolist()),
            value=value,
        )

    def answer(self, rows: nw.DataFrame[Any]) -> None:
        """Take the counts."""
        self.column.learn_tally(self.variable, Groups.of(rows))


@dataclass(frozen=True, eq=False)
class _Labelling:
    """Asks for the number of rows of each value."""

    engine: LazySource
    name: str
    column: EngineColumn

    @property
    def form(self) -> str:
        """The type of the values."""
        kind = self.engine.schema[self.name]
        return f"labels {nw.String() if self.engine.has_categories(self.name) else kind}"

    def query(self) -> nw.LazyFrame[Any]:
        """Return the query."""
        counted = (
            self.engine.frame.select(self.engine.label(self.name).alias("value"))
            .group_by("value")
            .agg(nw.len().alias("rows"))
            .with_columns(nw.col("rows").cast(nw.Int64))
        )
        # One label more than allowed shows that there are too many.
        return counted if self.engine.is_dask else counted.head(MOST_LABELS + 1)

    def answer(self, rows: nw.DataFrame[Any]) -> None:
        """Take the values and their numbers."""
        counts = np.asarray(rows["rows"].to_numpy(), dtype=np.int64).tolist()
        self.column.learn_labels(list(zip(rows["value"].to_list(), counts, strict=True)))
