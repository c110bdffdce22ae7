"""The scrape of the 0.0.5 service, as promtool and prometheus-client read it."""

import subprocess

import numpy as np
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from boxkite.monitoring.collector import BaselineMetricCollector
from boxkite.monitoring.exporter.type import LogExporter
from boxkite.monitoring.service import ModelMonitoringService

FEATURES = {
    "delay": np.append(np.linspace(-30, 3e6, 300), [np.nan, np.inf, -np.inf]),
    "distance": np.linspace(0, 5000, 303),
    'carrier "\\\n': ["AA", None, 'B"6\\\n'] * 101,
}


class Nowhere(LogExporter):
    """Keeps nothing."""

    def emit(self, prediction):
        """Take a prediction."""


@pytest.fixture
def service(tmp_path):
    """A service that has made some predictions."""
    path = tmp_path / "histogram.prom"
    ModelMonitoringService.export_text(FEATURES, np.linspace(0, 1, 303), path)
    service = ModelMonitoringService(Nowhere(), BaselineMetricCollector(path))
    for row in ([-3.0, 100, "AA"], [None, "text", "new"], [np.inf, -np.inf, None]):
        service.log_prediction("{}", row, 0.5)
    yield service
    service.close()


def test_promtool_accepts_it(service, promtool):
    body, _ = service.export_http()
    checked = subprocess.run([promtool, "check", "metrics"], input=body, capture_output=True)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_both_formats_say_the_same(service):
    def samples(families):
        return {
            (each.name, *each.labels.items()): each.value
            for family in families
            for each in family.samples
        }

    text, _ = service.export_http(headers={"Accept": "text/plain"})
    openmetrics, _ = service.export_http(headers={"Accept": "application/openmetrics-text"})
    found = samples(text_string_to_metric_families(text.decode()))
    assert samples(read_openmetrics(openmetrics.decode())) == found
    assert found["feature_1_value_sum",] == 100
