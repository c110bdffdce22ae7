"""A job that shows its counters once is told what to do instead."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from boxkite import Baseline, Monitor

BASELINE = Baseline.fit({"x": [1.0, 2.0, 3.0]})
JOB = """
from boxkite import Baseline, Monitor
monitor = Monitor(Baseline.fit({"x": [1.0, 2.0, 3.0]}), log="none:", registry=None)
monitor.log_prediction([1.5])
monitor.log_prediction([2.5])
page = monitor.export_http()
"""


def test_a_process_that_ends_after_one_page_is_told(tmp_path: Path) -> None:
    run = subprocess.run([sys.executable, "-c", JOB], capture_output=True, text=True, cwd=tmp_path)
    assert run.returncode == 0
    assert run.stderr == (
        "boxkite export: this process showed its metrics once, with 2 predictions, and ends. "
        "Prometheus cannot judge counters of a finished process: pushed to a Pushgateway, they "
        "read as false drift. In a job, write the verdict instead: boxkite compare BASELINE ROWS "
        "--metrics FILE, or compare(baseline, rows).write_metrics(path)\n"
    )


@pytest.mark.parametrize(("predictions", "pages"), [(1, 0), (1, 2), (0, 1)])
def test_a_service_is_told_nothing(
    caplog: pytest.LogCaptureFixture, predictions: int, pages: int
) -> None:
    monitor = Monitor(BASELINE, log="none:", registry=None)
    for _ in range(predictions):
        monitor.log_prediction([1.5])
    for _ in range(pages):
        monitor.export()
    with caplog.at_level(logging.WARNING, "boxkite"):
        monitor.close()
    assert [each for each in caplog.messages if "showed its metrics once" in each] == []
