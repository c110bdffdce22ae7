"""The quality of a model in a service, from the labels that have arrived."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline import Baseline
from boxkite.baseline.time_windows import seconds_of
from boxkite.errors import BaselineError, ConfigError
from boxkite.live.durable_counts import DurableCounts
from boxkite.live.history import KEPT
from boxkite.live.outcomes.joined_outcomes import JoinedOutcomes
from boxkite.live.outcomes.label_join import DAY_SECONDS
from boxkite.live.outcomes.outcome_intake import OutcomeIntake
from boxkite.quality import Outcomes, Quality, QualityPolicy, compare_outcomes, estimate

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
        scores = self._scores(window)
        estimated = estimate(self._training, scores[""]) if scores else ()
        if estimated and not self._intake.is_open:
            nothing = self._training.empty()
            found = compare_outcomes(nothing, self._training, policy=self._part())
        else:
            self._intake.require()
            found = self._measured(window)
        return replace(found, estimated=estimated)

    def _measured(self, window: str | None) -> Quality:
        if window is None:
            now = self._joined().outcomes(self._training.empty())
            return compare_outcomes(now, self._training, policy=self._part())
        days = [each.outcomes for each in self._counts.outcome_days(_first_day(window))]
        found = reduce(Outcomes.plus, days, self._training.empty())
        return compare_outcomes(
            found,
            self._training,
            policy=self._part(),
            window=window,
            hours=_seconds(window) / _HOUR_SECONDS,
        )

    def _scores(self, window: str | None) -> dict[str, NDArray[np.int64]]:
        """Return the histogram of the scores of all predictions, labelled or not, by segment.

        The segment of all rows is "". Empty if the output is no score with a threshold, or the
        counts do not go back so far.
        """
        training = self._baseline.outcomes
        if training is None or training.pairs[0].threshold is None:
            return {}
        counts = self._counts.current()
        if window is not None:
            first = datetime.fromtimestamp(_first_day(window) * DAY_SECONDS, UTC)
            if datetime.now(UTC) - first > KEPT:
                return {}
            _, counts = self._counts.since(first)
        names = [(each.role, each.name) for each in self._baseline.variables]
        place = names.index(("output", training.pairs[0].output))
        of_outputs = counts.tallies()[place :: len(names)]
        labels = ("", *self._baseline.segment_labels)
        return {label: each.cells for label, each in zip(labels, of_outputs, strict=True)}

    def by_segment(self) -> dict[str, Quality]:
        """Return the quality of each segment. See `Monitor.quality_by_segment`."""
        scores = self._scores(None)
        # Without labels there is nothing to measure, but scores still give estimates.
        joined = JoinedOutcomes() if scores and not self._intake.is_open else self._joined()
        found: dict[str, Quality] = {}
        for segment, training in self._baseline.outcomes_by_segment.items():
            if segment:
                now = joined.outcomes(training.empty(), segment)
                quality = compare_outcomes(now, training, policy=self._part(segment))
                estimated = estimate(training, scores[segment]) if scores else ()
                found[segment] = replace(quality, estimated=estimated)
        return found

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


def _first_day(window: str) -> int:
    """Return the first day of a window that ends today, as a number of days since 1970."""
    return int(time.time() - _seconds(window)) // DAY_SECONDS + 1


def _seconds(window: str) -> float:
    """Return the length of a window.

    Raises:
        ConfigError: If it is not a length.
    """
    try:
        return seconds_of(window)
    except BaselineError as error:
        raise ConfigError(str(error)) from None
