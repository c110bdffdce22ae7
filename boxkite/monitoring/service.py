"""Monitoring as in boxkite 0.0.5, over `boxkite.Monitor`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from boxkite.baseline import Baseline
from boxkite.baseline.loading import EMPTY
from boxkite.baseline.text_writer import render
from boxkite.live.identity import Identity
from boxkite.live.record import plain
from boxkite.live.row import plain_row
from boxkite.monitor import Monitor
from boxkite.monitoring.collector import (
    BaselineMetricCollector,
    ComputedMetricCollector,
    FeatureHistogramCollector,
    InferenceHistogramCollector,
)
from boxkite.monitoring.collector.type import Collector
from boxkite.monitoring.context import PredictionContext
from boxkite.monitoring.exporter import FluentdExporter
from boxkite.monitoring.exporter.type import LogExporter
from boxkite.prometheus.classic_metrics import baseline_of, is_baseline
from boxkite.settings import from_environment
from boxkite.system.atomic_file import replace_file

__all__ = ["ModelMonitoringService"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ModelMonitoringService:
    """Counts and logs the predictions of a service, and shows the counts.

    Args:
        log_exporter: takes each prediction; by default `FluentdExporter()`.
        baseline_collector: gives the baseline's metrics, asked once, here; by default
            `BaselineMetricCollector()`.

    Attributes:
        monitor: the `boxkite.Monitor` that does the work.

    Raises:
        BaselineError: if the baseline is damaged.
        ConfigError: if a setting cannot be used.
    """

    def __init__(
        self,
        log_exporter: LogExporter | None = None,
        baseline_collector: Collector | None = None,
    ) -> None:
        exporter = FluentdExporter() if log_exporter is None else log_exporter
        collector = BaselineMetricCollector() if baseline_collector is None else baseline_collector
        baseline, others = _load(collector)
        self._positions = [each.position for each in baseline.features]
        self._exporter = exporter
        # An exporter of the user's own is called in the request, as 0.0.5 does it; and so is ours
        # where the journal holds only those of the features that the baseline has.
        ours = getattr(type(exporter), "emit", None) is FluentdExporter.emit
        self._emits = not (ours and self._counts_all)
        self.monitor = Monitor(
            baseline,
            log="none:" if self._emits else exporter,
            settings=from_environment({"exposition": "classic"}, {"log_request_body": True}),
            registry=_registry(others),
        )

    @property
    def _counts_all(self) -> bool:
        return self._positions == list(range(len(self._positions)))

    def log_prediction(self, request_body: Any, features: Any, output: Any) -> str:
        """Count one prediction, and hand it to the exporter.

        Args:
            request_body: of the request, for the log.
            features: the row that the model took, in the order of training.
            output: what the model answered.

        Returns:
            The id under which the prediction is logged. A failure to log or to count it is
            counted, logged once a minute, and not raised.
        """
        identity = Identity.new(self.monitor.settings.server_id)
        row = _row(features)
        if self._emits:
            try:
                self._exporter.emit(_context(identity, request_body, row, output))
            except Exception as error:  # noqa: BLE001 - an exporter is the user's code
                self.monitor.reporter.count("log", error)
        return self.monitor.log_prediction(
            self._counted(row), output, request_body, identity=identity
        )

    def _counted(self, row: Any) -> Any:
        """Return the values that the baseline has, where it leaves out some of the features."""
        if self._counts_all or not isinstance(row, list):
            return row
        return [row[i] for i in self._positions] if len(row) > self._positions[-1] else row

    def export_http(
        self,
        params: Mapping[str, Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[bytes, str]:
        """Return body and content type for a view of `/metrics`.

        Args:
            params: of the query; `name[]` chooses the metrics to show.
            headers: of the request; `Accept` chooses the format.
        """
        return self.monitor.export_http(params, headers)

    def close(self, timeout: float = 5.0) -> None:
        """Count and log what waits, and stop the background work.

        Args:
            timeout: seconds that the monitor and `FluentdExporter` may take each.
        """
        self.monitor.close(timeout)
        if isinstance(self._exporter, FluentdExporter):
            self._exporter.close(timeout)

    @classmethod
    def export_text(
        cls,
        features: Iterable[tuple[str, Any]],
        inference: Iterable[Any] | None = None,
        path: str | os.PathLike[str] | None = None,
    ) -> None:
        """Count training data into a `histogram.prom`, which appears whole or not at all.

        Args:
            features: (name, values) pairs in the order of the model's row, or a frame.
            inference: the model's output for the same rows.
            path: of the file; by default `/artefact/histogram.prom`.

        Raises:
            BaselineError: naming the column that cannot be counted.
            OSError: if the file cannot be written; an old one stays as it was.
        """
        metrics = list(FeatureHistogramCollector(features).collect())
        if inference is not None:
            metrics += InferenceHistogramCollector(inference).collect()
        text = render(baseline_of(metrics).families("classic"))
        replace_file(path or BaselineMetricCollector.DEFAULT_HISTOGRAM_PATH, text.encode())


def _load(collector: Collector) -> tuple[Baseline, list[Metric]]:
    """Return the baseline that a collector gives, and its metrics that belong to none."""
    if isinstance(collector, BaselineMetricCollector) and _reads_file(collector):
        return collector.read() or EMPTY, []
    metrics = list(collector.collect())
    known = [each for each in metrics if is_baseline(each)]
    others = [each for each in metrics if not is_baseline(each)]
    return (baseline_of(known) if known else EMPTY), others


def _reads_file(collector: BaselineMetricCollector) -> bool:
    """Tell whether a collector gives its file's metrics only, and not more or others."""
    return type(collector).collect is BaselineMetricCollector.collect


def _registry(metrics: list[Metric]) -> CollectorRegistry:
    """Return what is shown beside the counts: those metrics, and multiprocess ones if any."""
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    if metrics:
        registry.register(ComputedMetricCollector(metrics))
    return registry


def _row(features: Any) -> Any:
    """Return a copy of a row, by position if it is one of a frame; what was given if it is none."""
    try:
        if getattr(features, "ndim", None) == 1 and hasattr(features, "tolist"):
            return features.tolist()
        return plain_row(features)
    except Exception:  # noqa: BLE001 - features are any object; the monitor says what is wrong
        return features


def _context(identity: Identity, request_body: Any, row: Any, output: Any) -> PredictionContext:
    return PredictionContext(
        entity_id=UUID(identity.entity_id),
        features=plain(row),
        request_body=request_body,
        server_id=identity.server_id,
        output=plain(output),
        created_at=_EPOCH + timedelta(microseconds=identity.created_at // 1000),
    )
