"""Every code block of the three start pages, and of the guides that go on from them, runs."""

import asyncio
import importlib
import json
import logging
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import httpx
import pytest

from boxkite import Settings

TRIP = {"distance": 3.5, "items": 2, "vehicle": "bike"}
COUNTED = {
    "predictions delivery": 1,
    "sum delivery distance": 3.5,
    "sum delivery items": 2,
    "rows delivery vehicle bike": 1,
}
GUIDES = {"flask": "Flask", "starlette": "Starlette", "fastapi": "FastAPI"}
IN_TABS = ("guides/batches.md", "guides/several-models.md", "guides/testing.md")

TROUBLESHOOTING = Path(__file__).parents[2] / "docs" / "production" / "troubleshooting.md"

Counted = Callable[[str], dict[str, float]]


@pytest.fixture(params=GUIDES)
def guide(request: pytest.FixtureRequest, open_page: Callable[..., Any]) -> Any:
    return open_page(f"start/{request.param}.md", GUIDES[request.param], *IN_TABS)


def ask(app: Any, method: str, path: str, body: Any = None, client: str = "127.0.0.1") -> Any:
    """Send one request to an application, as a server would."""
    kind: Any = httpx.ASGITransport(app=app, client=(client, 1))
    if hasattr(app, "wsgi_app"):
        transport = httpx.WSGITransport(app=app, remote_addr=client)
        with httpx.Client(transport=transport, base_url="http://service") as caller:
            return caller.request(method, path, json=body)

    async def answer() -> httpx.Response:
        async with httpx.AsyncClient(transport=kind, base_url="http://service") as caller:
            return await caller.request(method, path, json=body)

    return asyncio.run(answer())


def monitor_of(app: Any) -> Any:
    return app.extensions["boxkite"] if hasattr(app, "extensions") else app.state.boxkite


def test_every_file_is_tested_here(guide: Any) -> None:
    service = {"start/flask.md": "factory"}.get(guide.name, "service")
    assert list(guide.files) == [
        "model.py", "train.py", "app.py", "prometheus.yml", "traffic.py", "drift.py", "sources.py",
        f"{service}.py", "internal.py", "batches.py", "two_models.py", f"test_{service}.py",
    ]  # fmt: skip


def test_the_service_counts_a_prediction(guide: Any, counted: Counted) -> None:
    app = guide.module("app.py").app
    answer = ask(app, "POST", "/predict", TRIP)
    assert answer.json() == {"minutes": 21.0}
    assert "X-Prediction-Id" in answer.headers
    expected = COUNTED | {"sum delivery minutes": 21}
    assert counted(ask(app, "GET", "/metrics").text) == expected


def test_the_service_compares_for_itself(guide: Any, capsys: pytest.CaptureFixture[str]) -> None:
    app = guide.module("app.py").app
    for _ in range(100):
        ask(app, "POST", "/predict", TRIP)
    guide.module("drift.py")
    assert capsys.readouterr().out.split() == [
        *("distance", "drift", "items", "drift", "vehicle", "drift", "minutes", "drift")
    ]


