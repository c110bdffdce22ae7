"""Which metric is of which feature."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Metric
from prometheus_client.core import InfoMetricFamily

from boxkite.monitoring.collector.type import Collector
from boxkite.prometheus.classic_metrics import feature_name

__all__ = ["InfoMetricCollector"]


class InfoMetricCollector(Collector):
    """Gives `baseline_metrics_info`, one series a baseline metric.

    Args:
        metric: the baseline's metrics.
    """

    def __init__(self, metric: Iterable[Metric]) -> None:
        self.metric = InfoMetricFamily(
            "baseline_metrics",
            "Metadata about the baseline training metrics",
            labels=["feature_name", "metric_name", "metric_type"],
        )
        for each in metric:
            self.metric.add_metric([feature_name(each), each.name, each.type], {})

    def describe(self) -> Iterable[Metric]:
        """Return the metric."""
        return self.collect()

    def collect(self) -> Iterable[Metric]:
        """Return the metric."""
        yield self.metric
