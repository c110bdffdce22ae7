"""The application's own metrics in the answer, of one process or of all."""

import os
import subprocess
import sys
from pathlib import Path

SERVICE = """
from prometheus_client import Counter
import boxkite

Counter("sales", "Sales.").inc(3)
baseline = boxkite.Baseline.fit({"a": range(50)}, model="m", version="1")
monitor = boxkite.Monitor(baseline)
monitor.log_prediction([1])
print(monitor.export(names=["sales_total", "boxkite_predictions_total"]).body.decode())
"""


def _samples(**environment: str) -> list[str]:
    run = subprocess.run(
        [sys.executable, "-c", SERVICE],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return [line for line in run.stdout.splitlines() if line and not line.startswith("#")]


def test_the_metrics_of_the_default_registry_are_shown() -> None:
    assert _samples() == [
        'boxkite_predictions_total{model_name="m",model_version="1"} 1',
        "sales_total 3.0",
    ]


def test_with_a_multiprocess_folder_those_of_all_processes_are_shown(tmp_path: Path) -> None:
    _samples(PROMETHEUS_MULTIPROC_DIR=str(tmp_path))
    assert _samples(PROMETHEUS_MULTIPROC_DIR=str(tmp_path)) == [
        'boxkite_predictions_total{model_name="m",model_version="1"} 1',
        "sales_total 6.0",
    ]