def test_the_drift_page_is_where_the_guide_puts_it(
    guide: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ((name, path),) = re.findall(r"`(\w+_DRIFT_PATH)=(/\w+)`", guide.text)
    monkeypatch.setenv(name, path)
    page = ask(guide.module("app.py").app, "GET", path)
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "distance" in page.text


QUERY = ("GET", "/query?km=2&by=car", None)
BY_QUERY = {
    "predictions delivery": 1,
    "sum delivery distance": 2,
    "missing delivery items": 1,
    "rows delivery vehicle car": 1,
    "sum delivery minutes": 13,
}
QUOTE = ("POST", "/quote", {"trip": TRIP})
BY_QUOTE = COUNTED | {"sum delivery minutes": 19}
ORDER = ("POST", "/order", {"metres": 3500, "basket": ["a", "b"]})
BY_ORDER = COUNTED | {"sum delivery minutes": 21}


@pytest.mark.parametrize(
    ("name", "request_", "text", "expected"),
    [
        ("flask", QUERY, "13.0", BY_QUERY),
        ("flask", QUOTE, '{"quote":{"minutes":19.0}}\n', BY_QUOTE),
        ("flask", ORDER, "21 minutes", BY_ORDER),
        ("starlette", QUERY, "13.0", BY_QUERY),
        ("starlette", QUOTE, '{"quote":{"minutes":19.0}}', BY_QUOTE),
        ("starlette", ORDER, "21 minutes", BY_ORDER),
        ("fastapi", QUERY, '"13.0"', BY_QUERY),
        ("fastapi", ("POST", "/order", TRIP), '{"quote":{"minutes":21.0}}', BY_ORDER),
        ("fastapi", ("POST", "/stream", TRIP), "19 minutes", BY_QUOTE),
    ],
)
def test_every_kind_of_request_can_be_read(
    open_page: Callable[[str], Any],
    counted: Counted,
    name: str,
    request_: tuple[str, str, Any],
    text: str,
    expected: dict[str, float],
) -> None:
    app = open_page(f"start/{name}.md").module("sources.py").app
    assert ask(app, *request_).text == text
    assert counted(ask(app, "GET", "/metrics").text) == expected


def test_a_field_that_the_client_left_out_is_missing_even_if_it_has_a_default(
    open_page: Callable[[str], Any], counted: Counted
) -> None:
    app = open_page("start/fastapi.md").module("app.py").app
    answer = ask(app, "POST", "/predict", {"distance": 3.5, "vehicle": "bike"})
    assert answer.json() == {"minutes": 20}
    found = counted(ask(app, "GET", "/metrics").text)
    assert found == {
        "predictions delivery": 1,
        "sum delivery distance": 3.5,
        "missing delivery items": 1,
        "rows delivery vehicle bike": 1,
        "sum delivery minutes": 20,
    }


@pytest.mark.parametrize("path", ["/batch", "/batch/ids"])
def test_each_row_of_a_batch_is_a_prediction(guide: Any, counted: Counted, path: str) -> None:
    app = guide.module("batches.py").app
    answer = ask(app, "POST", path, {"trips": [TRIP, TRIP | {"distance": 7, "vehicle": "car"}]})
    assert answer.headers["X-Prediction-Count"] == "2"
    if path == "/batch":
        assert answer.json() == {"estimates": [{"minutes": 21}, {"minutes": 23.8}]}
    else:
        assert answer.json()["minutes"] == [21, 23.8]
        first, second = answer.json()["ids"]
        assert first == answer.headers["X-Prediction-Id"]
        assert second != first
    assert counted(ask(app, "GET", "/metrics").text) == {
        "predictions delivery": 2,
        "sum delivery distance": 10.5,
        "sum delivery items": 4,
        "rows delivery vehicle bike": 1,
        "rows delivery vehicle car": 1,
        "sum delivery minutes": 44.8,
    }


def test_two_models_are_counted_apart_on_one_page(guide: Any, counted: Counted) -> None:
    app = guide.module("two_models.py").app
    assert ask(app, "POST", "/delivery", {"distance": 3.5}).json() == {"minutes": 19}
    assert ask(app, "POST", "/express", {"distance": 2}).json() == {"minutes": 8}
    assert counted(ask(app, "GET", "/metrics").text) == {
        f"{what} {model}{of}": value
        for model, distance, minutes in (("delivery", 3.5, 19), ("express", 2, 8))
        for what, of, value in (
            ("predictions", "", 1),
            ("sum", " distance", distance),
            ("missing", " items", 1),
            ("missing", " vehicle", 1),
            ("sum", " minutes", minutes),
        )
    }


@pytest.mark.slow
def test_the_test_of_the_service_passes_until_the_source_finds_nothing(guide: Any) -> None:
    (test,) = [file for file in guide.files if file.startswith("test_")]
    service = guide.folder / test.removeprefix("test_")
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test]
    passing = subprocess.run(run, cwd=guide.folder, capture_output=True, text=True, check=False)
    assert passing.returncode == 0, passing.stdout
    service.write_text(service.read_text().replace('output="minutes"', 'output="hours"'))
    failing = subprocess.run(run, cwd=guide.folder, capture_output=True, text=True, check=False)
    assert failing.returncode == 1
    assert "no key 'hours' in the returned object; it has 'minutes'" in failing.stdout


