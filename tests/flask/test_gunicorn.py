"""A service under gunicorn, asked over HTTP and scraped by a real Prometheus."""

import http.client
import json
import os
import socket
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import boxkite
from tests.programs import free_port, running, until_answered

pytestmark = pytest.mark.slow

AGE = 'model_name="score",model_version="1",variable_role="feature",variable="age"'

SERVICE = """
from flask import Flask, request
from boxkite_flask import Boxkite

app = Flask(__name__)
monitor = Boxkite(app)

@app.post("/predict")
@monitor.predict(features=["age", "colour"], output="score")
def predict():
    return {"score": request.get_json()["age"] / 100}
"""

PROMETHEUS = """
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: service
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


@pytest.fixture
def service(tmp_path: Path, score_baseline: boxkite.Baseline) -> Iterator[int]:
    """The port of the service under gunicorn: one worker, four threads."""
    folder = tmp_path / "service"
    folder.mkdir()
    folder.joinpath("scores.py").write_text(SERVICE)
    score_baseline.write(folder / "histogram.prom")
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--workers", "1", "--threads", "4",
               "--bind", f"127.0.0.1:{port}", "scores:app"]  # fmt: skip
    environment = {**os.environ, "FLASK_BOXKITE_BASELINE": str(folder / "histogram.prom")}
    log = folder / "output.log"
    with running(command, log, folder=folder, environment=environment) as process:
        until_answered(f"http://127.0.0.1:{port}/metrics", process)
        yield port


def ask(port: int, age: int) -> tuple[dict[str, float], str]:
    """Ask for one score; returns the answer and the prediction id."""
    content = json.dumps({"age": age, "colour": "red"}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/predict", content, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response), response.headers["X-Prediction-Id"]


def counted(port: int) -> list[str]:
    """The series of the predictions and of the ages' sum."""
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
    names = (
        "boxkite_predictions_total{",
        'boxkite_value_sum{model_name="score",model_version="1",variable_role="fea',
    )
    return [line for line in text.splitlines() if line.startswith(names)]


def test_every_answer_is_counted_and_prometheus_sees_the_same(
    service: int, prometheus: str, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda age: ask(service, age), range(100)))
    assert [answer["score"] for answer, _ in answers] == [age / 100 for age in range(100)]
    assert len({prediction_id for _, prediction_id in answers}) == 100
    assert counted(service) == [
        'boxkite_predictions_total{model_name="score",model_version="1"} 100',
        f"boxkite_value_sum{{{AGE}}} 4950.0",
    ]

    folder = tmp_path / "prometheus"
    folder.mkdir()
    folder.joinpath("prometheus.yml").write_text(PROMETHEUS.format(port=service))
    port = free_port()
    command = [prometheus, "--config.file=prometheus.yml", "--storage.tsdb.path=data",
               f"--web.listen-address=127.0.0.1:{port}"]  # fmt: skip
    expression = urllib.parse.quote("boxkite_value_count{variable='age'} and on() up == 1")
    with running(command, folder / "output.log", folder=folder) as process:
        result: list[Any] = []
        for _ in range(300):
            url = f"http://127.0.0.1:{port}/api/v1/query?query={expression}"
            query = until_answered(url, process)
            result = json.loads(query)["data"]["result"]
            if result:
                break
            time.sleep(0.2)
    assert [(each["metric"]["model_name"], each["value"][1]) for each in result] == [
        ("score", "100")
    ]


def test_clients_that_go_away_disturb_neither_counts_nor_others(service: int) -> None:
    for cut in (20, 60, 110):
        with socket.create_connection(("127.0.0.1", service)) as client:
            client.sendall(
                b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                b'Content-Length: 28\r\n\r\n{"age": 1, "colour": "blue"}'[:cut]
            )
    connection = http.client.HTTPConnection("127.0.0.1", service, timeout=30)
    connection.request("POST", "/predict", b"{", {"Content-Type": "application/json"})
    assert connection.getresponse().status == 400
    connection.close()
    assert ask(service, 30)[0] == {"score": 0.3}
    assert counted(service) == [
        'boxkite_predictions_total{model_name="score",model_version="1"} 1',
        f"boxkite_value_sum{{{AGE}}} 30.0",
    ]
