"""Counts numbers in groups. All bins and counts of numbers need only this kind of query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

__all__ = ["IGNORED", "Groups", "count_groups"]

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

_TOTAL = "total"

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
        totals: sum of each addend.
    """

    group: Integers
    key: Floats
    rows: Integers
    lowest: Floats
    highest: Floats
    totals: tuple[Integers, ...]

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
            tuple(integers(name) for name in rows.columns if name.startswith(_TOTAL)),
        )


def count_groups(
    frame: nw.LazyFrame[Any],
    *,
    group: nw.Expr,
    value: nw.Expr,
    key: nw.Expr | None = None,
    addends: Sequence[nw.Expr] = (),
) -> nw.LazyFrame[Any]:
    """Return a query that counts rows by group and key.

    Args:
        frame: the columns that the expressions use.
        group: number of each row's group, or `IGNORED`.
        value: the query returns the smallest and the greatest of these values for each group.
        key: number of each row within its group.
        addends: integers whose sums are returned.
    """
    totals = {f"{_TOTAL}{number}": addend for number, addend in enumerate(addends)}
    keys = {} if key is None else {"key": key.cast(nw.Float64)}
    rows = frame.select(group=group.cast(nw.Int64), value=value, **keys, **totals)
    counted = (
        rows.filter(nw.col("group") != IGNORED)
        .group_by("group", *keys)
        .agg(
            nw.len().alias("rows"),
            nw.col("value").min().alias("lowest"),
            nw.col("value").max().alias("highest"),
            **{name: nw.col(name).sum() for name in totals},
        )
    )
    # All queries of one form have the same columns in the same order.
    return counted.select(
        "group",
        (nw.lit(0.0) if key is None else nw.col("key")).cast(nw.Float64).alias("key"),
        nw.col("rows").cast(nw.Int64),
        "lowest",
        "highest",
        *(nw.col(name).cast(nw.Int64) for name in totals),
    )
