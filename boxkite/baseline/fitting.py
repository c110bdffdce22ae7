"""Counts training columns into variables, several columns at a time."""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.capture import CategoryColumn, NumericColumn, capture_column, named_columns
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
from boxkite.baseline.counted_like import Template
from boxkite.baseline.edges import checked_edges, equal_mass_edges
from boxkite.baseline.engines.engine_column import EngineColumn, engine_columns
from boxkite.baseline.engines.engine_times import EngineTimes
from boxkite.baseline.engines.engine_winners import winner_column
from boxkite.baseline.engines.questions import settle
from boxkite.baseline.identifiers import distinct_ids, distinct_labels, identifier_warning
from boxkite.baseline.ordered_values import OrderedValues, SortedValues
from boxkite.baseline.outcome_fitting import fit_outcomes
from boxkite.baseline.outcome_pairs import DEFAULT_THRESHOLD, is_binary, with_edge
from boxkite.baseline.table_forms import as_table
from boxkite.baseline.time_windows import DEFAULT_WINDOWS, TREND_WORTH_A_WARNING, RowTimes
from boxkite.baseline.values import valid_unicode
from boxkite.baseline.variable import CategoryVariable, NumericVariable, Role, Variable
from boxkite.errors import BaselineError, BaselineWarning
from boxkite.quality import Outcomes

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
    like: Template | None = None,
    outcome: Any = None,
    threshold: float = DEFAULT_THRESHOLD,
) -> tuple[tuple[Variable, ...], int, Outcomes | None]:
    """Return the variables, features first, the number of rows, and the outcomes.

    `Baseline.fit` describes the arguments and the errors.
    """
    if like is not None:
        _check_alone(bins, categorical, max_categories, ordered)
        classes = classes or like.classes or False
    columns, time, outcome = _gathered(features, output, names, classes, time, outcome, like)
    if max_categories < 1:
        raise BaselineError(f"max_categories is {max_categories}, but must be at least 1")
    known = {column.name for column in columns}
    orders = given_orders(ordered)
    _check_names("categorical", categorical, known)
    _check_names("ordered", orders, known)
    _check_names("bins", bins if isinstance(bins, Mapping) else (), known)

    times = None if time is None else _times(time, windows)
    outputs = [column for column in columns if column.role == "output"]
    _check_in_memory(outcome, times, outputs)
    edge = _edge_of_score(classes, outcome, threshold)

    def measure(column: _Named) -> _Measured:
        if like is None:
            order = orders.get(column.name)
            as_labels = column.name in categorical or order is not None
            found = _measure(column, bins, as_labels, max_categories, order, edge)
        else:
            found = _measure_like(column, like)
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
        variables = (*variables, _winners(columns, times, like))
    predicted = [each for each in variables if each.role == "output"]
    values = [column.values for column in outputs]
    in_memory = times if isinstance(times, RowTimes) else None
    return variables, rows, fit_outcomes(predicted, values, outcome, threshold, in_memory)


def _check_in_memory(
    outcome: Any, times: RowTimes | EngineTimes | None, outputs: Iterable[_Named]
) -> None:
    """Check that outcomes can be paired with outputs row by row, which no engine does.

    Raises:
        BaselineError: if there is an outcome and one of the columns is in an engine.
    """
    if outcome is None:
        return
    lazy = any(isinstance(each.values, EngineColumn) for each in outputs)
    if lazy or isinstance(outcome, EngineColumn) or isinstance(times, EngineTimes):
        raise BaselineError(
            "outcome= needs rows in memory, but the table is lazy. Collect the columns of output, "
            "outcome and time first"
        )


def _edge_of_score(classes: bool | Iterable[Any], outcome: Any, threshold: float) -> float | None:
    """Return the edge that a score's bins need at the threshold; None for any other output.

    It makes accuracy, precision and recall exact, and so their estimates from a histogram.
    """
    is_score = classes is False and outcome is not None and is_binary(outcome)
    return threshold if is_score else None


def _gathered(
    features: Any,
    output: Any,
    names: Sequence[str] | None,
    classes: bool | Iterable[Any],
    time: Any,
    outcome: Any,
    like: Template | None,
) -> tuple[list[_Named], Any, Any]:
    """Return the columns to count, features first, and the times and outcomes of the rows."""
    if like is not None:
        names = names or _names_of_array(features, like)
    given = _columns("feature", features, names, None)
    if isinstance(time, str):
        given, time = _without(given, "time", time)
    if isinstance(outcome, str):
        given, outcome = _without(given, "outcome", outcome)
    given, outputs = _separated(given, output, _single_output(like))
    if classes is not False:
        outputs = _class_columns(outputs, classes)
    columns = [*given, *outputs]
    if like is not None:
        columns = _arranged(columns, like)
    if not columns:
        raise BaselineError("there are no columns to count. Pass a table with at least one column")
    return columns, time, outcome


