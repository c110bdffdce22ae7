"""Write labels to the journal. This is the only work that a request with a label waits for."""

from __future__ import annotations

import time
from typing import Any

from boxkite.baseline import Baseline
from boxkite.error_reporter import ErrorReporter
from boxkite.errors import ConfigError
from boxkite.live.outcomes.label_join import JoinOptions
from boxkite.live.outcomes.outcome_record import encode_outcome
from boxkite.live.prediction_counter import PredictionCounter
from boxkite.settings import Settings

__all__ = ["OutcomeIntake", "join_options"]


def join_options(baseline: Baseline, settings: Settings) -> JoinOptions | None:
    """Return how labels are joined, or None if the service cannot take labels."""
    if _problem(baseline, settings) is not None:
        return None
    return JoinOptions.of(
        baseline, settings.server_id, settings.outcome_ttl, settings.state_max_bytes
    )


class OutcomeIntake:
    """Takes labels.

    Args:
        baseline: The baseline, whose outcomes say what a label may be.
        settings: Settings of the monitor.
        reporter: Reports failures.
        counter: Takes the encoded records.
    """

    def __init__(
        self,
        baseline: Baseline,
        settings: Settings,
        reporter: ErrorReporter,
        counter: PredictionCounter,
    ) -> None:
        self._problem = _problem(baseline, settings)
        self._reporter = reporter
        self._counter = counter
        if settings.outcome_ttl and self._problem is not None:
            # This is no reason not to start, because the predictions are counted all the same.
            reporter.count("outcome", ConfigError(self._problem))

    def take(self, prediction_id: str, outcome: Any) -> None:
        """Take one label. See `Monitor.log_outcome`."""
        try:
            self.require()
            self._counter.append(encode_outcome(prediction_id, time.time_ns(), outcome))
        except Exception as error:  # noqa: BLE001 - monitoring never breaks the request
            self._reporter.report("outcome", error)

    @property
    def is_open(self) -> bool:
        """Whether the service takes labels."""
        return self._problem is None

    def require(self) -> None:
        """Check that the service takes labels.

        Raises:
            ConfigError: If it does not.
        """
        if self._problem is not None:
            raise ConfigError(self._problem)


def _problem(baseline: Baseline, settings: Settings) -> str | None:
    """Return why labels cannot be joined, or None if they can."""
    if not settings.outcome_ttl:
        return (
            "the service takes no labels, because the setting OUTCOME_TTL is 0. Set it to the time "
            "for which predictions wait for their labels, such as 7d"
        )
    if baseline.outcomes is None:
        return (
            f"the service takes no labels, because the baseline of model {baseline.model!r} has no "
            "outcomes. Fit it again with outcome= (--outcome on the command line)"
        )
    return None
