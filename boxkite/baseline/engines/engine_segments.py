"""Counts the variables of each segment in the engine that holds the rows."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from boxkite.baseline.category_variable import CategoryVariable
from boxkite.baseline.engines.engine_column import EngineColumn
from boxkite.baseline.engines.engine_groups import EngineGroups
from boxkite.baseline.engines.engine_times import EngineTimes
from boxkite.baseline.engines.questions import settle
from boxkite.baseline.segment_cells import count_segment
from boxkite.baseline.segment_column import SegmentColumn
from boxkite.baseline.variable import Variable

__all__ = ["count_engine_segments", "engine_groups"]


def engine_groups(
    columns: Sequence[tuple[str, bool, EngineColumn]], like: Sequence[SegmentColumn]
) -> list[EngineGroups]:
    """Divide the rows of a lazy frame by columns of segments.

    Args:
        columns: name, whether it is a feature, and values of each column.
        like: columns of segments whose values to take over, by name.
    """
    known = {each.name: each for each in like}

    def divide(name: str, is_feature: bool, values: EngineColumn) -> EngineGroups:
        if name in known:
            return EngineGroups.of(known[name], values)
        return EngineGroups.most_common(name, is_feature, values)

    return settle([functools.partial(divide, *each) for each in columns])


def count_engine_segments(
    groups: Sequence[EngineGroups],
    counted: Sequence[tuple[Variable, Any]],
    times: EngineTimes | None,
) -> list[list[list[Variable]]]:
    """Return the variables of each value of each column of segments.

    Args:
        groups: the rows of each value.
        counted: the variables of all rows, with their columns.
        times: time of each row; None if it is not known.
    """
    parts = [
        functools.partial(_count, whole, group.part(column, place), label, times)
        for group in groups
        for place, label in enumerate(group.column.labels)
        for whole, column in counted
    ]
    found = iter(settle(parts))
    return [[[next(found) for _ in counted] for _ in group.column.values] for group in groups]


def _count(
    whole: Variable, column: EngineColumn, label: str, times: EngineTimes | None
) -> Variable:
    categorical = isinstance(whole, CategoryVariable)
    own = count_segment(whole, column.labels() if categorical else column.values(), label)
    if times is None:
        return own
    return replace(own, variation=times.learn(own, column).variation)
