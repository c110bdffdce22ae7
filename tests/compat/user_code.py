"""Runs users' code on whichever boxkite its interpreter has.

Each line of the input is one piece of code, as JSON; each line of the output its `result`.
"""

import json
import os
import sys
import tempfile

import numpy as np

from boxkite.monitoring.collector import BaselineMetricCollector, ComputedMetricCollector
from boxkite.monitoring.collector.feature import FeatureDistribution
from boxkite.monitoring.exporter.type import LogExporter
from boxkite.monitoring.service import ModelMonitoringService
from boxkite.utils.histogram import fast_histogram, get_bins, is_discrete

__all__ = [
    "ComputedMetricCollector",
    "FeatureDistribution",
    "exported",
    "fast_histogram",
    "get_bins",
    "is_discrete",
    "np",
    "served",
]


class Nowhere(LogExporter):
    """Keeps nothing."""

    def emit(self, prediction):
        """Take a prediction."""


def exported(features, inference=None):
    """Return the text of the file that `export_text` writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "histogram.prom")
        ModelMonitoringService.export_text(features, inference, path)
        with open(path, encoding="utf-8") as file:
            return file.read()


def served(baseline, predictions):
    """Return the text of `/metrics` after predictions, each a pair of features and output."""
    if isinstance(baseline, str):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "histogram.prom")
            with open(path, "w", encoding="utf-8") as file:
                file.write(baseline)
            return served(BaselineMetricCollector(path), predictions)
    service = ModelMonitoringService(Nowhere(), baseline)
    for features, output in predictions:
        service.log_prediction("{}", features, output)
    body, _ = service.export_http()
    return body.decode()


def main():
    for line in sys.stdin:
        given = json.loads(line)
        names = globals() | given["names"]
        try:
            exec(given["code"], names)
        except Exception as error:  # noqa: BLE001 - what is raised is the answer
            names["result"] = {"error": type(error).__name__}
        print(json.dumps(names["result"]), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
