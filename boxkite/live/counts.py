"""Live counts of all variables of a baseline, in flat arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline import Baseline
from boxkite.baseline.feature_matrix import FeatureMatrix, MatrixTally
from boxkite.baseline.tally import Tally
from boxkite.error_reporter import STAGES

__all__ = ["LOG_OUTCOMES", "Counts"]

Integers: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]


LOG_OUTCOMES = ("accepted", "delivered", "retried", "dropped")
"""What is counted of the log. Accepted and neither delivered nor dropped is pending."""


@dataclass(eq=False)
class Counts:
    """Counts since the start, a slice of `cells` for each variable.

    Attributes:
        bounds: where each variable's cells begin in `cells`, and the end of the last.
        cells: rows in each cell.
        missing: rows without a value, of each variable.
        invalid: rows whose value is not of the variable's kind.
        sums: of the finite numbers.
        errors: failures of monitoring, by stage.
        log: records of the log, by outcome.
        predictions: rows counted.
    """

    bounds: Integers
    cells: Integers
    missing: Integers
    invalid: Integers
    sums: Floats
    errors: Integers
    log: Integers
    predictions: int = 0

    @classmethod
    def zero(cls, baseline: Baseline) -> Counts:
        """Return counts of nothing, for the variables of a baseline."""
        bounds = baseline.cell_bounds
        number = len(baseline.variables)
        return cls(
            bounds=bounds,
            cells=np.zeros(int(bounds[-1]), dtype=np.int64),
            missing=np.zeros(number, dtype=np.int64),
            invalid=np.zeros(number, dtype=np.int64),
            sums=np.zeros(number, dtype=np.float64),
            errors=np.zeros(len(STAGES), dtype=np.int64),
            log=np.zeros(len(LOG_OUTCOMES), dtype=np.int64),
        )

    def add_tally(self, variable: int, tally: Tally) -> None:
        """Add the tally of the variable of that index."""
        self.cells[self.bounds[variable] : self.bounds[variable + 1]] += tally.cells
        self.missing[variable] += tally.missing
        self.invalid[variable] += tally.invalid
        self.sums[variable] = _finite_total(self.sums[variable], tally.sum)

    def add_matrix(self, matrix: FeatureMatrix, tally: MatrixTally) -> None:
        """Add the tally of the variables of a feature matrix."""
        self.cells[matrix.cells] += tally.cells
        self.missing[matrix.variables] += tally.missing
        sums = self.sums[matrix.variables]
        self.sums[matrix.variables] = _finite_total(sums, tally.sums)

    def tallies(self) -> list[Tally]:
        """Return a copy of the counts, variable by variable."""
        parts = np.split(self.cells.copy(), self.bounds[1:])[:-1]
        rest = zip(self.missing.tolist(), self.invalid.tolist(), self.sums.tolist(), strict=True)
        return [Tally(cells, *each) for cells, each in zip(parts, rest, strict=True)]

    def errors_by_stage(self) -> dict[str, int]:
        """Return the failures of monitoring of each stage."""
        return dict(zip(STAGES, self.errors.tolist(), strict=True))

    def add_log(self, **outcomes: int) -> None:
        """Add to the records of the log, by outcome."""
        for outcome, number in outcomes.items():
            self.log[LOG_OUTCOMES.index(outcome)] += number

    def log_by_outcome(self) -> dict[str, int]:
        """Return the records of the log by outcome, with those that are pending."""
        log: dict[str, int] = dict(zip(LOG_OUTCOMES, self.log.tolist(), strict=True))
        # Fewer than none only where counts were damaged.
        log["pending"] = max(0, log["accepted"] - log["delivered"] - log["dropped"])
        return log

    def add(self, other: Counts) -> None:
        """Add other counts of the same baseline."""
        self.cells += other.cells
        self.missing += other.missing
        self.invalid += other.invalid
        self.sums[:] = _finite_total(self.sums, other.sums)
        self.errors += other.errors
        self.log += other.log
        self.predictions += other.predictions

    def since(self, before: Counts) -> Counts:
        """Return what was counted after an earlier state; all of it where counting began anew."""
        difference = Counts(
            bounds=self.bounds,
            cells=self.cells - before.cells,
            missing=self.missing - before.missing,
            invalid=self.invalid - before.invalid,
            sums=self.sums - before.sums,
            errors=self.errors - before.errors,
            log=self.log - before.log,
            predictions=self.predictions - before.predictions,
        )
        began_anew = difference.predictions < 0 or bool((difference.cells < 0).any())
        return self if began_anew else difference

    @property
    def byte_size(self) -> int:
        """How many bytes `to_bytes` returns."""
        plain = 1 + len(self.errors) + len(self.log)
        return 8 * (len(self.cells) + 3 * len(self.missing) + plain)

    def to_bytes(self) -> bytes:
        """Return all counts as bytes: 64-bit little-endian integers, and floats for the sums."""
        integers = np.concatenate(
            [self.cells, self.missing, self.invalid, [self.predictions], self.errors, self.log]
        )
        return integers.astype("<i8").tobytes() + self.sums.astype("<f8").tobytes()

    def add_bytes(self, content: bytes) -> None:
        """Add counts that `to_bytes` of the same baseline returned."""
        split = len(content) - 8 * len(self.sums)
        integers = np.frombuffer(content[:split], dtype="<i8")
        parts = (self.cells, self.missing, self.invalid, [0], self.errors)
        ends = np.cumsum([len(part) for part in parts])
        cells, missing, invalid, predictions, errors, log = np.split(integers, ends)
        self.cells += cells
        self.missing += missing
        self.invalid += invalid
        self.predictions += int(predictions[0])
        self.errors += errors
        self.log += log
        self.sums[:] = _finite_total(self.sums, np.frombuffer(content[split:], dtype="<f8"))


_MAX_FLOAT = np.finfo(np.float64).max


def _finite_total(one: Any, other: Any) -> Any:
    """Add sums; one that leaves the range of floats stays at its end, else it is lost for good."""
    with np.errstate(over="ignore"):
        return np.clip(one + other, -_MAX_FLOAT, _MAX_FLOAT)
