"""Counts numbers in groups: the one kind of query that bins and counts of numbers need."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.exact_sum import BITS, PIECES

__all__ = ["IGNORED", "Groups", "count_groups"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

_PIECES = tuple(f"piece{number}" for number in range(PIECES))

IGNORED = -1
"""Group of the rows that are not counted."""


class Groups(NamedTuple):
    """The rows of each group and key.

    Attributes:
        group: number of the group.
        key: number within the group.
        rows: number of rows.
        lowest: smallest value; NaN if all are missing.
        highest: greatest value; NaN if all are missing.
        pieces: sums of the pieces of `addend`, as in `ExactSum`, shape (groups, pieces).
    """

    group: Integers
    key: Floats
    rows: Integers
    lowest: Floats
    highest: Floats
    pieces: Integers

    @classmethod
    def of(cls, rows: nw.DataFrame[Any]) -> Groups:
        """Return the answer to a query of `count_groups`."""

        def integers(name: str) -> Integers:
            return np.asarray(rows[name].to_numpy(), dtype=np.int64)

        def floats(name: str) -> Floats:
            return np.asarray(rows[name].to_numpy(), dtype=np.float64) + 0.0

        return cls(
            integers("group"),
            floats("key"),
            integers("rows"),
            floats("lowest"),
            floats("highest"),
            np.column_stack([integers(name) for name in _PIECES]),
        )


def count_groups(
    frame: nw.LazyFrame[Any],
    *,
    group: nw.Expr,
    value: nw.Expr,
    key: nw.Expr | None = None,
    addend: nw.Expr | None = None,
) -> nw.LazyFrame[Any]:
    """Return a query that counts rows by group and key.

    Args:
        frame: the columns that the expressions use.
        group: number of each row's group, or `IGNORED`.
        value: value of which each group's smallest and greatest are returned.
        key: number of each row within its group.
        addend: number of which pieces are added up, scaled so that all are below 2**32.
    """
    rows = frame.select(
        group.cast(nw.Int64).alias("group"),
        (nw.lit(0.0) if key is None else key).cast(nw.Float64).alias("key"),
        value.alias("value"),
        (nw.lit(0.0) if addend is None else addend).alias("rest"),
    ).filter(nw.col("group") != IGNORED)
    for name in _PIECES:
        rows = rows.with_columns((nw.lit(0.0) if addend is None else _whole()).alias(name))
        rows = rows.with_columns(rest=(nw.col("rest") - nw.col(name)) * 2.0**BITS)
    return rows.group_by("group", "key").agg(
        nw.len().cast(nw.Int64).alias("rows"),
        nw.col("value").min().alias("lowest"),
        nw.col("value").max().alias("highest"),
        *(nw.col(name).cast(nw.Int64).sum().cast(nw.Int64).alias(name) for name in _PIECES),
    )


def _whole() -> nw.Expr:
    """Return the rest without its fraction. `floor` alone would round negative numbers away."""
    rest = nw.col("rest")
    return nw.when(rest < 0.0).then(-((-rest).floor())).otherwise(rest.floor())
