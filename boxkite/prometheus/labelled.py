"""The labelled exposition of live counts: `boxkite_…`, one family for all variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from boxkite.baseline import Baseline, CategoryVariable, NumericVariable, Variable
from boxkite.baseline.labelled_series import histogram_series
from boxkite.baseline.tally import Tally
from boxkite.baseline.text_writer import Family, format_series, format_series_by
from boxkite.drift import Policy
from boxkite.prometheus.policy_series import PolicySeries
from boxkite.prometheus.series_labels import variable_labels, version_labels
from boxkite.system.cooperation import cooperatively

__all__ = ["LabelledExposition"]


class LabelledExposition:
    """Live counts of one baseline's variables as series, in all rows and in each segment.

    The baseline fixes the names of the series, so they are written once. A scrape adds the values.

    Args:
        baseline: Its variables are counted.
        policy: The policy that is exported for the rules.
        sink: Name of the log's sink; None without a log.
        export_baseline: Whether the series of the baseline are exported too. They may come from
            another target. An empty baseline is always exported, because an alert watches for it.

    Attributes:
        static: The families that never change.
    """

    def __init__(
        self,
        baseline: Baseline,
        policy: Policy,
        sink: str | None = None,
        *,
        export_baseline: bool = True,
    ) -> None:
        self._sink = sink
        self._head = version_labels(baseline)
        variables = baseline.counted_variables
        self._numeric = [i for i, each in enumerate(variables) if isinstance(each, NumericVariable)]
        self._ordered = [(i, each) for i, each in enumerate(variables) if each.is_ordered]
        self._categorical = [
            i for i, each in enumerate(variables) if isinstance(each, CategoryVariable)
        ]
        labels = [variable_labels(baseline, each) for each in variables]
        pairs = list(zip(variables, labels, strict=True))
        self._values = tuple(
            series
            for each, its_labels in pairs
            if each.is_ordered
            for series in histogram_series("boxkite_value", its_labels, each.upper_bounds)
        )
        self._categories = [
            series
            for each, its_labels in pairs
            if isinstance(each, CategoryVariable)
            for series in format_series_by(
                "boxkite_category_total", its_labels, "category", each.categories
            )
        ]
        self._missing, self._invalid = (
            [format_series(name, **its_labels) for its_labels in labels]
            for name in ("boxkite_missing_total", "boxkite_invalid_total")
        )
        self._outside = [format_series("boxkite_outside_total", **labels[i]) for i in self._numeric]
        self._policy = PolicySeries(baseline, policy)
        self.static: list[Family] = []
        if export_baseline or not baseline.rows:
            self.static = [*baseline.families(), *baseline.variation_families(policy.windows)]

    def families(
        self,
        tallies: Sequence[Tally],
        predictions: int,
        errors: Mapping[str, int],
        log: Mapping[str, int],
    ) -> list[Family]:
        """Return the live series with their values.

        Args:
            tallies: Counts of each of the baseline's counted variables, in that order.
            predictions: Number of predictions counted.
            errors: Failures of monitoring by stage.
            log: Records of the log by outcome: "delivered", "retried", "dropped", "pending".
        """
        return [
            Family(
                "boxkite_predictions",
                "counter",
                "Predictions counted.",
                [format_series("boxkite_predictions_total", **self._head)],
                [predictions],
            ),
            Family(
                "boxkite_value",
                "histogram",
                "Values while serving.",
                self._values,
                _histogram_values((each, tallies[i]) for i, each in self._ordered),
            ),
            Family(
                "boxkite_category",
                "counter",
                "Categories while serving.",
                self._categories,
                [count for i in self._categorical for count in tallies[i].cells.tolist()],
            ),
            Family(
                "boxkite_missing",
                "counter",
                "Values that were None, NaN or absent.",
                self._missing,
                [tally.missing for tally in tallies],
            ),
            Family(
                "boxkite_invalid",
                "counter",
                "Values that cannot be converted to the variable's kind.",
                self._invalid,
                [tally.invalid for tally in tallies],
            ),
            Family(
                "boxkite_outside",
                "counter",
                "Finite values below the minimum or above the maximum of training.",
                self._outside,
                [tallies[i].outside for i in self._numeric],
            ),
            Family(
                "boxkite_errors",
                "counter",
                "Failures of monitoring; the request was answered.",
                [
                    format_series("boxkite_errors_total", **self._head, failed_stage=stage)
                    for stage in errors
                ],
                list(errors.values()),
            ),
            *self._log_families(log),
            *self._policy.families(),
        ]

    def _log_families(self, log: Mapping[str, int]) -> list[Family]:
        if self._sink is None:
            return []
        labels = {**self._head, "sink": self._sink}
        records = "boxkite_log_records_total"
        outcomes = ("delivered", "retried", "dropped")
        pending = "boxkite_log_pending_records"
        return [
            Family(
                "boxkite_log_records",
                "counter",
                "Records of the log, by outcome.",
                [format_series(records, **labels, outcome=outcome) for outcome in outcomes],
                [log[outcome] for outcome in outcomes],
            ),
            Family(
                pending,
                "gauge",
                "Records in the journal that the sink has not acknowledged.",
                [format_series(pending, **labels)],
                [log["pending"]],
            ),
        ]


def _histogram_values(ordered: Iterable[tuple[Variable, Tally]]) -> list[float]:
    values: list[float] = []
    for variable, tally in cooperatively(ordered):
        cumulative = np.cumsum(tally.cells).tolist()
        total = tally.sum
        if isinstance(variable, CategoryVariable):
            total = variable.sum_of_ranks(tally.cells)
        values += [*cumulative, total, cumulative[-1]]
    return values
