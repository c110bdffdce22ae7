"""The series of labels that arrive in a service."""

from __future__ import annotations

from boxkite.baseline import Baseline
from boxkite.baseline.outcome_series import PAIRED, WITHDRAWN, PairSeries
from boxkite.baseline.text_writer import Family, format_series
from boxkite.live.outcomes.joined_outcomes import RESULTS, JoinedOutcomes
from boxkite.prometheus.series_labels import version_labels

__all__ = ["OutcomeExposition"]

_WAITING = "boxkite_outcomes_waiting"
_PREDICTIONS = "boxkite_outcome_predictions_waiting"


class OutcomeExposition:
    """Counts of labels as series. Every series exists from the start.

    Args:
        baseline: Baseline of the model.
    """

    def __init__(self, baseline: Baseline) -> None:
        labels = version_labels(baseline)
        layouts = baseline.outcomes_by_segment
        self._empty = {segment: each.empty() for segment, each in layouts.items()}
        self._paired = PairSeries(PAIRED, layouts, labels, "_total")
        self._withdrawn = PairSeries(WITHDRAWN, layouts, labels, "_total")
        self._results = [
            format_series("boxkite_outcomes_total", **labels, result=result) for result in RESULTS
        ]
        self._waiting = [format_series(_WAITING, **labels)]
        self._predictions = [format_series(_PREDICTIONS, **labels)]

    def families(self, joined: JoinedOutcomes) -> list[Family]:
        """Return the series with the counts of labels."""
        return [
            *self._paired.families({**self._empty, **joined.paired}),
            *self._withdrawn.families({**self._empty, **joined.withdrawn}),
            Family(
                "boxkite_outcomes",
                "counter",
                "Labels, by what became of them.",
                self._results,
                [joined.results[result] for result in RESULTS],
            ),
            Family(
                _WAITING,
                "gauge",
                "Labels that came before their prediction.",
                self._waiting,
                [joined.waiting],
            ),
            Family(
                _PREDICTIONS,
                "gauge",
                "Predictions that are kept, so that labels can be joined with them.",
                self._predictions,
                [joined.predictions],
            ),
        ]
