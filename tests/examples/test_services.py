"""The example services: monitored by a few lines around their views, and none within."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.programs import free_port, running, until_answered

FLIGHT = {"dep_delay": 2.0, "distance": 1400, "hour": 5, "minute": 15, "weekday": 1,
          "carrier": "UA", "origin": "EWR", "dest": "IAH"}  # fmt: skip
FLIGHTS = [FLIGHT, FLIGHT | {"dep_delay": 120.0}, FLIGHT | {"dep_delay": None, "dest": "new"}]

GUNICORN = ["gunicorn", "--workers", "2", "--bind", "127.0.0.1:{port}"]
UVICORN = ["uvicorn", "--port", "{port}"]

SERVED = {
    "flask_app": ([*GUNICORN, "flask_app:app"], "/predict"),
    "flask_factory": ([*GUNICORN, "flask_factory:create_app()"], "/flights/predict"),
    "starlette_app": ([*UVICORN, "starlette_app:app"], "/predict"),
    "fastapi_app": ([*UVICORN, "fastapi_app:app"], "/predict"),
}

MONITORING = {
    "flask_app": [
        "from boxkite_flask import Boxkite",
        "monitor = Boxkite(app)",
        "@monitor.predict(features=FEATURES, output='arrival_delay')",
    ],
    "flask_factory": [
        "from boxkite_flask import Boxkite",
        "monitor = Boxkite()",
        "monitor.init_app(app)",
        "@monitor.features",
        "@monitor.predict(output='arrival_delay')",
    ],
    "starlette_app": [
        "from boxkite_starlette import Boxkite",
        "monitor = Boxkite()",
        "@monitor.predict(features=FEATURES, output='arrival_delay')",
        "monitor.init_app(app)",
    ],
    "fastapi_app": [
        "from boxkite_starlette import Boxkite",
        "monitor = Boxkite(app)",
        "@monitor.predict(features=list(Flight.model_fields), output='arrival_delay')",
    ],
}


def parsed(examples: Path, name: str) -> ast.Module:
    return ast.parse(examples.joinpath(f"{name}.py").read_text())


@pytest.mark.parametrize("name", SERVED)
def test_all_lines_of_monitoring_stand_around_the_views(examples: Path, name: str) -> None:
    lines = ast.unparse(parsed(examples, name)).splitlines()
    words = ("boxkite", "monitor", "prometheus", "log_prediction", "current_prediction")
    code = [line.strip() for line in lines if "histogram.prom" not in line]
    found = [line for line in code if any(word in line.lower() for word in words)]
    assert found == MONITORING[name]


@pytest.mark.parametrize("name", SERVED)
def test_models_are_loaded_with_a_list_of_trusted_types(examples: Path, name: str) -> None:
    loads = [
        [keyword.arg, ast.literal_eval(keyword.value)]
        for call in ast.walk(parsed(examples, name))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "skops.io.load"
        for keyword in call.keywords
    ]
    assert loads == [["trusted", ["numpy.dtype"]]]


@pytest.mark.slow
def test_the_model_holds_no_pickle_and_needs_no_more_trust_than_the_services_give(
    trained: Path,
) -> None:
    script = (
        "import json, sys, zipfile, skops.io; "
        "print(json.dumps([skops.io.get_untrusted_types(file=sys.argv[1]), "
        "sorted({name.rpartition('.')[2] for name in zipfile.ZipFile(sys.argv[1]).namelist()})]))"
    )
    output = subprocess.check_output([sys.executable, "-c", script, str(trained / "model.skops")])
    untrusted, kinds = json.loads(output)
    assert set(untrusted) <= {"numpy.dtype"}
    assert set(kinds) <= {"json", "npy", "npz"}


@contextlib.contextmanager
def served(
    examples: Path, name: str, settings: dict[str, str], log: Path
) -> Iterator[httpx.Client]:
    """Serve an example as its first lines say, until the context ends; yields a client of it."""
    port = free_port()
    command = [part.format(port=port) for part in SERVED[name][0]]
    environment = dict(os.environ)
    for key, value in settings.items():
        environment |= {key: value, f"FLASK_{key}": value}
    address = f"http://127.0.0.1:{port}"
    program = [sys.executable, "-m", *command]
    with (
        running(program, log, folder=examples, environment=environment) as process,
        httpx.Client(base_url=address, timeout=30) as client,
    ):
        until_answered(f"{address}/metrics", process)
        yield client


@pytest.mark.slow
@pytest.mark.parametrize("name", SERVED)
def test_the_service_answers_flights_counts_them_and_logs_them(
    examples: Path, name: str, trained: Path, tmp_path: Path
) -> None:
    settings = {
        "MODEL": str(trained / "model.skops"),
        "BOXKITE_BASELINE": str(trained / "histogram.prom"),
        "BOXKITE_LOG": str(tmp_path / "log"),
        "BOXKITE_STATE_DIR": str(tmp_path / "state"),
    }
    with served(examples, name, settings, tmp_path / "output") as client:
        answers = [client.post(SERVED[name][1], json=flight) for flight in FLIGHTS]
        metrics = client.get("/metrics").text.splitlines()
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    delays = [answer.json()["arrival_delay"] for answer in answers]
    assert delays[0] < delays[1]
    assert counted(metrics, "boxkite_predictions_total") == {"": 3.0}
    assert counted(metrics, "boxkite_missing_total") == {"dep_delay": 1.0}
    assert counted(metrics, "boxkite_errors_total") == {}
    assert logged(tmp_path / "log") == {
        answer.headers["X-Prediction-Id"]: (flight, delay)
        for answer, flight, delay in zip(answers, FLIGHTS, delays, strict=True)
    }


def counted(metrics: list[str], name: str) -> dict[str, float]:
    """The samples of a counter that are not 0, by variable."""
    samples = [line.rpartition(" ") for line in metrics if line.startswith(f"{name}{{")]
    return {
        series.partition('variable="')[2].partition('"')[0]: float(value)
        for series, _, value in samples
        if float(value)
    }


def logged(folder: Path) -> dict[str, tuple[Any, Any]]:
    """Features and output of what was logged, by the prediction's id."""
    lines = [line for file in folder.rglob("*.txt") for line in file.read_text().splitlines()]
    records = map(json.loads, lines)
    return {each["prediction_id"]: (each["features"], each["output"]) for each in records}
