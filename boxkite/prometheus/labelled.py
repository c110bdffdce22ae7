"""The labelled exposition of live counts: `boxkite_…`, one family for all variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from boxkite.baseline import Baseline, CategoryVariable, NumericVariable, Variable
from boxkite.baseline.labelled_series import histogram_series
from boxkite.baseline.tally import Tally
from boxkite.baseline.text_writer import Family, format_series, format_series_by
from boxkite.drift import Policy
from boxkite.prometheus.critical import CriticalValues
from boxkite.system.cooperation import cooperatively

__all__ = ["LabelledExposition"]

Labels: TypeAlias = dict[str, str]


class LabelledExposition:
    """Live counts of one baseline's variables as series.

    The names of the series, which the baseline fixes, are written once; a scrape adds the values.

    Args:
        baseline: whose variables are counted.
        policy: whose critical values are exported.
        sink: name of the log's sink; None where there is no log.
    """

    def __init__(self, baseline: Baseline, policy: Policy, sink: str | None = None) -> None:
        self._sink = sink
        self._head = {"model_name": baseline.model, "model_version": baseline.version}
        self._numeric = [
            i for i, each in enumerate(baseline.variables) if isinstance(each, NumericVariable)
        ]
        self._categorical = [
            i for i, each in enumerate(baseline.variables) if isinstance(each, CategoryVariable)
        ]
        self._values = tuple(
            series
            for each in baseline.variables
            if isinstance(each, NumericVariable)
            for series in histogram_series("boxkite_value", self._labels(each), each.upper_bounds)
        )
        self._categories = [
            series
            for each in baseline.variables
            if isinstance(each, CategoryVariable)
            for series in format_series_by(
                "boxkite_category_total", self._labels(each), "category", each.categories
            )
        ]
        self._missing, self._invalid = (
            [format_series(name, **self._labels(each)) for each in baseline.variables]
            for name in ("boxkite_missing_total", "boxkite_invalid_total")
        )
        self._critical = CriticalValues(baseline, policy, self._series)
        self._design_effect = policy.design_effect
        self.static = baseline.families()

    def _series(self, name: str, variable: Variable, window: str) -> str:
        return format_series(name, **self._labels(variable), window=window)

    def _labels(self, variable: Variable) -> Labels:
        return {**self._head, "variable_role": variable.role, "variable": variable.name}

    def families(
        self,
        tallies: Sequence[Tally],
        predictions: int,
        errors: Mapping[str, int],
        log: Mapping[str, int],
    ) -> list[Family]:
        """Return the live series with their values.

        Args:
            tallies: the counts of each variable of the baseline, in its order.
            predictions: how many were counted.
            errors: failures of monitoring by stage.
            log: records of the log by outcome: "delivered", "retried", "dropped", "pending".
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
                _histogram_values(tallies[i] for i in self._numeric),
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
                "Values that were not of the variable's kind.",
                self._invalid,
                [tally.invalid for tally in tallies],
            ),
            Family(
                "boxkite_errors",
                "counter",
                "Failures of monitoring; the request went on.",
                [
                    format_series("boxkite_errors_total", **self._head, failed_stage=stage)
                    for stage in errors
                ],
                list(errors.values()),
            ),
            *self._log_families(log),
            self._critical.family(),
            *self._design_effect_families(),
        ]

    def _design_effect_families(self) -> list[Family]:
        """Return a family where rows depend on each other; without it the rules take 1."""
        if self._design_effect == 1.0:
            return []
        name = "boxkite_drift_design_effect"
        documentation = "How many rows tell as much as one that is independent of the others."
        series = [format_series(name, **self._head)]
        return [Family(name, "gauge", documentation, series, [self._design_effect])]

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
                "Records of the log; accepted are delivered, dropped or pending.",
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


def _histogram_values(tallies: Iterable[Tally]) -> list[float]:
    values: list[float] = []
    for tally in cooperatively(tallies):
        cumulative = np.cumsum(tally.cells).tolist()
        values += [*cumulative, tally.sum, cumulative[-1]]
    return values
