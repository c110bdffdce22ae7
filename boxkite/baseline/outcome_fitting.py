"""Count the outcomes of training, and learn how quality varies between windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.outcome_pairs import OutcomeCells
from boxkite.baseline.outcome_values import row_numbers
from boxkite.baseline.time_windows import RowTimes, row_values
from boxkite.baseline.variable import NumericVariable, Variable
from boxkite.quality import LossSums, Outcomes, learn_statistic_variation
from boxkite.quality.window_variation import MIN_WINDOWS

__all__ = ["fit_outcomes"]

Floats: TypeAlias = NDArray[np.float64]

# Measuring a window takes about a millisecond. Shorter windows hold too few outcomes anyway.
_MOST_WINDOWS = 1_000
_DIGITS = 12


def fit_outcomes(
    outputs: Sequence[Variable],
    columns: Sequence[Any],
    outcome: Any,
    threshold: float,
    times: RowTimes | None,
) -> Outcomes | None:
    """Count the outcomes of training.

    Args:
        outputs: Output variables, already counted.
        columns: Values of each output by position.
        outcome: Outcome of each row; None if it is not known.
        threshold: A score above it is a positive prediction.
        times: Time of each row; None if it is not known.

    Raises:
        BaselineError: If the outcome does not fit the outputs.
    """
    if outcome is None:
        return None
    cells = OutcomeCells.of(outputs, outcome, threshold)
    found = _rounded(cells.count(columns, outcome))
    if times is None:
        return found
    # Windows are slices of arrays. A column of a frame would be converted once for each window.
    rows = [
        _array(column, numeric=isinstance(each, NumericVariable))
        for each, column in zip(outputs, columns, strict=False)
    ]
    outcomes = _array(outcome, numeric=cells.kind != "class")
    variation = {
        window: learn_statistic_variation(
            cells.count([each[part] for each in rows], outcomes[part])
            for part in _windows(times.seconds, length)
        )
        for window, length in times.windows.items()
    }
    return replace(found, variation={window: each for window, each in variation.items() if each})


def _rounded(outcomes: Outcomes) -> Outcomes:
    """Round sums of floats, whose last digits differ between processors, unlike a version."""

    def rounded(value: float) -> float:
        return float(f"{value:.{_DIGITS}g}")

    return replace(
        outcomes,
        pairs=tuple(
            replace(
                pairs,
                output_sums=np.array([rounded(each) for each in pairs.output_sums.tolist()]),
                losses={name: LossSums(*map(rounded, each)) for name, each in pairs.losses.items()},
            )
            for pairs in outcomes.pairs
        ),
    )


def _array(values: Any, *, numeric: bool) -> NDArray[Any]:
    return row_numbers(values) if numeric else np.array(row_values(values), dtype=object)


def _windows(seconds: Floats, length: float) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of each window of time that has any; nothing if there are too many or few."""
    known = np.flatnonzero(np.isfinite(seconds))
    if not len(known):
        return
    slots = ((seconds[known] - seconds[known].min()) / length).astype(np.int64)
    if not MIN_WINDOWS <= int(slots.max()) + 1 <= _MOST_WINDOWS:
        return
    order = np.argsort(slots, kind="stable")
    starts = np.flatnonzero(np.diff(slots[order])) + 1
    yield from np.split(known[order], starts)
