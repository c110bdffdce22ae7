"""Counts the values of one variable into the bins of its baseline metric, in this process."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from prometheus_client import Metric

from boxkite.classic.classic_exposition import ClassicExposition
from boxkite.classic.client_metrics import baseline_of, metrics_of
from boxkite.classic.collectors import Collector
from boxkite.live.column_tally import tally_values
from boxkite.live.counts import Counts
from boxkite.live.record import plain

__all__ = ["LiveVariable"]


class LiveVariable(Collector):
    """The live counts of one variable, which begin at 0.

    Args:
        metric: the variable's baseline metric: a counter with the label `bin`, or a histogram.

    Raises:
        BaselineError: if the metric's samples do not make up a variable.
    """

    def __init__(self, metric: Metric) -> None:
        self._name = metric.name.replace("_baseline", "")
        self._documentation = metric.documentation.replace("Baseline", "Real time")
        # The engine knows baselines by the names of their series. A user may have given the metric
        # any other name, so it bears the name of a first feature while the engine has it.
        baseline = baseline_of([_renamed(metric, "feature_0_value_baseline", "")])
        self._variable = baseline.variables[0]
        self._exposition = ClassicExposition(baseline)
        self._counts = Counts.zero(baseline)
        self._lock = threading.Lock()

    def observe(self, value: Any) -> None:
        """Count one value. Missing and invalid values have a bin too."""
        tally = tally_values(self._variable, [plain(value)])
        with self._lock:
            self._counts.add_tally(0, tally)

    def describe(self) -> Iterable[Metric]:
        """Return the metric."""
        return self.collect()

    def collect(self) -> Iterable[Metric]:
        """Return the live metric with its current counts."""
        with self._lock:
            tallies = self._counts.tallies()
        live = metrics_of(self._exposition.families(tallies, 0, {}, {})[:1])
        return [_renamed(each, self._name, self._documentation) for each in live]


def _renamed(metric: Metric, name: str, documentation: str) -> Metric:
    """Return a copy of a metric with another name and another HELP text."""
    copy = Metric(name, documentation, metric.type)
    for each in metric.samples:
        copy.add_sample(name + each.name.removeprefix(metric.name), each.labels, each.value)
    return copy
