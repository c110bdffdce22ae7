"""Compares a table of rows with a baseline."""

from __future__ import annotations

import functools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from boxkite.baseline.baseline import Baseline
from boxkite.baseline.capture import capture_column
from boxkite.baseline.category_variable import CategoryVariable
from boxkite.baseline.engines.engine_column import EngineColumn, engine_columns
from boxkite.baseline.engines.questions import settle
from boxkite.baseline.named_columns import named_columns
from boxkite.baseline.table_forms import as_table
from boxkite.baseline.tally import Tally, tally_column
from boxkite.baseline.training_columns import Segments
from boxkite.baseline.variable import Variable
from boxkite.drift.comparison import Comparison
from boxkite.drift.count_comparison import compare_counts
from boxkite.drift.policy import Policy
from boxkite.drift.segment_rows import matched_variables, row_groups, segment_tallies
from boxkite.drift.variable_drift import VariableDrift
from boxkite.errors import BaselineError

__all__ = ["compare"]

_NAMES_SHOWN = 5


def compare(
    baseline: Baseline,
    rows: Any,
    *,
    policy: Policy | None = None,
    window: str | None = None,
    names: Sequence[str] | None = None,
    segments: Segments | None = None,
) -> Comparison:
    """Compare a table with a baseline, matching columns to variables by name.

    Args:
        baseline: What the model was trained on.
        rows: Table in any of the forms that `Baseline.fit` takes. If a variable has no column,
            every row counts as missing and that rate has changed, except for outputs if the table
            has none of them. Columns that are not in the baseline are ignored. If a
            feature and an output share a name, the column counts as the feature.
        policy: False alarms to allow and smallest effect that matters; the default if None.
        window: Length of time that the rows cover: "1h", "1d" or "7d", or a window of the policy.
            The comparison allows for the natural variation between windows of this length, if the
            baseline was fitted with `time=`. None if the rows are not a window of time; they then
            count as independent.
        names: Column names of a 2-D array.
        segments: Columns by whose values to compare segments too: names among the baseline's, or a
            mapping from the name to the name of a column of the table, to one value for each row,
            or to None for the column of that name. By default, all columns of segments that the
            baseline has. Pass () to compare no segments.

    Raises:
        BaselineError: If `baseline` is not a baseline, no column has the name of a variable, a
            column cannot be read, the columns differ in length, or a column of segments is unknown.
        ConfigError: If the policy names a variable that the baseline does not have.
    """
    if not isinstance(baseline, Baseline):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise BaselineError(
            f"compare got {baseline!r} instead of a baseline. Pass Baseline.read(path)"
        )
    policy = policy or Policy()
    policy.check_names(baseline.variables)
    if window is not None:
        policy = policy.including(window)
    rows = as_table(rows)
    columns = dict(named_columns(engine_columns(rows) if names is None else rows, names))
    tallies = _tallies(baseline, columns)
    total = _common_rows(tallies)
    groups = row_groups(baseline, columns, segments, total)
    comparison = compare_counts(
        baseline,
        [*_of_all_variables(baseline, tallies, total), *segment_tallies(baseline, columns, groups)],
        total,
        policy=policy,
        window=window,
        segments=[label for each in groups for label in each.column.labels],
    )
    return _with_absent(comparison, tallies)


def _of_all_variables(
    baseline: Baseline, tallies: Mapping[tuple[str, str], Tally], rows: int
) -> list[Tally]:
    """Return the counts of each variable. Every row of an absent column is missing."""
    return [
        tallies.get((each.role, each.name))
        or Tally(np.zeros(len(each.counts), dtype=np.int64), rows)
        for each in baseline.variables
    ]


def _with_absent(comparison: Comparison, present: Collection[tuple[str, str]]) -> Comparison:
    """Return a comparison, and its segments, in which the variables without a column are absent.

    Args:
        comparison: Comparison in which every row of these variables is missing.
        present: Role and name of each variable that has a column.
    """
    scored = any(role == "output" for role, _ in present)
    variables = tuple(
        each if (each.role, each.name) in present else _absent(each, scored=scored)
        for each in comparison.variables
    )
    segments = {label: _with_absent(each, present) for label, each in comparison.segments.items()}
    return replace(comparison, variables=variables, segments=segments)


def _absent(drift: VariableDrift, *, scored: bool) -> VariableDrift:
    """Return the comparison of a variable that has no column.

    Args:
        drift: Comparison in which every row counts as missing.
        scored: Whether the table has any output. Rows that were not scored yet are no fault.
    """
    rates: tuple[str, ...] = ()
    if drift.role != "output" or scored:
        rates = drift.changed_rates
        raises_alerts = math.isfinite(drift.min_rate)
        if drift.missing_difference > 0 and "missing" not in rates and raises_alerts:
            rates = ("missing", *rates)  # It is certain, even if few rows give little evidence.
    reason = "" if rates else "the column is absent"
    return replace(drift, absent=True, changed_rates=rates, reason=reason)


def _tallies(baseline: Baseline, columns: Mapping[str, Any]) -> dict[tuple[str, str], Tally]:
    """Count each column that has the name of a variable, by the variable's role and name.

    Raises:
        BaselineError: If no column has the name of a variable.
    """
    matched = matched_variables(baseline, columns)
    if not matched:
        raise BaselineError(
            "no column has the name of a variable: the table has "
            f"{_listed(list(columns))}, the baseline has "
            f"{_listed([variable.name for variable in baseline.variables])}"
        )
    counted = settle(
        [functools.partial(_tally, each, columns[name]) for name, each in matched.items()]
    )
    places = [(each.role, each.name) for each in matched.values()]
    return dict(zip(places, counted, strict=True))


def _tally(variable: Variable, values: Any) -> Tally:
    if isinstance(values, EngineColumn):
        return values.tally(variable)
    categorical = isinstance(variable, CategoryVariable)
    return tally_column(variable, capture_column(variable.name, values, categorical=categorical))


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:_NAMES_SHOWN])) or "no columns"
    return f"{shown} and {len(names) - _NAMES_SHOWN} more" if names[_NAMES_SHOWN:] else shown


def _common_rows(tallies: Mapping[tuple[str, str], Tally]) -> int:
    """Return the number of rows, which must be the same in all columns."""
    lengths: dict[int, str] = {}
    for (_, name), tally in tallies.items():
        lengths.setdefault(tally.rows + tally.missing + tally.invalid, name)
    if len(lengths) > 1:
        (first, name), (second, other), *_ = lengths.items()
        raise BaselineError(
            f"all columns must have the same length: {name!r} has {first:,} rows, "
            f"{other!r} has {second:,}"
        )
    return next(iter(lengths))
