"""Count the outcomes of training, and learn how quality varies between windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.numeric_variable import NumericVariable
from boxkite.baseline.outcome_pairs import OutcomeCells
from boxkite.baseline.outcome_values import row_numbers
from boxkite.baseline.row_labels import row_values
from boxkite.baseline.time_windows import RowTimes
from boxkite.baseline.variable import Variable
from boxkite.quality import LossSums, Outcomes, learn_statistic_variation
from boxkite.quality.window_variation import MIN_WINDOWS

__all__ = ["OutcomeRows"]

Floats: TypeAlias = NDArray[np.float64]

# Measuring a window takes about a millisecond. Shorter windows hold too few outcomes anyway.
_MOST_WINDOWS = 1_000
_DIGITS = 12


@dataclass(frozen=True)
class OutcomeRows:
    """The outputs and the outcomes of the training rows.

    Attributes:
        cells: Cells in which they are counted.
        columns: Values of each output by position.
        outcome: Outcome of each row.
        times: Time of each row; None if it is not known.
    """

    cells: OutcomeCells
    columns: tuple[NDArray[Any], ...]
    outcome: NDArray[Any]
    times: RowTimes | None

    @classmethod
    def of(
        cls,
        outputs: Sequence[Variable],
        columns: Sequence[Any],
        outcome: Any,
        threshold: float,
        times: RowTimes | None,
    ) -> OutcomeRows:
        """Read the columns once, because they are cut into windows and segments many times.

        Args:
            outputs: Output variables, already counted.
            columns: Values of each output by position.
            outcome: Outcome of each row.
            threshold: A score above it is a positive prediction.
            times: Time of each row; None if it is not known.

        Raises:
            BaselineError: If the outcome does not fit the outputs.
        """
        cells = OutcomeCells.of(outputs, outcome, threshold)
        arrays = tuple(
            _array(column, numeric=isinstance(each, NumericVariable))
            for each, column in zip(outputs, columns, strict=False)
        )
        return cls(cells, arrays, _array(outcome, numeric=cells.kind != "class"), times)

    def count(self, rows: NDArray[np.int64] | slice = slice(None)) -> Outcomes:
        """Count outcomes, and learn how quality varies between windows if the times are known.

        Args:
            rows: Indices of the rows to count; all rows by default.

        Raises:
            BaselineError: If the columns differ in length.
        """
        columns, outcome = [each[rows] for each in self.columns], self.outcome[rows]
        found = _rounded(self.cells.count(columns, outcome))
        if self.times is None:
            return found
        seconds = self.times.seconds[rows]
        variation = {
            window: learn_statistic_variation(
                self.cells.count([each[part] for each in columns], outcome[part])
                for part in _windows(seconds, length)
            )
            for window, length in self.times.windows.items()
        }
        learnt = {window: each for window, each in variation.items() if each}
        return replace(found, variation=learnt)


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
