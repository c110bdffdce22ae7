"""Offers the live distributions of a service as a collector."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from boxkite.baseline.loading import EMPTY
from boxkite.classic.classic_series import metric_name
from boxkite.classic.client_metrics import baseline_of, is_baseline
from boxkite.classic.collectors import Collector
from boxkite.classic.prediction_context import PredictionContext
from boxkite.monitor import Monitor
from boxkite.settings import from_environment

__all__ = ["LiveMetricRegistry", "is_single_value"]


def is_single_value(value: Any) -> bool:
    """Return whether a value is a text, a mapping or anything else that is not a list of values."""
    return isinstance(value, str | dict) or not hasattr(value, "__iter__")


class LiveMetricRegistry(Collector):
    """Counts predictions into the bins of baseline metrics.

    Args:
        metrics: the baseline's metrics. Other metrics are ignored.

    Raises:
        BaselineError: if they do not make up a whole baseline.
    """

    def __init__(self, metrics: Iterable[Metric]) -> None:
        known = [each for each in metrics if is_baseline(each)]
        settings = from_environment(arguments={"exposition": "classic"})
        baseline = baseline_of(known) if known else EMPTY
        self._monitor = Monitor(baseline, settings=settings, registry=None)
        self._names = [metric_name(each, baseline=False) for each in baseline.variables]

    def describe(self) -> Iterable[Metric]:
        """Return the metrics."""
        return self.collect()

    def collect(self) -> Iterator[Metric]:
        """Yield the live metrics with their current counts."""
        # An empty list of names would filter nothing, and show series other than the live ones.
        if self._names:
            body = self._monitor.export(names=self._names).body
            yield from text_string_to_metric_families(body.decode())

    def observe(self, prediction: PredictionContext) -> None:
        """Count one prediction."""
        self._monitor.log_prediction(features=prediction.features, output=prediction.output)
