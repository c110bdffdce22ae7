"""`flask run --debug`: a service that is loaded anew counts on, once."""

import contextlib
import http.client
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.programs import free_port, running

SERVICE = """
from flask import Flask
import boxkite
from boxkite_flask import Boxkite

app = Flask("service")
baseline = boxkite.Baseline.fit({"age": range(100)}, version="1")
monitor = Boxkite(app, baseline=baseline, registry=None, log="none:", state_dir="state")

@app.get("/generation")
def generation():
    return "first"

@app.get("/predict")
@monitor.predict(features=lambda _: [3], output=lambda _: None)
def predict():
    return "predicted"
"""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Where the service answers that stands in `service.py`."""
    (tmp_path / "service.py").write_text(SERVICE)
    number = free_port()
    command = [sys.executable, "-m", "flask", "--app", "service", "run", "--debug"]
    with running([*command, "--port", str(number)], tmp_path / "output", folder=tmp_path):
        yield number


def get(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=300) as answer:
        return str(answer.read().decode())


def wait_for(port: int, generation: str) -> None:
    """Wait until the service runs this code. While it starts anew, it refuses or cuts answers."""
    for _ in range(3000):
        with contextlib.suppress(OSError, http.client.HTTPException):
            if get(port, "/generation") == generation:
                return
        time.sleep(0.1)
    raise AssertionError(f"the service does not answer {generation!r}")


@pytest.mark.slow
def test_counts_go_on_where_the_code_was_changed(port: int, tmp_path: Path) -> None:
    # A prediction that a reload cuts short may or may not be counted, so wait without predicting.
    wait_for(port, "first")
    assert get(port, "/predict") == "predicted"
    (tmp_path / "service.py").write_text(SERVICE.replace('"first"', '"second"'))
    wait_for(port, "second")
    assert get(port, "/predict") == "predicted"
    metrics = get(port, "/metrics?name[]=boxkite_predictions_total").splitlines()[2:]
    assert metrics == ['boxkite_predictions_total{model_name="default",model_version="1"} 2']
