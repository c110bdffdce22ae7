"""The monitoring service of boxkite 0.0.5, on top of `boxkite.Monitor`."""

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
from boxkite.classic.client_metrics import baseline_of, is_baseline
from boxkite.classic.collectors import (
    BaselineMetricCollector,
    Collector,
    ComputedMetricCollector,
)
from boxkite.classic.distributions import FeatureHistogramCollector, InferenceHistogramCollector
from boxkite.classic.exporters import FluentdExporter, LogExporter
from boxkite.classic.prediction_context import PredictionContext
from boxkite.live.identity import Identity
from boxkite.live.record import plain
from boxkite.monitor import Monitor
from boxkite.rows.row import plain_row
from boxkite.settings import from_environment
from boxkite.system.atomic_file import replace_file
from boxkite.system.type_guards import is_list

__all__ = ["BEDROCK_SERVER_ID", "ModelMonitoringService"]

BEDROCK_SERVER_ID = "BEDROCK_SERVER_ID"
"""The environment variable of 0.0.5 that names the server."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ModelMonitoringService:
    """Counts and logs the predictions of a service, and exports the counts.

    Args:
        log_exporter: gets each prediction. The default is `FluentdExporter()`.
        baseline_collector: provides the baseline's metrics, which the constructor collects once.
            The default is `BaselineMetricCollector()`.

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
        # 0.0.5 calls the exporter during the request, so we do the same with a user's own exporter.
        # Our exporter sends from the journal instead. But if the baseline leaves out features, the
        # journal lacks them as well, and our exporter is called during the request too.
        ours = getattr(type(exporter), "emit", None) is FluentdExporter.emit
        self._emits = not (ours and self._counts_all)
        self.monitor = Monitor(
            baseline,
            log="none:" if self._emits else exporter,
            settings=from_environment(
                {"exposition": "classic"}, {"log_request_body": True, "log_unknown": True}
            ),
            registry=_registry(others),
        )

    @property
    def _counts_all(self) -> bool:
        return self._positions == list(range(len(self._positions)))

    def log_prediction(self, request_body: Any, features: Any, output: Any) -> str:
        """Count one prediction and pass it to the exporter.

        A failure to log or to count the prediction is not raised. It is counted, and reported at
        most once a minute.

        Args:
            request_body: body of the request, for the log.
            features: the row that the model took, in the order of the training data.
            output: the model's output.

        Returns:
            The id under which the prediction is logged.
        """
        identity = Identity.new(self.monitor.settings.server_id)
        row = _row(features)
        if self._emits:
            try:
                self._exporter.emit(_context(identity, request_body, row, output))
            except Exception as error:  # noqa: BLE001 - the exporter is the user's code
                self.monitor.reporter.count("log", error)
        return self.monitor.log_prediction(
            self._counted(row), output, request_body, identity=identity
        )

    def _counted(self, row: Any) -> Any:
        """Return the values of the features that the baseline has."""
        if self._counts_all or not is_list(row):
            return row
        # A row that is too short stays as it is, and the monitor counts it as invalid.
        return [row[i] for i in self._positions] if len(row) > self._positions[-1] else row

    def export_http(
        self,
        params: Mapping[str, Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[bytes, str]:
        """Return the body and the content type of a response to a scrape.

        Args:
            params: query parameters of the request. `name[]` selects the metrics to show.
            headers: headers of the request. `Accept` selects the format.
        """
        return self.monitor.export_http(params, headers)

    def close(self, timeout: float = 5.0) -> None:
        """Count and log waiting predictions, and stop the background work.

        Args:
            timeout: seconds that the monitor may take, and `FluentdExporter` after it.
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
        """Count training data and write a `histogram.prom`, as `Baseline.write` does.

        The file has the series of 0.0.5 only, so it is the one that 0.0.5 would write.

        Args:
            features: (name, values) pairs in the order of the model's row, or a frame.
            inference: the model's output for the same rows.
            path: path of the file. The default is `/artefact/histogram.prom`.

        Raises:
            BaselineError: if a column cannot be counted. The message names the column.
            OSError: if the file cannot be written. An old file stays as it was.
        """
        metrics = list(FeatureHistogramCollector(features).collect())
        if inference is not None:
            metrics += InferenceHistogramCollector(inference).collect()
        text = render(baseline_of(metrics).families("classic"))
        replace_file(path or BaselineMetricCollector.DEFAULT_HISTOGRAM_PATH, text.encode())


def _load(collector: Collector) -> tuple[Baseline, list[Metric]]:
    """Return the collector's baseline, and its metrics that do not belong to a baseline."""
    # Metrics of 0.0.5 count missing values with +inf. The file may keep them apart, so read it.
    if isinstance(collector, BaselineMetricCollector) and _reads_file(collector):
        return collector.read() or EMPTY, []
    metrics = list(collector.collect())
    known = [each for each in metrics if is_baseline(each)]
    others = [each for each in metrics if not is_baseline(each)]
    return (baseline_of(known) if known else EMPTY), others


def _reads_file(collector: BaselineMetricCollector) -> bool:
    """Return whether a collector provides exactly the metrics of its file."""
    return type(collector).collect is BaselineMetricCollector.collect


def _registry(metrics: list[Metric]) -> CollectorRegistry:
    """Return a registry of the given metrics, and of all processes' metrics if configured."""
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    if metrics:
        registry.register(ComputedMetricCollector(metrics))
    return registry


def _row(features: Any) -> Any:
    """Return a copy of a row, as a list if it is a row of a frame; any other object unchanged."""
    try:
        # A row of a pandas frame has names, but 0.0.5 takes features by position.
        if getattr(features, "ndim", None) == 1 and hasattr(features, "tolist"):
            return features.tolist()
        return plain_row(features)
    except Exception:  # noqa: BLE001 - any object may come here; the monitor reports the problem
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
