"""Every block of the page on Flask does what the page says."""

import json
import logging
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from boxkite import Settings

TRIP = {"distance": 3.5, "items": 2, "vehicle": "bike"}

Counted = Callable[[str], dict[str, float]]


@pytest.fixture
def page(open_page: Callable[[str], Any]) -> Any:
    return open_page("flask.md")


def test_every_file_of_the_page_is_tested_here(page: Any) -> None:
    assert list(page.files) == [
        "model.py", "train.py", "app.py", "prometheus.yml", "drift.py", "sources.py", "factory.py",
        "two_models.py", "test_factory.py", "internal.py",
    ]  # fmt: skip


def test_the_service_counts_a_prediction(page: Any, counted: Counted) -> None:
    client = page.module("app.py").app.test_client()
    answer = client.post("/predict", json=TRIP)
    assert answer.json == {"minutes": 21.0}
    assert "X-Prediction-Id" in answer.headers
    assert counted(client.get("/metrics").text) == {
        "predictions delivery": 1,
        "sum delivery distance": 3.5,
        "sum delivery items": 2,
        "rows delivery vehicle bike": 1,
        "sum delivery minutes": 21,
    }


def test_the_service_compares_for_itself(page: Any, capsys: pytest.CaptureFixture[str]) -> None:
    client = page.module("app.py").app.test_client()
    for _ in range(100):
        client.post("/predict", json=TRIP)
    page.module("drift.py")
    assert capsys.readouterr().out.split() == [
        *("distance", "drift", "items", "drift", "vehicle", "drift", "minutes", "drift")
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "text", "expected"),
    [
        ("GET", "/query?km=2&by=car", None, "13.0",
         {"sum delivery distance": 2, "missing delivery items": 1, "rows delivery vehicle car": 1}),
        ("POST", "/quote", {"trip": TRIP}, '{"quote":{"minutes":19.0}}\n',
         {"sum delivery distance": 3.5, "sum delivery items": 2, "rows delivery vehicle bike": 1}),
        ("POST", "/order", {"metres": 2000, "basket": ["a", "b"]}, "15 minutes",
         {"sum delivery distance": 2, "sum delivery items": 2, "rows delivery vehicle bike": 1}),
    ],
)  # fmt: skip
def test_every_kind_of_request_can_be_read(
    page: Any, counted: Counted, method: str, path: str, body: Any, text: str, expected: Any
) -> None:
    client = page.module("sources.py").app.test_client()
    answer = client.open(path, method=method, json=body)
    assert answer.text == text
    minutes = float(re.findall(r"[\d.]+", text)[0])
    assert counted(client.get("/metrics").text) == {
        "predictions delivery": 1, "sum delivery minutes": minutes, **expected
    }  # fmt: skip


def test_two_models_are_counted_apart_on_one_page(page: Any, counted: Counted) -> None:
    client = page.module("two_models.py").app.test_client()
    assert client.post("/delivery", json=TRIP).json == {"minutes": 19}
    assert client.post("/express", json=TRIP | {"vehicle": "car"}).json == {"minutes": 12.5}
    assert counted(client.get("/metrics").text) == {
        **{f"{what} {model} {of}".strip(): value
           for model, minutes, vehicle in (("delivery", 19, "bike"), ("express", 12.5, "car"))
           for what, of, value in (("predictions", "", 1), ("sum", "distance", 3.5),
                                   ("sum", "items", 2), ("rows", f"vehicle {vehicle}", 1),
                                   ("sum", "minutes", minutes))},
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("file", ["factory.py", "test_factory.py"])
def test_the_test_of_the_service_passes_and_sees_a_source_that_finds_nothing(
    page: Any, file: str
) -> None:
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_factory.py"]
    if file == "factory.py":
        factory = page.folder / file
        factory.write_text(factory.read_text().replace('output="minutes"', 'output="hours"'))
    done = subprocess.run(run, cwd=page.folder, capture_output=True, text=True, check=False)
    told = "no key 'hours' in the returned object; it has 'minutes'" in done.stdout
    assert (done.returncode, told) == ((1, True) if file == "factory.py" else (0, False))


def test_metrics_are_shown_to_private_addresses_alone(page: Any) -> None:
    client = page.module("internal.py").app.test_client()
    asked = {
        address: client.get("/internal/metrics", environ_base={"REMOTE_ADDR": address}).status_code
        for address in ("10.1.2.3", "8.8.8.8")
    }
    assert asked == {"10.1.2.3": 200, "8.8.8.8": 403}


def test_the_message_that_the_page_shows_is_what_is_told(
    page: Any, caplog: pytest.LogCaptureFixture
) -> None:
    from flask import Flask, request

    from boxkite_flask import Boxkite

    app = Flask(__name__)
    monitor = Boxkite(app, baseline="histogram.prom", registry=None)

    @app.post("/predict")
    @monitor.predict(features="trip", output="minutes")
    def predict() -> Any:
        return {"minutes": request.get_json()["items"]}

    with caplog.at_level(logging.WARNING, "boxkite"):
        app.test_client().post("/predict", json={"distance": 1, "items": 2})
    (told,) = [each.getMessage() for each in caplog.records if each.name == "boxkite"]
    assert f"`{told}`" in page.text


def test_the_settings_that_the_page_sets_exist(page: Any) -> None:
    named = set(re.findall(r"FLASK_BOXKITE_([A-Z_]+[A-Z])", page.text)) - {"X"}
    assert named <= {each.name.upper() for each in fields(Settings)}
    assert len(named) >= 5


def test_prometheus_takes_the_configuration_with_the_rules(page: Any, promtool: str) -> None:
    (line,) = [line for line in page.shell() if line.startswith("boxkite rules")]
    command = [sys.executable, "-m", *shlex.split(line.partition(" > ")[0])]
    rules = subprocess.run(command, capture_output=True, check=True).stdout
    (page.folder / "boxkite.rules.yml").write_bytes(rules)
    config = page.folder / "prometheus.yml"
    done = subprocess.run([promtool, "check", "config", config], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_service_runs_as_the_page_says(page: Any, serve: Callable[..., Any]) -> None:
    line = next(line for line in page.shell() if line.startswith("gunicorn"))
    curl = next(line for line in page.shell() if line.startswith("curl -i"))
    body = json.loads(shlex.split(curl)[shlex.split(curl).index("-d") + 1])
    with serve(line, page.folder) as client:
        assert client.post("/predict", json=body).json() == {"minutes": 21.0}
        metrics = client.get("/metrics").text
    shown = r'^boxkite_predictions_total\{model="delivery",version="\w+"\} 1$'
    assert re.search(shown, metrics, re.MULTILINE)
