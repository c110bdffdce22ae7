"""Log once a minute which values are invalid, or missing although training had them."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Protocol

import numpy as np

from boxkite.baseline import Baseline, CategoryVariable, SegmentColumn, Variable
from boxkite.live.counts import Counts

__all__ = ["MisfitReport"]

_QUIET_SECONDS = 60.0
_MOST_NAMED = 5
_MISSING_SHARE = 0.5
_UNLIKELY = 1e-3

_logger = logging.getLogger("boxkite")


class OwnCounts(Protocol):
    """The counts of this process, as `DurableCounts` has them."""

    def own_counts(self) -> Counts:
        """Return what this process has counted."""
        ...

    def take_examples(self) -> dict[int, str]:
        """Return the type of an invalid value by variable, for values since the last call."""
        ...


class MisfitReport:
    """Compare the latest rows with training, after each fold.

    A value itself is never logged, only its type.

    Args:
        baseline: the baseline.
        counts: the counts of this process.
    """

    def __init__(self, baseline: Baseline, counts: OwnCounts) -> None:
        self._baseline = baseline
        self._counts = counts
        self._before = Counts.zero(baseline)
        self._quiet_until = 0.0
        is_feature = [each.role == "feature" for each in baseline.variables]
        self._features = np.array(is_feature, dtype=bool)
        shares = [each.missing / max(1, each.rows) for each in baseline.variables]
        self._missing_at_training = np.array(shares)
        # A segment column that is a feature is reported as that feature.
        self._passed: dict[int, SegmentColumn] = {}
        number = 0
        for column in baseline.segments:
            number += len(column.values)  # the last value of a column stands for missing ones
            if not column.is_feature:
                self._passed[number] = column

    def look(self) -> None:
        """Log the misfits since the last look, unless some were logged in the last minute."""
        now = time.monotonic()
        if now < self._quiet_until or not self._baseline.variables:
            return
        counts, examples = self._counts.own_counts(), self._counts.take_examples()
        latest, self._before = counts.since(self._before), counts
        problems = [*self._invalid(latest, examples), *self._missing(latest)]
        problems += self._without_segment(latest)
        if problems:
            self._quiet_until = now + _QUIET_SECONDS
            more = len(problems) - _MOST_NAMED
            end = f", and {more} more" if more > 0 else ""
            _logger.warning("boxkite values: %s%s", "; ".join(problems[:_MOST_NAMED]), end)

    def _invalid(self, latest: Counts, examples: dict[int, str]) -> Iterator[str]:
        for place, kind in sorted(examples.items()):
            variable = self._baseline.variables[place]
            expected = "a category" if isinstance(variable, CategoryVariable) else "a number"
            yield (
                f"{latest.invalid[place]} of {latest.predictions} values of {_named(variable)} are "
                f"invalid, for example {kind} instead of {expected}"
            )

    def _missing(self, latest: Counts) -> Iterator[str]:
        missing = np.where(self._features, latest.missing[: len(self._features)], 0)
        # If the features of a row could not be found at all, the request has reported that.
        empty = int(missing[self._features].min()) if self._features.sum() > 1 else 0
        missing, rows = np.maximum(missing - empty, 0), latest.predictions - empty
        unlikely = self._missing_at_training**missing < _UNLIKELY
        often = missing >= max(1.0, _MISSING_SHARE * rows)
        for place in np.flatnonzero(self._features & unlikely & often):
            share = 100 * (1 - self._missing_at_training[place])
            yield (
                f"{_named(self._baseline.variables[place])} is missing in {missing[place]} of "
                f"{rows} rows, but training had it in {share:.4g} %"
            )

    def _without_segment(self, latest: Counts) -> Iterator[str]:
        """Yield the segment columns that the service passes for fewer rows than training had."""
        variables, rows = len(self._baseline.variables), latest.predictions
        for number, column in self._passed.items():
            missing = latest.part(number, variables).predictions
            share = column.rows[-1] / max(1, self._baseline.rows)
            if missing >= max(1.0, _MISSING_SHARE * rows) and share**missing < _UNLIKELY:
                yield (
                    f"segment {column.name!r} is missing in {missing} of {rows} rows, but training "
                    f"had it in {100 * (1 - share):.4g} %; pass it with segments="
                )


def _named(variable: Variable) -> str:
    return f"{variable.role} {variable.name!r}"
