"""The baseline of a file."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from typing import ClassVar

from prometheus_client import Metric

from boxkite.baseline import Baseline
from boxkite.monitoring.collector.type import Collector
from boxkite.prometheus.classic_metrics import metrics_of

__all__ = ["BaselineMetricCollector"]

_logger = logging.getLogger("boxkite")


class BaselineMetricCollector(Collector):
    """Gives the baseline in a `histogram.prom`, read once, at the first use.

    Args:
        path: of the file, by default `DEFAULT_HISTOGRAM_PATH`. Where it is missing, that is
            logged, and the service runs without.
    """

    DEFAULT_HISTOGRAM_PATH: ClassVar[str] = "/artefact/histogram.prom"

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = path or self.DEFAULT_HISTOGRAM_PATH
        self._baseline: Baseline | None = None
        if not os.path.exists(self.path):
            _logger.warning(
                "no baseline at %s: predictions are taken, but there is nothing to compare them "
                "with; write one at training with ModelMonitoringService.export_text(features, "
                "inference, path)",
                os.fspath(self.path),
            )

    def read(self) -> Baseline | None:
        """Return the baseline, None as long as there is no file.

        Raises:
            BaselineError: naming the line, if the file is damaged.
        """
        if self._baseline is None and os.path.exists(self.path):
            self._baseline = Baseline.read(self.path)
        return self._baseline

    def describe(self) -> Iterable[Metric]:
        """Return the baseline's metrics."""
        return self.collect()

    def collect(self) -> Iterable[Metric]:
        """Return the baseline's metrics, none as long as there is no file.

        Raises:
            BaselineError: naming the line, if the file is damaged.
        """
        baseline = self.read()
        return metrics_of(baseline.families("classic")) if baseline else []