def test_metrics_are_shown_to_private_addresses_only(guide: Any) -> None:
    app = guide.module("internal.py").app
    asked = {
        address: ask(app, "GET", "/internal/metrics", client=address).status_code
        for address in ("10.1.2.3", "8.8.8.8")
    }
    assert asked == {"10.1.2.3": 200, "8.8.8.8": 403}


def test_the_message_in_the_guide_is_the_message_that_is_logged(
    guide: Any, caplog: pytest.LogCaptureFixture
) -> None:
    file = guide.folder / "app.py"
    code = file.read_text()
    code = re.sub(
        r'predict\((features=\[.*?\], )?output="minutes"\)', 'predict(features="trip")', code
    )
    file.write_text(code)
    importlib.invalidate_caches()
    app = guide.module("app.py").app
    with caplog.at_level(logging.WARNING, "boxkite"):
        ask(app, "POST", "/predict", TRIP)
    (told,) = [each.getMessage() for each in caplog.records if each.name == "boxkite"]
    assert f"`{told}`" in TROUBLESHOOTING.read_text()


def test_the_settings_that_the_guide_sets_exist(guide: Any) -> None:
    named = set(re.findall(r"BOXKITE_([A-Z_]+[A-Z])\b", guide.text))
    assert named <= {each.name.upper() for each in fields(Settings)}
    assert len(named) >= 5


def test_prometheus_accepts_the_configuration_and_the_rules(guide: Any, promtool: str) -> None:
    (line,) = [line for line in guide.shell() if line.startswith("boxkite rules")]
    command = [sys.executable, "-m", *shlex.split(line.partition(" > ")[0])]
    rules = subprocess.run(command, capture_output=True, check=True).stdout
    (guide.folder / "boxkite.rules.yml").write_bytes(rules)
    config = guide.folder / "prometheus.yml"
    done = subprocess.run([promtool, "check", "config", config], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_service_runs_as_the_guide_says(
    guide: Any, serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = guide.shell()
    server = next(index for index, line in enumerate(lines) if "--workers 2" in line)
    set_drift_settings(lines[server - 1], monkeypatch)
    curl = shlex.split(next(line for line in lines if line.startswith("curl -i")))
    body = json.loads(curl[curl.index("-d") + 1])
    with serve(lines[server], guide.folder) as client:
        assert client.post("/predict", json=body).json() == {"minutes": 21.0}
        metrics = client.get("/metrics").text
        traffic = (guide.folder / "traffic.py").read_text()
        exec(traffic.replace("http://127.0.0.1:8000", str(client.base_url)), {})
        after = client.get("/metrics").text
        assert "Drift in 4 of 4 variables" in client.get("/drift").text
        (compare,) = [line for line in lines if line.endswith("python drift.py")]
        assert printed(compare, guide.folder).split()[1::2] == ["drift"] * 4
    outside = re.findall(
        r'^boxkite_outside_total\{.*variable="distance".*\} (\d+)', after, re.MULTILINE
    )
    assert [int(each) > 590 for each in outside] == [True]
    shown = r'^boxkite_predictions_total\{model_name="delivery",model_version="\w+"\} 1$'
    assert re.search(shown, metrics, re.MULTILINE)


def set_drift_settings(export: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set what a line such as `export BOXKITE_STATE_DIR=state` sets, and no other state folder."""
    for prefix in ("", "FLASK_"):
        monkeypatch.delenv(f"{prefix}BOXKITE_STATE_DIR")
    command, *assignments = shlex.split(export)
    assert command == "export"
    for assignment in assignments:
        monkeypatch.setenv(*assignment.split("=", 1))


def printed(line: str, folder: Path) -> str:
    """Return what a line such as `NAME=value python drift.py` prints in a terminal of its own."""
    *assignments, _, file = shlex.split(line)
    own = {name: value for name, value in os.environ.items() if "BOXKITE" not in name}
    environment = own | dict(each.split("=", 1) for each in assignments)
    command = [sys.executable, file]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=True
    ).stdout
