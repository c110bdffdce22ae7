"""Counts training columns into variables, several columns at a time."""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.capture import CategoryColumn, capture_column, named_columns
from boxkite.baseline.category_order import (
    Order,
    Ordered,
    given_orders,
    order_of,
    ordered_variable,
)
from boxkite.baseline.class_probabilities import (
    class_names,
    counted_winners,
    winner_variable,
    winning_labels,
)
from boxkite.baseline.edges import checked_edges, equal_mass_edges
from boxkite.baseline.engines.engine_column import EngineColumn, engine_columns
from boxkite.baseline.engines.engine_times import EngineTimes
from boxkite.baseline.engines.engine_winners import winner_column
from boxkite.baseline.engines.questions import settle
from boxkite.baseline.identifiers import distinct_ids, distinct_labels, identifier_warning
from boxkite.baseline.ordered_values import OrderedValues, SortedValues
from boxkite.baseline.time_windows import DEFAULT_WINDOWS, TREND_WORTH_A_WARNING, RowTimes
from boxkite.baseline.values import valid_unicode
from boxkite.baseline.variable import CategoryVariable, NumericVariable, Role, Variable
from boxkite.errors import BaselineError, BaselineWarning

__all__ = ["DEFAULT_BINS", "DEFAULT_MAX_CATEGORIES", "Bins", "fit_variables"]

Bins: TypeAlias = int | Sequence[float] | Mapping[str, int | Sequence[float]]
Floats: TypeAlias = NDArray[np.float64]

DEFAULT_BINS = 20
DEFAULT_MAX_CATEGORIES = 50

# With fewer rows per bin, chance alone makes the drift statistics jump.
_MIN_ROWS_A_BIN = 10


class _Named(NamedTuple):
    """One column, with its name, role and position."""

    role: Role
    position: int
    name: str
    values: Any


class _Measured(NamedTuple):
    """The result of counting one column.

    Attributes:
        variable: the variable.
        ids: number of different values if the column holds ids, 0 otherwise.
        trend: PSI between the first and the last fifth of training.
        order: the categories in order, if they have one, even if it was not kept.
    """

    variable: Variable
    ids: int
    trend: float = 0.0
    order: Order = ()


def fit_variables(
    features: Any,
    output: Any,
    *,
    bins: Bins,
    categorical: frozenset[str],
    max_categories: int,
    names: Sequence[str] | None,
    classes: bool | Iterable[Any],
    time: Any = None,
    windows: Iterable[str] = DEFAULT_WINDOWS,
    ordered: Ordered = (),
) -> tuple[tuple[Variable, ...], int]:
    """Return the variables, features first, and the number of rows.

    `Baseline.fit` describes the arguments and the errors.
    """
    given = _columns("feature", features, names, None)
    if isinstance(time, str):
        given, (taken,) = _without(given, [time], "time", "Pass the name of a column, or the times")
        time = taken.values
    given, outputs = _separated(given, output)
    if classes is not False:
        outputs = _class_columns(outputs, classes)
    columns = [*given, *outputs]
    if not columns:
        raise BaselineError("there are no columns to count. Pass a table with at least one column")
    if max_categories < 1:
        raise BaselineError(f"max_categories is {max_categories}, but must be at least 1")
    known = {column.name for column in columns}
    orders = given_orders(ordered)
    _check_names("categorical", categorical, known)
    _check_names("ordered", orders, known)
    _check_names("bins", bins if isinstance(bins, Mapping) else (), known)

    times = None if time is None else _times(time, windows)

    def measure(column: _Named) -> _Measured:
        order = orders.get(column.name)
        as_labels = column.name in categorical or order is not None
        found = _measure(column, bins, as_labels, max_categories, order)
        if times is None:
            return found
        learnt = times.learn(found.variable, column.values)
        learnt_variable = replace(found.variable, variation=learnt.variation)
        return found._replace(variable=learnt_variable, trend=learnt.trend)

    measured = _all_measured(columns, measure)
    variables = tuple(each.variable for each in measured)
    rows = _common_rows(variables)
    for each in measured:
        _warn_about(each)
    if classes is not False:
        # Count the winners last, because they depend on all columns of probabilities.
        variables = (*variables, *settle([functools.partial(_winners, outputs, times)]))
    return variables, rows


def _winners(outputs: Sequence[_Named], times: RowTimes | EngineTimes | None) -> Variable:
    """Count the most probable class of each row."""
    names = [column.name for column in outputs]
    columns = [column.values for column in outputs]
    in_engine = isinstance(columns[0], EngineColumn)
    winners = winner_column(columns, names) if in_engine else winning_labels(columns, names)
    if isinstance(winners, EngineColumn):
        counted = winners.labels()
        variable = counted_winners(names, counted.tally, counted.missing)
    else:
        variable = winner_variable(columns, names)
    if times is None:
        return variable
    return replace(variable, variation=times.learn(variable, winners).variation)


def _all_measured(
    columns: Sequence[_Named], measure: Callable[[_Named], _Measured]
) -> list[_Measured]:
    """Measure all columns, in their engine or in several threads."""
    if any(isinstance(column.values, EngineColumn) for column in columns):
        return settle([functools.partial(measure, column) for column in columns])
    # numpy releases the interpreter's lock while it sorts, so threads use several processors.
    with ThreadPoolExecutor(max_workers=min(8, _processors())) as pool:
        return list(pool.map(measure, columns))


def _times(time: Any, windows: Iterable[str]) -> RowTimes | EngineTimes:
    if isinstance(time, EngineColumn):
        return EngineTimes(time, windows)
    return RowTimes.capture(time, windows)


