"""Counts numbers in groups: the one kind of query that bins and counts of numbers need."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

__all__ = ["IGNORED", "Groups", "count_groups"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

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
        total: sum of `addend`.
    """

    group: Integers
    key: Floats
    rows: Integers
    lowest: Floats
    highest: Floats
    total: Integers

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
            integers("total"),
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
        addend: integer whose sum is returned.
    """
    zero = nw.lit(0, nw.Int64)
    rows = frame.select(
        group.cast(nw.Int64).alias("group"),
        (nw.lit(0.0) if key is None else key).cast(nw.Float64).alias("key"),
        value.alias("value"),
        (zero if addend is None else addend).alias("addend"),
    )
    return (
        rows.filter(nw.col("group") != IGNORED)
        .group_by("group", "key")
        .agg(
            nw.len().cast(nw.Int64).alias("rows"),
            nw.col("value").min().alias("lowest"),
            nw.col("value").max().alias("highest"),
            nw.col("addend").sum().cast(nw.Int64).alias("total"),
        )
    )
