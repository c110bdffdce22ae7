"""A lazy frame: data that stays in its engine."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from boxkite.baseline.engines.interval_expressions import quotient
from boxkite.baseline.engines.questions import NoProgress, Progress
from boxkite.baseline.engines.timestamps import with_microseconds
from boxkite.errors import BaselineError
from boxkite.system.cached_property import cached_property

__all__ = ["LazySource"]

_NO_PROGRESS = NoProgress()
_MICROSECONDS = frozenset({nw.Date, nw.Datetime, nw.Duration})


class LazySource:
    """A lazy frame, and the number of rows that its engine found in it.

    Attributes:
        frame: the frame.
        schema: its columns and their types.
        origin: source whose rows these are, or some of them.
        progress: display that is told about each query.
    """

    def __init__(
        self,
        frame: nw.LazyFrame[Any],
        origin: LazySource | None = None,
        progress: Progress = _NO_PROGRESS,
    ) -> None:
        self.frame = frame
        self.origin = self if origin is None else origin
        self.progress = progress
        self.schema = frame.collect_schema()
        self._rows: int | None = None

    @cached_property
    def _numeric(self) -> nw.LazyFrame[Any]:
        return with_microseconds(self.frame)

    def columns(self, **selected: nw.Expr) -> nw.LazyFrame[Any]:
        """Return columns that are named after the arguments, from `number` and `label`."""
        return self._numeric.select(**selected)

    def number(self, name: str) -> nw.Expr:
        """Return a column as floats: booleans are 0 and 1, dates and times are seconds."""
        floats = nw.col(name).cast(nw.Float64)
        return quotient(floats, 1e6) if self.schema[name].base_type() in _MICROSECONDS else floats

    def label(self, name: str) -> nw.Expr:
        """Return a column with its own type, but strings instead of categories."""
        return nw.col(name).cast(nw.String) if self.has_categories(name) else nw.col(name)

    def derived(self, name: str, column: nw.Expr) -> LazySource:
        """Return the same rows with one more column."""
        return LazySource(self.frame.with_columns(column.alias(name)), self.origin, self.progress)

    def where(self, condition: nw.Expr) -> LazySource:
        """Return the rows for which a condition holds."""
        return LazySource(self.frame.filter(condition), self.origin, self.progress)

    def has_categories(self, name: str) -> bool:
        """Return whether a column has a categorical type."""
        return self.schema[name].base_type() in (nw.Categorical, nw.Enum)

    def order(self, name: str) -> tuple[str, ...]:
        """Return the categories of a column in order; empty if its type has no order."""
        kind = self.schema[name]
        # DuckDB makes every categorical column of Arrow an ENUM, with or without an order.
        if not isinstance(kind, nw.Enum) or self.frame.implementation.is_duckdb():
            return ()
        return tuple(kind.categories)

    def collect(self, query: nw.LazyFrame[Any]) -> nw.DataFrame[Any]:
        """Run a query and return its rows."""
        if query.implementation.is_polars():
            # Otherwise Polars reads all columns of the source into memory.
            return query.collect(engine="streaming")
        return query.collect()

    @property
    def is_dask(self) -> bool:
        """Whether the frame is of Dask, which cannot take the first rows of a result."""
        return bool(self.frame.implementation.is_dask())

    def check_rows(self, rows: int) -> None:
        """Compare a number of rows with what the engine found before.

        Raises:
            BaselineError: if they differ.
        """
        if self._rows not in (None, rows):
            raise self.changed(f"it had {self._rows:,} rows, then {rows:,}")
        self._rows = rows

    @staticmethod
    def changed(how: str) -> BaselineError:
        """Return the error for a source whose answers contradict each other."""
        return BaselineError(
            f"the data changed while it was counted: {how}. The engine reads it several times. "
            f"First write it to Parquet or cache it in the engine, and pass the result"
        )