def _check_names(argument: str, names: Iterable[str], known: set[str]) -> None:
    unknown = sorted(set(names) - known)
    if unknown:
        raise BaselineError(
            f"{argument}= names columns that do not exist: {', '.join(map(repr, unknown))}"
        )


def _processors() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _columns(
    role: Role, data: Any, names: Sequence[str] | None, single: str | None
) -> list[_Named]:
    """Return the columns of a table.

    Raises:
        BaselineError: if two columns have the same name.
    """
    found: list[_Named] = []
    seen: set[str] = set()
    table = engine_columns(data) if names is None else data
    for position, (text, values) in enumerate(named_columns(table, names, single=single)):
        name = valid_unicode(text)
        if name in seen:
            raise BaselineError(f"two columns have the name {name!r}. Rename one")
        seen.add(name)
        found.append(_Named(role, position, name, values))
    return found


def _without(
    columns: Sequence[_Named], names: Sequence[str], argument: str, hint: str
) -> tuple[list[_Named], list[_Named]]:
    """Take columns out of the features. Return the remaining ones, and those taken.

    Raises:
        BaselineError: if a column does not exist.
    """
    by_name = {column.name: column for column in columns}
    for name in names:
        if name not in by_name:
            raise BaselineError(
                f"{argument}= names the column {name!r}, which does not exist. {hint}"
            )
    kept = [column for column in columns if column.name not in names]
    return (
        [each._replace(position=i) for i, each in enumerate(kept)],
        [by_name[name] for name in names],
    )


def _separated(given: list[_Named], output: Any) -> tuple[list[_Named], list[_Named]]:
    """Return the features and the outputs. `output` may name columns among the features."""
    if output is None:
        return given, []
    known = {column.name for column in given}
    names: list[str] = [output] if isinstance(output, str) else []
    if (
        isinstance(output, list | tuple)
        and output
        and all(isinstance(each, str) and each in known for each in output)
    ):
        names = list(dict.fromkeys(output))
    if not names:
        # `names` is for the features only. An output without a name is called "output".
        return given, _columns("output", output, None, "output")
    hint = "Pass names of columns of the features, or the output itself"
    features, outputs = _without(given, names, "output", hint)
    return features, [each._replace(role="output", position=i) for i, each in enumerate(outputs)]


def _class_columns(columns: list[_Named], classes: bool | Iterable[Any]) -> list[_Named]:
    """Return columns of class probabilities as floats, named after the classes."""
    names = class_names([column.name for column in columns], classes)
    found: list[_Named] = []
    for column, name in zip(columns, names, strict=True):
        values = column.values
        if not isinstance(values, EngineColumn):
            captured = capture_column(name, values, categorical=False)
            values = captured if isinstance(captured, CategoryColumn) else captured.values
        if isinstance(values, CategoryColumn) or (
            isinstance(values, EngineColumn) and not values.is_number
        ):
            raise BaselineError(f"the probabilities of class {name!r} are text, not numbers")
        found.append(column._replace(name=name, values=values))
    return found


def _measure(
    named: _Named, bins: Bins, categorical: bool, max_categories: int, given: Order | None
) -> _Measured:
    role, position, name, values = named
    column = _captured(name, values, categorical)
    if isinstance(column, CategoryColumn):
        order = order_of(name, column, given)
        if 2 <= len(order) <= max_categories:
            kept = ordered_variable(column, order, name=name, role=role, position=position)
            return _Measured(kept, 0, order=order)
        labels = CategoryVariable.from_tally(
            column.tally,
            max_categories,
            missing=column.missing,
            name=name,
            role=role,
            position=position,
        )
        return _Measured(labels, distinct_labels(labels), order=order)
    wanted = bins.get(name, DEFAULT_BINS) if isinstance(bins, Mapping) else bins
    try:
        edges = _edges(column, wanted)
    except (ValueError, TypeError) as error:
        raise BaselineError(f"column {name!r}: {error}") from error
    numbers = NumericVariable.from_ordered(column, edges, name=name, role=role, position=position)
    return _Measured(numbers, distinct_ids(column))


def _captured(name: str, values: Any, categorical: bool) -> OrderedValues | CategoryColumn:
    if isinstance(values, EngineColumn):
        return values.capture(categorical=categorical)
    column = capture_column(name, values, categorical=categorical)
    return column if isinstance(column, CategoryColumn) else SortedValues.of(column.values)


def _edges(ordered: OrderedValues, wanted: int | Sequence[float]) -> Floats:
    if not isinstance(wanted, int | np.integer):
        return checked_edges(wanted)
    if wanted < 2:
        raise ValueError(f"bins is {wanted}, but must be at least 2")
    return equal_mass_edges(ordered, max(2, min(int(wanted), len(ordered) // _MIN_ROWS_A_BIN)))


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


def _warn_about(measured: _Measured) -> None:
    variable, ids, trend, order = measured
    role, name, present = variable.role, variable.name, variable.rows - variable.missing
    messages: list[str] = []
    if present == 0:
        messages.append(f"{role} {name!r} has no value in any row")
    if ids and role == "feature":
        messages.append(identifier_warning(name, ids, present))
    if len(order) > 1 and not variable.is_ordered:
        messages.append(
            f"{role} {name!r} has {len(order):,} ordered categories, more than max_categories, so "
            f"their order is not used. Pass max_categories={len(order)} to use it"
        )
    if trend > TREND_WORTH_A_WARNING:
        messages.append(
            f"training drifts by itself: its last fifth differs from the first, PSI {trend:.2g} in "
            f"{name!r}. boxkite takes that range for natural. To find smaller drift, fit only the "
            f"most recent rows"
        )
    for message in messages:
        warnings.warn(message, BaselineWarning, stacklevel=4)
