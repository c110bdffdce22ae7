"""A baseline beside a table of rows: what `boxkite compare BASELINE ROWS` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from boxkite.baseline.baseline import Baseline
from boxkite.baseline.capture import capture_column, named_columns
from boxkite.baseline.tally import Tally, tally_column
from boxkite.baseline.variable import CategoryVariable
from boxkite.drift.comparison import Comparison, compare_counts
from boxkite.drift.verdict import Policy
from boxkite.errors import BaselineError

__all__ = ["compare"]


def compare(
    baseline: Baseline,
    rows: Any,
    *,
    policy: Policy | None = None,
    window: str = "1h",
    names: Sequence[str] | None = None,
) -> Comparison:
    """Compare a table with a baseline, by the names of its columns.

    Args:
        baseline: what the model was trained on.
        rows: a table in any of the forms that `Baseline.fit` takes. A variable without a column
            counts as missing in every row; a column without a variable is left out. A column
            whose name a feature and an output share is the feature's.
        policy: the false alarms allowed and the least effect; the default if None.
        window: the policy's window whose share of the false alarms applies.
        names: of the columns of a 2-D array.

    Raises:
        BaselineError: if no column bears the name of a variable, a column cannot be read, or
            columns differ in length.
    """
    columns = dict(named_columns(rows, names))
    tallies: dict[tuple[str, str], Tally] = {}
    taken: set[str] = set()
    for variable in baseline.variables:
        if variable.name in columns and variable.name not in taken:
            taken.add(variable.name)  # a feature comes first: an output of its name has no column
            categorical = isinstance(variable, CategoryVariable)
            column = capture_column(variable.name, columns[variable.name], categorical=categorical)
            tallies[variable.role, variable.name] = tally_column(variable, column)
    if not tallies:
        expected = ", ".join(variable.name for variable in baseline.variables[:5])
        raise BaselineError(
            f"none of the {len(columns)} columns is a variable of the baseline ({expected} …)"
        )
    total = _common_rows(tallies)
    aligned = [
        tallies.get((each.role, each.name))
        or Tally(np.zeros(len(each.counts), dtype=np.int64), total)
        for each in baseline.variables
    ]
    return compare_counts(baseline, aligned, total, policy=policy, window=window)


def _common_rows(tallies: Mapping[tuple[str, str], Tally]) -> int:
    """Return how many rows all of the columns have."""
    lengths: dict[int, str] = {}
    for (_, name), tally in tallies.items():
        lengths.setdefault(tally.rows + tally.missing + tally.invalid, name)
    if len(lengths) > 1:
        (first, name), (second, other), *_ = lengths.items()
        raise BaselineError(f"column {name!r} has {first:,} rows, column {other!r} has {second:,}")
    return next(iter(lengths))
