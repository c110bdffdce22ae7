"""Metrics that were computed elsewhere."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Metric

from boxkite.monitoring.collector.type import Collector

__all__ = ["ComputedMetricCollector"]


class ComputedMetricCollector(Collector):
    """Gives metrics that its user computed, as with `FeatureDistribution.as_continuous`.

    Args:
        metric: the metrics.
    """

    def __init__(self, metric: Iterable[Metric]) -> None:
        self.metric = metric

    def describe(self) -> Iterable[Metric]:
        """Return the metrics."""
        return self.collect()

    def collect(self) -> Iterable[Metric]:
        """Return the metrics."""
        yield from self.metric