def _winners(
    columns: Iterable[_Named], times: RowTimes | EngineTimes | None, like: Template | None
) -> Variable:
    """Count the most probable class of each row."""
    outputs = [column for column in columns if column.role == "output"]
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


def _names_of_array(features: Any, like: Template) -> Sequence[str] | None:
    """Return the names of the columns of an array, which has none."""
    plain = isinstance(features, np.ndarray) and features.ndim == 2
    return like.names("feature") if plain else None


def _single_output(like: Template | None) -> str:
    """Return the name of a single output that has none."""
    names = [] if like is None else like.names("output")
    return names[0] if len(names) == 1 else "output"


def _arranged(columns: Iterable[_Named], like: Template) -> list[_Named]:
    """Return the columns in the order of the baseline of `like`."""
    given = {(column.role, column.name): column for column in columns}
    roles: tuple[Role, ...] = ("feature", "output")
    for role in roles:
        like.check_names(role, [name for its_role, name in given if its_role == role])
    return [given[role, name] for role in roles for name in like.names(role)]


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
    data = as_table(data)
    table = engine_columns(data) if names is None else data
    for position, (text, values) in enumerate(named_columns(table, names, single=single)):
        name = valid_unicode(text)
        if name in seen:
            raise BaselineError(f"two columns have the name {name!r}. Rename one")
        seen.add(name)
        found.append(_Named(role, position, name, values))
    return found


def _without(columns: list[_Named], argument: str, name: str) -> tuple[list[_Named], Any]:
    """Take a column that an argument names out of the features, and return its values too."""
    for place, column in enumerate(columns):
        if column.name == name:
            kept = columns[:place] + columns[place + 1 :]
            return [each._replace(position=i) for i, each in enumerate(kept)], column.values
    raise BaselineError(
        f"{argument}= names the column {name!r}, which does not exist. Pass the name of a column, "
        f"or the values themselves"
    )


def _separated(given: list[_Named], output: Any, single: str) -> tuple[list[_Named], list[_Named]]:
    """Return the features and the outputs. `output` may name columns among the features."""
    if output is None:
        return given, []
    known = {column.name for column in given}
    names: list[str] = [output] if isinstance(output, str) else []
    if isinstance(output, list | tuple):
        listed = cast("Sequence[Any]", output)
        if listed and all(isinstance(each, str) and each in known for each in listed):
            names = list(dict.fromkeys(listed))
    if not names:
        # `names` is for the features only. An output without a name is called "output".
        return given, _columns("output", output, None, single)
    outputs: list[_Named] = []
    for position, name in enumerate(names):
        given, values = _without(given, "output", name)
        outputs.append(_Named("output", position, name, values))
    return given, outputs


def _class_columns(columns: list[_Named], classes: bool | Iterable[Any]) -> list[_Named]:
    """Return columns of class probabilities as floats, named after the classes."""
    names = class_names([column.name for column in columns], classes)
    found: list[_Named] = []
    for column, name in zip(columns, names, strict=True):
        found.append(column._replace(name=name, values=_probabilities(name, column.values)))
    return found


def _probabilities(name: str, values: Any) -> Any:
    """Return the probabilities of a class as floats, or as a column of an engine."""
    if isinstance(values, EngineColumn):
        if values.is_number:
            return values
    else:
        captured = capture_column(name, values, categorical=False)
        if isinstance(captured, NumericColumn):
            return captured.values
    raise BaselineError(f"the probabilities of class {name!r} are text, not numbers")


def _measure(
    named: _Named,
    bins: Bins,
    categorical: bool,
    max_categories: int,
    given: Order | None,
    threshold: float | None,
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
        edges = with_edge(_edges(column, wanted), threshold if role == "output" else None)
    except (ValueError, TypeError) as error:
        raise BaselineError(f"column {name!r}: {error}") from error
    numbers = NumericVariable.from_ordered(column, edges, name=name, role=role, position=position)
    return _Measured(numbers, distinct_ids(column))


def _captured(name: str, values: Any, categorical: bool) -> OrderedValues | CategoryColumn:
    if isinstance(values, EngineColumn):
        return values.capture(categorical=categorical)
    column = capture_column(name, values, categorical=categorical)
    return column if isinstance(column, CategoryColumn) else SortedValues.of(column.values)


def _measure_like(named: _Named, like: Template) -> _Measured:
    categorical = like.is_categorical(named.role, named.name)
    column = _captured(named.name, named.values, categorical)
    return _Measured(like.count(named.role, named.name, column), 0)


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
