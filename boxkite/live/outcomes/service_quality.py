"""The quality of a model in a service, from the labels that have arrived."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date
from functools import reduce

from boxkite.baseline import Baseline
from boxkite.baseline.time_windows import seconds_of
from boxkite.errors import BaselineError, ConfigError
from boxkite.live.durable_counts import DurableCounts
from boxkite.live.outcomes.joined_outcomes import JoinedOutcomes
from boxkite.live.outcomes.label_join import DAY_SECONDS
from boxkite.live.outcomes.outcome_intake import OutcomeIntake
from boxkite.quality import Outcomes, Quality, QualityPolicy, compare_outcomes

__all__ = ["DayQuality", "ServiceQuality"]

_HOUR_SECONDS = 3600


@dataclass(frozen=True)
class DayQuality:
    """The quality of the predictions of one day.

    Attributes:
        day: The day on which the predictions were made, in UTC.
        predictions: Number of predictions made.
        quality: Their quality, from the labels that have arrived by now.
    """

    day: date
    predictions: int
    quality: Quality

    @property
    def coverage(self) -> float:
        """Share of the predictions that have a label."""
        return self.quality.rows / self.predictions if self.predictions else 0.0


class ServiceQuality:
    """Compares the labels of a service with training.

    Args:
        baseline: Baseline of the model.
        counts: Joins the labels of all workers.
        intake: Knows whether the service takes labels.
        policy: Decides whether quality is worse than at training.
    """

    def __init__(
        self,
        baseline: Baseline,
        counts: DurableCounts,
        intake: OutcomeIntake,
        policy: QualityPolicy,
    ) -> None:
        self._baseline = baseline
        self._policy = policy
        self._counts = counts
        self._intake = intake

    def over(self, window: str | None) -> Quality:
        """Return the quality of a window. See `Monitor.quality`."""
        if window is None:
            now = self._joined().outcomes(self._training.empty())
            return compare_outcomes(now, self._training, policy=self._part())
        self._intake.require()
        try:
            seconds = seconds_of(window)
        except BaselineError as error:
            raise ConfigError(str(error)) from None
        first = int(time.time() - seconds) // DAY_SECONDS + 1
        days = [each.outcomes for each in self._counts.outcome_days(first)]
        found = reduce(Outcomes.plus, days, self._training.empty())
        return compare_outcomes(
            found,
            self._training,
            policy=self._part(),
            window=window,
            hours=seconds / _HOUR_SECONDS,
        )

    def by_segment(self) -> dict[str, Quality]:
        """Return the quality of each segment. See `Monitor.quality_by_segment`."""
        joined = self._joined()
        return {
            segment: compare_outcomes(
                joined.outcomes(training.empty(), segment), training, policy=self._part(segment)
            )
            for segment, training in self._baseline.outcomes_by_segment.items()
            if segment
        }

    def _part(self, segment: str = "") -> QualityPolicy:
        """Return the policy for all rows, or for one segment."""
        return self._policy.part(segment, len(self._baseline.segment_labels))

    def _joined(self) -> JoinedOutcomes:
        self._intake.require()
        joined = self._counts.outcomes()
        assert joined is not None  # the intake takes labels
        return joined

    @property
    def _training(self) -> Outcomes:
        assert self._baseline.outcomes is not None  # the intake takes labels
        return self._baseline.outcomes

    def by_day(self) -> list[DayQuality]:
        """Return the quality of each day. See `Monitor.quality_by_day`."""
        self._intake.require()
        return [
            DayQuality(
                each.day,
                each.predictions,
                compare_outcomes(each.outcomes, self._training, policy=self._part(), window="1d"),
            )
            for each in self._counts.outcome_days()
        ]
