"""`flask run --debug`: a service that is loaded anew counts on, once."""

import http.client
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

SERVICE = """
from flask import Flask
import boxkite
from boxkite_flask import Boxkite

app = Flask("service")
baseline = boxkite.Baseline.fit({"age": range(100)}, version="1")
monitor = Boxkite(app, baseline=baseline, registry=None, log="none:", state_dir="state")

@app.get("/generation")
@monitor.predict(features=lambda _: [3], output=lambda _: None)
def generation():
    return "first"
"""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Where the service answers that stands in `service.py`."""
    (tmp_path / "service.py").write_text(SERVICE)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    command = [sys.executable, "-m", "flask", "--app", "service", "run", "--debug"]
    with (tmp_path / "output").open("w") as output:
        server = subprocess.Popen(
            [*command, "--port", str(number)], cwd=tmp_path, stdout=output, stderr=output
        )
    yield number
    server.terminate()
    server.wait(30)


def get(port: int, path: str) -> str:
    """What the service answers, once it does; nothing of an answer that a reload cut short."""
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                return str(answer.read().decode())
        except http.client.IncompleteRead:
            return ""
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the service does not answer")


@pytest.mark.slow
def test_counts_go_on_where_the_code_was_changed(port: int, tmp_path: Path) -> None:
    assert get(port, "/generation") == "first"
    (tmp_path / "service.py").write_text(SERVICE.replace('"first"', '"second"'))
    asked = 1
    while get(port, "/generation") != "second":
        asked += 1
        time.sleep(0.5)
    metrics = get(port, "/metrics?name[]=boxkite_predictions_total").splitlines()[2:]
    assert metrics == [
        f'boxkite_predictions_total{{model_name="default",model_version="1"}} {asked + 1}'
    ]
