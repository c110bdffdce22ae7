"""A service with a baseline, and an exporter that keeps its predictions."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from boxkite.monitoring.collector import BaselineMetricCollector
from boxkite.monitoring.context import PredictionContext
from boxkite.monitoring.exporter.type import LogExporter
from boxkite.monitoring.service import ModelMonitoringService


class Kept(LogExporter):
    """Keeps the predictions."""

    def __init__(self) -> None:
        self.predictions: list[PredictionContext] = []

    def emit(self, prediction: PredictionContext) -> None:
        """Keep one prediction."""
        self.predictions.append(prediction)


@pytest.fixture
def kept() -> Kept:
    """An exporter that keeps the predictions."""
    return Kept()


@pytest.fixture
def histogram(tmp_path: Path) -> Path:
    """A file of two features, one in bins and one of labels, and of an output."""
    path = tmp_path / "histogram.prom"
    features = [("delay", np.linspace(0, 60, 300)), ("carrier", ["AA", "UA", "B6"] * 100)]
    ModelMonitoringService.export_text(features, np.linspace(0, 1, 300), path)
    return path


@pytest.fixture
def service(kept: Kept, histogram: Path) -> Iterator[ModelMonitoringService]:
    """A service over that file."""
    service = ModelMonitoringService(kept, BaselineMetricCollector(histogram))
    yield service
    service.close()
