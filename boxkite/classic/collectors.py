"""Collectors of 0.0.5: sources of a baseline's metrics in the form of prometheus-client."""

from __future__ import annotations

import logging
import os
from abc import abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from prometheus_client import Metric
from prometheus_client import registry as prometheus_registry
from prometheus_client.core import InfoMetricFamily

from boxkite.baseline import Baseline
from boxkite.classic.client_metrics import feature_name, metrics_of

__all__ = [
    "BaselineMetricCollector",
    "Collector",
    "ComputedMetricCollector",
    "InfoMetricCollector",
]

_logger = logging.getLogger("boxkite")


class Collector(prometheus_registry.Collector):
    """A source of metrics. Inherit from it to provide a baseline from elsewhere.

    A collector can also be registered with a `CollectorRegistry` of prometheus-client.
    """

    @abstractmethod
    def collect(self) -> Iterable[Metric]:
        """Return the metrics."""
        raise NotImplementedError


class BaselineMetricCollector(Collector):
    """Provides the baseline in a `histogram.prom`, which is read once, at the first use.

    If the file is missing, the collector logs a warning and the service runs without a baseline.

    Args:
        path: path of the file. The default is `DEFAULT_HISTOGRAM_PATH`.
    """

    DEFAULT_HISTOGRAM_PATH: ClassVar[str] = "/artefact/histogram.prom"

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = path or self.DEFAULT_HISTOGRAM_PATH
        self._baseline: Baseline | None = None
        if not os.path.exists(self.path):
            _logger.warning(
                "no baseline at %s. Write one at training with "
                "ModelMonitoringService.export_text(features, inference, path). Without it, "
                "predictions are counted, but not compared",
                os.fspath(self.path),
            )

    def read(self) -> Baseline | None:
        """Return the baseline, or None while there is no file.

        Raises:
            BaselineError: if the file is damaged. The message names the line.
        """
        if self._baseline is None and os.path.exists(self.path):
            self._baseline = Baseline.read(self.path)
        return self._baseline

    def describe(self) -> Iterable[Metric]:
        """Return the baseline's metrics."""
        return self.collect()

    def collect(self) -> Iterable[Metric]:
        """Return the baseline's metrics, or no metrics while there is no file.

        Raises:
            BaselineError: if the file is damaged. The message names the line.
        """
        baseline = self.read()
        return metrics_of(baseline.families("classic")) if baseline else []


class ComputedMetricCollector(Collector):
    """Provides metrics that the user computed, for instance with `FeatureDistribution`.

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


class InfoMetricCollector(Collector):
    """Provides `baseline_metrics_info`, which has one series for each baseline metric.

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
