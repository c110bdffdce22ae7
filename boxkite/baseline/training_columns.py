"""Gathers the columns of training data: features and outputs by name, times and outcomes."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np

from boxkite.baseline.capture import CategoryColumn, NumericColumn, capture_column
from boxkite.baseline.class_probabilities import class_names
from boxkite.baseline.counted_like import Template
from boxkite.baseline.distribution import Role
from boxkite.baseline.engines.engine_column import EngineColumn, engine_columns
from boxkite.baseline.named_columns import named_columns
from boxkite.baseline.ordered_values import OrderedValues, SortedValues
from boxkite.baseline.table_forms import as_table
from boxkite.baseline.values import valid_unicode
from boxkite.errors import BaselineError
from boxkite.system.type_guards import is_mapping

__all__ = [
    "SegmentValues",
    "Segments",
    "TrainingColumn",
    "TrainingColumns",
    "did_you_mean",
    "gather_columns",
]


Segments: TypeAlias = str | Iterable[str] | Mapping[str, Any]
"""Columns of segments, as in `Baseline.fit`."""


class SegmentValues(NamedTuple):
    """A column by which the training rows are divided into segments.

    Attributes:
        name: name of the column.
        is_feature: whether the column is a feature of the model too.
        values: value of each row.
    """

    name: str
    is_feature: bool
    values: Any


class TrainingColumn(NamedTuple):
    """One column, with its name, role and position."""

    role: Role
    position: int
    name: str
    values: Any

    def captured(self, *, categorical: bool) -> OrderedValues | CategoryColumn:
        """Return the column as numbers or, if it is text or `categorical`, as labels."""
        if isinstance(self.values, EngineColumn):
            return self.values.capture(categorical=categorical)
        column = capture_column(self.name, self.values, categorical=categorical)
        if isinstance(column, CategoryColumn):
            return column
        return SortedValues.of(column.values, column.value_type)


class TrainingColumns(NamedTuple):
    """The columns to count, and what is known of each row.

    Attributes:
        features: the columns that go into the model.
        outputs: the columns that come out of it.
        time: time of each row; None if it is not known.
        outcome: outcome of each row; None if it is not known.
        segments: the columns by whose values the rows are divided into segments.
    """

    features: list[TrainingColumn]
    outputs: list[TrainingColumn]
    time: Any
    outcome: Any
    segments: list[SegmentValues]

    @property
    def counted(self) -> list[TrainingColumn]:
        """The columns that become variables, features first."""
        return [*self.features, *self.outputs]


def gather_columns(
    features: Any,
    output: Any,
    names: Sequence[str] | None,
    classes: bool | Iterable[Any],
    time: Any,
    outcome: Any,
    segments: Segments,
    like: Template | None,
) -> TrainingColumns:
    """Find the columns in what the user passed.

    `Baseline.fit` describes the arguments.

    Raises:
        BaselineError: if there are none, if two have the same name, if an argument names a column
            that does not exist, or if the columns are not those of `like`.
    """
    if like is not None:
        names = names or _names_of_array(features, like)
    given = _columns("feature", features, names, None)
    if isinstance(time, str):
        given, time = _without(given, "time", time)
    if isinstance(outcome, str):
        given, outcome = _without(given, "outcome", outcome)
    given, divided = _segment_columns(given, _wanted_segments(segments, given, like))
    given, outputs = _separated(given, output, _single_output(like))
    if classes is not False:
        outputs = _class_columns(outputs, classes)
    if like is not None:
        given, outputs = (_arranged("feature", given, like), _arranged("output", outputs, like))
    if not given and not outputs:
        raise BaselineError("there are no columns to count. Pass a table with at least one column")
    return TrainingColumns(given, outputs, time, outcome, divided)


def _wanted_segments(
    segments: Segments, given: Iterable[TrainingColumn], like: Template | None
) -> dict[str, Any]:
    """Return what is known of each column of segments, by name.

    This is its values, the name of the column to take out of the features, or None for a feature.

    Raises:
        BaselineError: if the baseline of `like` has other columns of segments.
    """
    wanted: dict[str, Any]
    if is_mapping(segments):
        wanted = {valid_unicode(name): values for name, values in segments.items()}
    else:
        names = [segments] if isinstance(segments, str) else segments
        wanted = dict.fromkeys(map(valid_unicode, names))
    if like is None or not like.segments:
        return wanted
    known = {each.name: each for each in like.segments}
    if strange := sorted(wanted.keys() - known.keys()):
        raise BaselineError(
            f"segments= names {strange[0]!r}, but the segments of the baseline of like= are of "
            f"{', '.join(map(repr, known))}. Leave out the column, or fit all parts again with it"
        )
    columns = {each.name for each in given}
    for name, column in known.items():
        if wanted.get(name) is None and not column.is_feature:
            if name not in columns:
                raise BaselineError(
                    f"like= is a baseline with segments of {name!r}, but the rows have no column "
                    f"{name!r}. Pass its values: segments={{{name!r}: values}}"
                )
            wanted[name] = name
    return {name: wanted.get(name) for name in known}


def _segment_columns(
    given: list[TrainingColumn], wanted: Mapping[str, Any]
) -> tuple[list[TrainingColumn], list[SegmentValues]]:
    """Return the features, and the columns of segments."""
    found: list[SegmentValues] = []
    for name, values in wanted.items():
        is_feature = values is None
        if is_feature:
            _, values = _without(given, "segments", name)
        elif isinstance(values, str):
            given, values = _without(given, "segments", values)
        found.append(SegmentValues(name, is_feature, values))
    return given, found


def _names_of_array(features: Any, like: Template) -> Sequence[str] | None:
    """Return the names of the columns of an array, which has none."""
    plain = isinstance(features, np.ndarray) and features.ndim == 2
    return like.names("feature") if plain else None


def _single_output(like: Template | None) -> str:
    """Return the name of a single output that has none."""
    names = [] if like is None else like.names("output")
    return names[0] if len(names) == 1 else "output"


def _arranged(
    role: Role, columns: Iterable[TrainingColumn], like: Template
) -> list[TrainingColumn]:
    """Return the columns of a role in the order of the baseline of `like`."""
    given = {column.name: column for column in columns}
    like.check_names(role, list(given))
    return [given[name] for name in like.names(role)]


def _columns(
    role: Role, data: Any, names: Sequence[str] | None, single: str | None
) -> list[TrainingColumn]:
    """Return the columns of a table.

    Raises:
        BaselineError: if two columns have the same name.
    """
    found: list[TrainingColumn] = []
    seen: set[str] = set()
    data = as_table(data)
    table = engine_columns(data) if names is None else data
    for position, (text, values) in enumerate(named_columns(table, names, single=single)):
        name = valid_unicode(text)
        if name in seen:
            raise BaselineError(f"two columns have the name {name!r}. Rename one")
        seen.add(name)
        found.append(TrainingColumn(role, position, name, values))
    return found


def _without(
    columns: list[TrainingColumn], argument: str, name: str
) -> tuple[list[TrainingColumn], Any]:
    """Take a column that an argument names out of the features, and return its values too."""
    for place, column in enumerate(columns):
        if column.name == name:
            kept = columns[:place] + columns[place + 1 :]
            return [each._replace(position=i) for i, each in enumerate(kept)], column.values
    fix = did_you_mean(name, [each.name for each in columns])
    fix = fix or "Pass the name of a column, or the values themselves"
    raise BaselineError(f"{argument}= names the column {name!r}, which does not exist. {fix}")


def _separated(
    given: list[TrainingColumn], output: Any, single: str
) -> tuple[list[TrainingColumn], list[TrainingColumn]]:
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
    outputs: list[TrainingColumn] = []
    for position, name in enumerate(names):
        given, values = _without(given, "output", name)
        outputs.append(TrainingColumn("output", position, name, values))
    return given, outputs


def _class_columns(
    columns: list[TrainingColumn], classes: bool | Iterable[Any]
) -> list[TrainingColumn]:
    """Return columns of class probabilities as floats, named after the classes."""
    names = class_names([column.name for column in columns], classes)
    found: list[TrainingColumn] = []
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


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return a question with the nearest of some names; empty if none is near."""
    nearest = difflib.get_close_matches(name, [*names], n=1)
    return f"Did you mean {nearest[0]!r}?" if nearest else ""
