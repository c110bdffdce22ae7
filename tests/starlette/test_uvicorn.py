"""A service under uvicorn, asked over HTTP."""

import contextlib
import http.client
import json
import os
import socket
import sys
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
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from boxkite_starlette import Boxkite

app = FastAPI()
monitor = Boxkite(app)

@app.post("/async")
@monitor.predict(features=["age", "colour"], output="score")
async def in_loop(row: dict):
    return {"score": row["age"] / 100}

@app.post("/sync")
@monitor.predict(features=["age", "colour"], output="score")
def in_thread(row: dict):
    return {"score": row["age"] / 100}

@app.get("/stream")
@monitor.predict(features=lambda request: [30, "red"], output=lambda returned: 0.3)
async def stream():
    return StreamingResponse(iter([b"a" * 1000] * 1000))
"""


def ask(port: int, method: str, path: str, row: Any = None) -> tuple[bytes, str | None]:
    """Send one request; returns the body and the prediction id."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request(method, path, json.dumps(row), {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.read(), response.headers["X-Prediction-Id"]


@pytest.fixture
def service(tmp_path: Path, score_baseline: boxkite.Baseline) -> Iterator[int]:
    """The port of the service."""
    tmp_path.joinpath("scores.py").write_text(SERVICE)
    score_baseline.write(tmp_path / "histogram.prom")
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "--port", str(port), "scores:app"]
    environment = {**os.environ, "BOXKITE_BASELINE": str(tmp_path / "histogram.prom")}
    log = tmp_path / "output.log"
    with running(command, log, folder=tmp_path, environment=environment) as process:
        until_answered(f"http://127.0.0.1:{port}/metrics", process)
        yield port


def test_concurrent_sync_and_async_requests_are_counted_each_once(service: int) -> None:
    def score(age: int) -> tuple[float, str | None]:
        path = "/async" if age % 2 else "/sync"
        body, prediction_id = ask(service, "POST", path, {"age": age, "colour": "red"})
        return json.loads(body)["score"], prediction_id

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(score, range(100)))
    assert [answer for answer, _ in answers] == [age / 100 for age in range(100)]
    assert len({prediction_id for _, prediction_id in answers if prediction_id}) == 100
    for cut in (20, 60, 110):
        with socket.create_connection(("127.0.0.1", service)) as client:
            client.sendall(
                b"POST /async HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                b'Content-Length: 28\r\n\r\n{"age": 1, "colour": "blue"}'[:cut]
            )
    body, prediction_id = ask(service, "GET", "/stream")
    assert (body, bool(prediction_id)) == (b"a" * 1_000_000, True)
    lines = ask(service, "GET", "/metrics")[0].decode().splitlines()
    names = (
        "boxkite_predictions_total{",
        'boxkite_value_sum{model_name="score",model_version="1",variable_role="fea',
    )
    assert [line for line in lines if line.startswith(names)] == [
        'boxkite_predictions_total{model_name="score",model_version="1"} 101',
        f"boxkite_value_sum{{{AGE}}} 4980.0",
    ]
