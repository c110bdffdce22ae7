"""Counts training columns into variables, several columns at a time."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from boxkite.baseline.category_order import Ordered, given_orders
from boxkite.baseline.class_probabilities import (
    counted_winners,
    winner_variable,
    winning_labels,
)
from boxkite.baseline.counted_columns import (
    DEFAULT_BINS,
    DEFAULT_MAX_CATEGORIES,
    Bins,
    ColumnCounter,
    CountedColumn,
    FreshCells,
    GivenCells,
    warn_about,
)
from boxkite.baseline.counted_like import Template
from boxkite.baseline.engines.engine_column import EngineColumn
from boxkite.baseline.engines.engine_times import EngineTimes
from boxkite.baseline.engines.engine_winners import winner_column
from boxkite.baseline.engines.questions import settle
from boxkite.baseline.outcome_pairs import DEFAULT_THRESHOLD
from boxkite.baseline.outcome_values import is_binary
from boxkite.baseline.row_fitting import (
    count_segments,
    fitting_threads,
    held_rows,
    outcome_rows,
)
from boxkite.baseline.time_windows import DEFAULT_WINDOWS, RowTimes
from boxkite.baseline.training_columns import (
    Segments,
    TrainingColumn,
    TrainingColumns,
    did_you_mean,
    gather_columns,
)
from boxkite.baseline.training_distributions import Distributions
from boxkite.baseline.variable import Variable
from boxkite.errors import BaselineError

__all__ = ["fit_distributions"]


def fit_distributions(
    features: Any,
    output: Any,
    *,
    model: str,
    version: str | None,
    bins: Bins,
    categorical: frozenset[str],
    max_categories: int,
    names: Sequence[str] | None,
    classes: bool | Iterable[Any],
    time: Any = None,
    windows: Iterable[str] = DEFAULT_WINDOWS,
    ordered: Ordered = (),
    like: Template | None = None,
    outcome: Any = None,
    threshold: float = DEFAULT_THRESHOLD,
    segments: Segments = (),
) -> Distributions:
    """Count the training rows.

    `Baseline.fit` describes the arguments and the errors.
    """
    if like is not None:
        _check_alone(bins, categorical, max_categories, ordered)
        classes = classes or like.classes or False
    columns = gather_columns(features, output, names, classes, time, outcome, segments, like)
    times = None if columns.time is None else _times(columns.time, windows)
    held = held_rows(columns)
    counter: ColumnCounter
    if like is None:
        edge = _edge_of_score(classes, held.outcome, threshold)
        counter = FreshCells(bins, categorical, max_categories, given_orders(ordered), edge)
        _check_arguments(counter, columns)
    else:
        counter = GivenCells(like)
    counted = _all_counted(columns.counted, counter, times)
    variables = tuple(each.variable for each in counted)
    rows = _common_rows(variables)
    for each in counted:
        warn_about(each)
    if classes is not False:
        # Count the winners last, because they depend on all columns of probabilities.
        variables = (*variables, _winners(columns.outputs, times, like))
    outcomes = outcome_rows(held, variables, threshold, windows)
    return Distributions.from_variables(
        variables,
        rows,
        model=model,
        version=version,
        outcomes=None if outcomes is None else outcomes.count(),
        segments=count_segments(columns, variables, like, times, outcomes, held),
    )


def _check_arguments(counter: FreshCells, columns: TrainingColumns) -> None:
    if counter.max_categories < 1:
        raise BaselineError(f"max_categories is {counter.max_categories}, but must be at least 1")
    known = {column.name for column in columns.counted}
    _check_names("categorical", counter.categorical, known)
    _check_names("ordered", counter.orders, known)
    _check_names("bins", counter.bins if isinstance(counter.bins, Mapping) else (), known)


def _all_counted(
    columns: Sequence[TrainingColumn], counter: ColumnCounter, times: RowTimes | EngineTimes | None
) -> list[CountedColumn]:
    """Count all columns, in their engine or in several threads."""

    def count(column: TrainingColumn) -> CountedColumn:
        found = counter.count(column)
        if times is None:
            return found
        learnt = times.learn(found.variable, column.values)
        learnt_variable = replace(found.variable, variation=learnt.variation)
        return found._replace(variable=learnt_variable, trend=learnt.trend)

    if any(isinstance(column.values, EngineColumn) for column in columns):
        return settle([functools.partial(count, column) for column in columns])
    with fitting_threads() as pool:
        return list(pool.map(count, columns))


def _check_alone(
    bins: Bins, categorical: frozenset[str], max_categories: int, ordered: Ordered
) -> None:
    """Check that no argument gives what `like` gives."""
    given = {
        "bins": bins != DEFAULT_BINS,
        "categorical": bool(categorical),
        "max_categories": max_categories != DEFAULT_MAX_CATEGORIES,
        "ordered": bool(ordered),
    }
    for argument, is_given in given.items():
        if is_given:
            raise BaselineError(
                f"like= takes over the bins and categories of a baseline. Leave out {argument}="
            )


def _times(time: Any, windows: Iterable[str]) -> RowTimes | EngineTimes:
    if isinstance(time, EngineColumn):
        return EngineTimes(time, windows)
    return RowTimes.capture(time, windows)


def _edge_of_score(classes: bool | Iterable[Any], outcome: Any, threshold: float) -> float | None:
    """Return the edge that a score's bins need at the threshold; None for any other output.

    It makes accuracy, precision and recall exact, and so their estimates from a histogram.
    """
    is_score = classes is False and outcome is not None and is_binary(outcome)
    return threshold if is_score else None


def _check_names(argument: str, names: Iterable[str], known: set[str]) -> None:
    unknown = sorted(set(names) - known)
    if unknown:
        columns = ", ".join(map(repr, unknown))
        hint = did_you_mean(unknown[0], known)
        raise BaselineError(
            f"{argument}= names columns that do not exist: {columns}{hint and f'. {hint}'}"
        )


def _winners(
    outputs: Sequence[TrainingColumn],
    times: RowTimes | EngineTimes | None,
    like: Template | None,
) -> Variable:
    """Count the most probable class of each row."""
    probabilities = [column.values for column in outputs]
    class_labels = [column.name for column in outputs]
    winning: Any
    if isinstance(probabilities[0], EngineColumn):
        winning = winner_column(probabilities, class_labels)
        (labels,) = settle([winning.labels])
        winners = counted_winners(class_labels, labels.tally, labels.missing)
    else:
        winning = winning_labels(probabilities, class_labels)
        winners = winner_variable(probabilities, class_labels)
    found = winners if like is None else like.count_winners(winners)
    if times is None:
        return found
    (learnt,) = settle([functools.partial(times.learn, found, winning)])
    return replace(found, variation=learnt.variation)


def _common_rows(variables: Iterable[Variable]) -> int:
    """Return the number of rows, which must be the same in all columns."""
    rows: dict[int, str] = {}
    for variable in variables:
        rows.setdefault(variable.rows, f"{variable.role} {variable.name!r}")
    if len(rows) > 1:
        (first, first_name), (second, second_name), *_ = rows.items()
        raise BaselineError(
            f"{first_name} has {first:,} rows, but {second_name} has {second:,}. All columns need "
            f"the same number of rows"
        )
    only = next(iter(rows))
    if only == 0:
        raise BaselineError("the table is empty. A baseline needs at least one row")
    return only
