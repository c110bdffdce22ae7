"""Live counts of all variables of a baseline, in flat arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline import Baseline
from boxkite.baseline.feature_matrix import FeatureMatrix, MatrixTally
from boxkite.baseline.tally import Tally
from boxkite.error_reporter import STAGES

__all__ = ["LOG_OUTCOMES", "NO_LOG_COUNTS", "Counts", "with_log_outcomes"]

Integers: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

LOG_OUTCOMES = ("accepted", "delivered", "retried", "dropped")
"""Outcomes of log records. A record is pending until it is delivered or dropped."""

_LOG_BYTES = 8 * len(LOG_OUTCOMES)

NO_LOG_COUNTS = bytes(_LOG_BYTES)
"""Counts that hold log outcomes only, all zero, in the format of `Counts.to_bytes`."""


@dataclass(eq=False)
class Counts:
    """Counts since the start. Each variable has a slice of `cells`.

    The variables are `Baseline.counted_variables`: those of all rows, then those of each segment.

    Attributes:
        bounds: index of each variable's first cell in `cells`, and the number of cells at the end.
        cells: number of rows in each cell.
        missing: number of rows without a value, per variable.
        invalid: number of rows whose value does not fit the variable's kind, per variable.
        outside: number of rows with a finite number outside the range of training, per variable.
        sums: sums of the finite numbers, per variable.
        errors: number of monitoring failures, per stage.
        log: number of log records, per outcome.
        predictions: number of rows.
    """

    bounds: Integers
    cells: Integers
    missing: Integers
    invalid: Integers
    outside: Integers
    sums: Floats
    errors: Integers
    log: Integers
    predictions: int = 0

    @classmethod
    def zero(cls, baseline: Baseline) -> Counts:
        """Return counts of 0 for the variables of a baseline."""
        bounds = baseline.cell_bounds
        number = len(baseline.counted_variables)
        return cls(
            bounds=bounds,
            cells=np.zeros(int(bounds[-1]), dtype=np.int64),
            missing=np.zeros(number, dtype=np.int64),
            invalid=np.zeros(number, dtype=np.int64),
            outside=np.zeros(number, dtype=np.int64),
            sums=np.zeros(number, dtype=np.float64),
            errors=np.zeros(len(STAGES), dtype=np.int64),
            log=np.zeros(len(LOG_OUTCOMES), dtype=np.int64),
        )

    @classmethod
    def from_bytes(cls, baseline: Baseline, content: bytes) -> Counts:
        """Return the counts that `to_bytes` returned for the same baseline."""
        counts = cls.zero(baseline)
        counts.add_bytes(content)
        return counts

    def add_tally(self, variable: int, tally: Tally) -> None:
        """Add the tally of one variable.

        Args:
            variable: index among the counted variables.
            tally: counts of its values.
        """
        self.cells[self.bounds[variable] : self.bounds[variable + 1]] += tally.cells
        self.missing[variable] += tally.missing
        self.invalid[variable] += tally.invalid
        self.outside[variable] += tally.outside
        self.sums[variable] = _finite_total(self.sums[variable], tally.sum)

    def add_matrix(self, matrix: FeatureMatrix, tally: MatrixTally) -> None:
        """Add the tally of all variables of a feature matrix."""
        self.cells[matrix.cells] += tally.cells
        self.missing[matrix.variables] += tally.missing
        self.outside[matrix.variables] += tally.outside
        sums = self.sums[matrix.variables]
        self.sums[matrix.variables] = _finite_total(sums, tally.sums)

    def of_segments(self, variables: int) -> SegmentCounts:
        """Return the counts of all segments. What is added to them is added to these counts.

        Args:
            variables: number of variables of the baseline.
        """
        bounds = self.bounds[: variables + 1]
        return SegmentCounts(
            bounds,
            self.cells.reshape(-1, int(bounds[-1]))[1:],
            self.missing.reshape(-1, variables)[1:],
            self.invalid.reshape(-1, variables)[1:],
            self.outside.reshape(-1, variables)[1:],
            self.sums.reshape(-1, variables)[1:],
        )

    def part(self, number: int, variables: int) -> Counts:
        """Return the counts of all rows, or those of one segment.

        Args:
            number: 0 for all rows; the number of a segment, from 1.
            variables: number of variables of the baseline, in all rows and in each segment alike.
        """
        its = slice(number * variables, (number + 1) * variables)
        bounds = self.bounds[its.start : its.stop + 1]
        part = replace(
            self,
            bounds=bounds - bounds[0],
            cells=self.cells[bounds[0] : bounds[-1]],
            missing=self.missing[its],
            invalid=self.invalid[its],
            outside=self.outside[its],
            sums=self.sums[its],
        )
        if number:
            # Each row is in exactly one cell of a variable, or it is missing or invalid.
            rows = part.cells[: part.bounds[1]].sum() + part.missing[0] + part.invalid[0]
            part.predictions = int(rows)
        return part

    def tallies(self) -> list[Tally]:
        """Return a copy of the counts as one tally per counted variable."""
        parts = np.split(self.cells.copy(), self.bounds[1:])[:-1]
        columns = (self.missing, self.invalid, self.outside, self.sums)
        rest = zip(*(column.tolist() for column in columns), strict=True)
        return [Tally(cells, *each) for cells, each in zip(parts, rest, strict=True)]

    def errors_by_stage(self) -> dict[str, int]:
        """Return the number of monitoring failures by stage."""
        return dict(zip(STAGES, self.errors.tolist(), strict=True))

    def add_log(self, **outcomes: int) -> None:
        """Add numbers of log records by outcome."""
        for outcome, number in outcomes.items():
            self.log[LOG_OUTCOMES.index(outcome)] += number

    def log_by_outcome(self) -> dict[str, int]:
        """Return the number of log records by outcome, including `pending`."""
        log: dict[str, int] = dict(zip(LOG_OUTCOMES, self.log.tolist(), strict=True))
        # The difference is negative only if counts were damaged.
        log["pending"] = max(0, log["accepted"] - log["delivered"] - log["dropped"])
        return log

    def add(self, other: Counts) -> None:
        """Add other counts of the same baseline."""
        self.cells += other.cells
        self.missing += other.missing
        self.invalid += other.invalid
        self.outside += other.outside
        self.sums[:] = _finite_total(self.sums, other.sums)
        self.errors += other.errors
        self.log += other.log
        self.predictions += other.predictions

    def since(self, before: Counts) -> Counts:
        """Return the counts that were added after an earlier state.

        If any count is lower than before, counting has restarted, and all of it is returned.
        """
        difference = Counts(
            bounds=self.bounds,
            cells=self.cells - before.cells,
            missing=self.missing - before.missing,
            invalid=self.invalid - before.invalid,
            outside=self.outside - before.outside,
            sums=self.sums - before.sums,
            errors=self.errors - before.errors,
            log=self.log - before.log,
            predictions=self.predictions - before.predictions,
        )
        restarted = difference.predictions < 0 or bool((difference.cells < 0).any())
        return self if restarted else difference

    @property
    def byte_size(self) -> int:
        """Number of bytes that `to_bytes` returns."""
        plain = 1 + len(self.errors) + len(self.log)
        return 8 * (len(self.cells) + 4 * len(self.missing) + plain)

    def to_bytes(self) -> bytes:
        """Return all counts as little-endian 64-bit numbers: integers, then floats for the sums.

        The log outcomes come first. A process that does not know the baseline, and so the layout of
        the rest, can still add to them (see `with_log_outcomes`).
        """
        of_variables = (self.cells, self.missing, self.invalid, self.outside)
        integers = np.concatenate([self.log, *of_variables, [self.predictions], self.errors])
        return integers.astype("<i8").tobytes() + self.sums.astype("<f8").tobytes()

    def add_bytes(self, content: bytes) -> None:
        """Add counts that `to_bytes` returned for the same baseline, or log outcomes alone."""
        self.log += np.frombuffer(content[:_LOG_BYTES], dtype="<i8")
        # An orphan holds log outcomes only, because its counts are merged already.
        if len(content) == _LOG_BYTES:
            return
        split = len(content) - 8 * len(self.sums)
        integers = np.frombuffer(content[_LOG_BYTES:split], dtype="<i8")
        parts = (self.cells, self.missing, self.invalid, self.outside, [0])
        ends = np.cumsum([len(part) for part in parts])
        cells, missing, invalid, outside, predictions, errors = np.split(integers, ends)
        self.cells += cells
        self.missing += missing
        self.invalid += invalid
        self.outside += outside
        self.predictions += int(predictions[0])
        self.errors += errors
        self.sums[:] = _finite_total(self.sums, np.frombuffer(content[split:], dtype="<f8"))


class SegmentCounts(NamedTuple):
    """Counts of each segment, in one row for each.

    Attributes:
        bounds: index of each variable's first cell in a row of `cells`, and their number.
        cells: see `Counts`.
        missing: see `Counts`.
        invalid: see `Counts`.
        outside: see `Counts`.
        sums: see `Counts`.
    """

    bounds: Integers
    cells: Integers
    missing: Integers
    invalid: Integers
    outside: Integers
    sums: Floats

    def add_sums(self, variable: int, sums: Floats) -> None:
        """Add the sum of a variable in each segment."""
        self.sums[:, variable] = _finite_total(self.sums[:, variable], sums)


def with_log_outcomes(content: bytes, **outcomes: int) -> bytes:
    """Return counts in the format of `Counts.to_bytes` with log outcomes added to them."""
    log = np.frombuffer(content[:_LOG_BYTES], dtype="<i8").copy()
    for outcome, number in outcomes.items():
        log[LOG_OUTCOMES.index(outcome)] += number
    return log.tobytes() + content[_LOG_BYTES:]


_MAX_FLOAT = np.finfo(np.float64).max


def _finite_total(one: Any, other: Any) -> Any:
    """Add sums, and clip the total to the range of floats. An infinite sum would stay infinite."""
    with np.errstate(over="ignore"):
        return np.clip(one + other, -_MAX_FLOAT, _MAX_FLOAT)
