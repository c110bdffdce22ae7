"""Counts what needs single rows: the outcomes of outputs, and the rows of segments."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from boxkite.baseline.class_probabilities import winning_labels
from boxkite.baseline.counted_like import Template
from boxkite.baseline.engines.collected_rows import collected_rows
from boxkite.baseline.engines.engine_column import EngineColumn
from boxkite.baseline.engines.engine_times import EngineTimes
from boxkite.baseline.engines.engine_winners import winner_column
from boxkite.baseline.outcome_fitting import OutcomeRows
from boxkite.baseline.segment_column import SegmentColumn
from boxkite.baseline.segment_fitting import (
    CountedRows,
    fit_lazy_segments,
    fit_segments,
    warn_about_segments,
)
from boxkite.baseline.segment_json import check_labels_differ
from boxkite.baseline.time_windows import RowTimes
from boxkite.baseline.training_columns import TrainingColumns
from boxkite.baseline.variable import Variable
from boxkite.errors import BaselineError

__all__ = ["count_segments", "fitting_threads", "held_rows", "outcome_rows"]


def fitting_threads() -> ThreadPoolExecutor:
    """Return threads that count columns on several processors.

    They run at the same time, because numpy releases the interpreter's lock while it sorts.
    """
    return ThreadPoolExecutor(max_workers=min(8, _processors()))


def held_rows(columns: TrainingColumns) -> TrainingColumns:
    """Return the columns with those in memory that outcomes need row by row.

    These are the outputs, the outcome, the times and the columns of segments.

    Raises:
        BaselineError: if some of them are in memory and others in an engine.
    """
    outputs = [each.values for each in columns.outputs]
    divided = [each.values for each in columns.segments]
    times = [] if columns.time is None else [columns.time]
    values = [columns.outcome, *outputs, *divided, *times]
    if columns.outcome is None or not any(isinstance(each, EngineColumn) for each in values):
        return columns
    held = iter(collected_rows(values))
    return columns._replace(
        outcome=next(held),
        outputs=[each._replace(values=next(held)) for each in columns.outputs],
        segments=[each._replace(values=next(held)) for each in columns.segments],
        time=next(held, None),
    )


def outcome_rows(
    held: TrainingColumns,
    variables: Sequence[Variable],
    threshold: float,
    windows: Iterable[str],
) -> OutcomeRows | None:
    """Return the outputs with their outcomes; None if there are no outcomes.

    Args:
        held: the columns as `held_rows` returns them.
        variables: the variables of all rows.
        threshold: a score above it is a positive prediction.
        windows: lengths of windows whose variation is learnt, if the times are known.

    Raises:
        BaselineError: if the outcomes do not fit the outputs.
    """
    if held.outcome is None:
        return None
    outputs = [each for each in variables if each.role == "output"]
    values = [column.values for column in held.outputs]
    times = None if held.time is None else RowTimes.capture(held.time, windows)
    return OutcomeRows.of(outputs, values, held.outcome, threshold, times)


def count_segments(
    columns: TrainingColumns,
    variables: Sequence[Variable],
    like: Template | None,
    times: RowTimes | EngineTimes | None,
    outcomes: OutcomeRows | None,
    held: TrainingColumns,
) -> tuple[SegmentColumn, ...]:
    """Count the rows of each segment, in memory or in their engine.

    Args:
        columns: the columns.
        variables: the variables of all rows.
        like: baseline whose segments to take over; None for none.
        times: time of each row; None if it is not known.
        outcomes: outcome of each row; None if it is not known.
        held: the columns as `held_rows` returns them.

    Raises:
        BaselineError: if the columns do not belong together.

    Warns:
        BaselineWarning: of segments with too few rows, or too many series.
    """
    if not columns.segments:
        return ()
    values = [each.values for each in columns.counted]
    known = () if like is None else like.segments
    lazy = _are_lazy([*values, *(each.values for each in columns.segments)])
    if len(variables) > len(values):
        probabilities = [column.values for column in columns.outputs]
        classes = [column.name for column in columns.outputs]
        winning: Any = (winner_column if lazy else winning_labels)(probabilities, classes)
        values.append(winning)
    counted = [CountedRows(*pair) for pair in zip(variables, values, strict=True)]
    if lazy:
        engine_times = times if isinstance(times, EngineTimes) else None
        found = fit_lazy_segments(
            columns.segments,
            counted,
            like=known,
            times=engine_times,
            outcomes=outcomes,
            collected=held.segments,
        )
    else:
        row_times = times if isinstance(times, RowTimes) else None
        with fitting_threads() as pool:
            found = fit_segments(
                columns.segments, counted, like=known, times=row_times, outcomes=outcomes, pool=pool
            )
    check_labels_differ(found)
    warn_about_segments(found)
    return found


def _are_lazy(values: Sequence[Any]) -> bool:
    """Return whether columns are in an engine.

    Raises:
        BaselineError: if only some are.
    """
    lazy = [isinstance(each, EngineColumn) for each in values]
    if any(lazy) and not all(lazy):
        raise BaselineError(
            "segments= divides a lazy frame, but some columns are in memory, and rows of different "
            "tables cannot be matched. Pass one frame with all columns, and name them"
        )
    return any(lazy)


def _processors() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
