"""Each mistake of a new user prints the line that docs/production/troubleshooting.md shows."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, WebSocket
from flask import Blueprint, Flask, request

import boxkite
import boxkite_flask
import boxkite_starlette
from boxkite.system.background import Background

PAGE = Path(__file__).parents[2] / "docs" / "production" / "troubleshooting.md"
TRIP = {"distance": 3.5, "items": 2, "vehicle": "bike"}


@pytest.fixture(autouse=True)
def _no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `look` decide when the background looks at the values."""
    for name in ("ask", "hurry"):
        monkeypatch.setattr(Background, name, lambda _: None)


@pytest.fixture(scope="module")
def baseline() -> boxkite.Baseline:
    """Fit the baseline of the guides."""
    trips: dict[str, Any] = {
        "distance": [i / 10 for i in range(100)],
        "items": list(range(1, 11)) * 10,
        "vehicle": ["bike", "car"] * 50,
    }
    return boxkite.Baseline.fit(trips, {"minutes": list(range(100))}, model="delivery", version="1")


class Service:
    """A small service, made anew for each mistake.

    Args:
        baseline: Its baseline.
        folder: A folder for its files, which is the working directory.
        testing: Flask's `TESTING`.
    """

    def __init__(self, baseline: boxkite.Baseline, folder: Path, testing: bool) -> None:
        self.baseline = baseline
        self.testing = testing
        self.options: dict[str, Any] = {"registry": None, "log": "none:", "state_dir": str(folder)}

    def flask(self) -> Flask:
        app = Flask("service")
        app.testing = self.testing
        return app

    def boxkite(self, app: Any) -> Any:
        kind = boxkite_flask if isinstance(app, Flask) else boxkite_starlette
        return kind.Boxkite(app, baseline=self.baseline, **self.options)

    def ask(self, app: Flask, trip: Any = TRIP, path: str = "/predict") -> None:
        assert app.test_client().post(path, json=trip).status_code == 200

    def serve(self, sources: dict[str, Any], trip: Any = TRIP, answer: Any = None) -> Flask:
        """Serve a Flask view and ask it once."""
        app = self.flask()
        monitor = self.boxkite(app)

        @app.post("/predict")
        @monitor.predict(**sources)  # type: ignore[untyped-decorator]
        def predict() -> Any:
            request.get_json()
            return answer or {"minutes": 5.0}

        self.ask(app, trip)
        return app


def above_the_route(service: Service) -> None:
    app = service.flask()
    monitor = service.boxkite(app)

    @monitor.predict(output="minutes")  # type: ignore[untyped-decorator]
    @app.post("/predict")
    def predict() -> Any:
        return {"minutes": 5.0}

    service.ask(app)
    service.ask(app)


def in_a_websocket(service: Service) -> None:
    app = FastAPI()
    monitor = service.boxkite(app)

    @app.websocket("/ws")
    @monitor.predict  # type: ignore[untyped-decorator]
    async def predict(socket: WebSocket) -> None:
        await socket.accept()

    asyncio.run(_get(app, "/metrics"))


async def _get(app: FastAPI, path: str) -> int:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        return (await client.get(path)).status_code


def without_boxkite(service: Service) -> None:
    app, views = service.flask(), Blueprint("views", "service")
    monitor = boxkite_flask.Boxkite()

    @views.post("/predict")
    @monitor.predict(output="minutes")
    def predict() -> Any:
        return {"minutes": 5.0}

    app.register_blueprint(views)
    service.ask(app)
    service.ask(app)


def without_boxkite_in_fastapi(_: Service) -> None:
    app, monitor = FastAPI(), boxkite_starlette.Boxkite()

    @app.get("/predict")
    @monitor.predict(output="minutes")
    def predict() -> Any:
        return {"minutes": 5.0}

    assert asyncio.run(_get(app, "/predict")) == 200


def prefix_of_fastapi(service: Service) -> None:
    service.boxkite(service.flask())


def prefix_of_flask(service: Service) -> None:
    service.boxkite(FastAPI())


def path_instead_of_the_application(_: Service) -> None:
    boxkite_flask.Boxkite("histogram.prom")  # type: ignore[arg-type]


def misspelt_setting(service: Service) -> None:
    boxkite_flask.Boxkite(service.flask(), metric_path="/m")  # type: ignore[call-arg]


def misspelt_feature(service: Service) -> None:
    service.serve({"features": ["items", "distanse", "vehicle"], "output": "minutes"})


def misspelt_key_path(service: Service) -> None:
    service.serve({"features": "trip", "output": "minutes"})


def misspelt_output(service: Service) -> None:
    service.serve({"output": "minute"})


def text_for_a_number(service: Service) -> None:
    look(service.serve({"output": "minutes"}, TRIP | {"items": "two"}))


def missing_key(service: Service) -> None:
    look(service.serve({"output": "minutes"}, {"distance": 3.5, "vehicle": "bike"}))


def look(app: Flask) -> None:
    app.extensions["boxkite"]._counter.run_in_background()


def no_baseline(service: Service) -> None:
    app = service.flask()
    app.config["FLASK_BOXKITE_BASELINE"] = "histogram.prom"
    boxkite_flask.Boxkite(app, **service.options)


def body_not_read(service: Service) -> None:
    app = service.flask()
    monitor = service.boxkite(app)

    @app.post("/predict")
    @monitor.predict(output="minutes")  # type: ignore[untyped-decorator]
    def predict() -> Any:
        return {"minutes": 5.0}

    service.ask(app)


RAISED = (path_instead_of_the_application, misspelt_setting, misspelt_feature)
RAISED_UNDER_TESTING = (
    above_the_route, without_boxkite, prefix_of_fastapi, misspelt_key_path, misspelt_output,
    body_not_read,
)  # fmt: skip
ONLY_LOGGED = (
    in_a_websocket, without_boxkite_in_fastapi, prefix_of_flask, text_for_a_number, missing_key,
    no_baseline,
)  # fmt: skip
ENVIRONMENT = {
    prefix_of_fastapi: "BOXKITE_METRICS_PATH",
    prefix_of_flask: "FLASK_BOXKITE_METRICS_PATH",
}


@pytest.fixture
def made(
    baseline: boxkite.Baseline,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> Callable[..., list[str]]:
    """Give a function that makes a mistake and returns the lines at warning level or above."""

    def make(mistake: Callable[[Service], None], testing: bool = False) -> list[str]:
        monkeypatch.chdir(tmp_path)
        if mistake in ENVIRONMENT:
            monkeypatch.setenv(ENVIRONMENT[mistake], "/internal")
        mistake(Service(baseline, tmp_path, testing))
        return [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]

    return make


def assert_documented(line: str) -> None:
    assert f"`{line}`" in PAGE.read_text(), line


@pytest.mark.parametrize("mistake", RAISED)
def test_a_mistake_that_can_be_seen_at_once_is_raised(
    mistake: Any, made: Callable[..., list[str]]
) -> None:
    with pytest.raises(boxkite.ConfigError) as caught:
        made(mistake)
    assert_documented(str(caught.value))


@pytest.mark.parametrize("mistake", RAISED_UNDER_TESTING + ONLY_LOGGED)
def test_a_mistake_prints_one_line_and_the_service_runs(
    mistake: Any, made: Callable[..., list[str]]
) -> None:
    (line,) = made(mistake)
    assert_documented(line)


@pytest.mark.parametrize("mistake", RAISED_UNDER_TESTING)
def test_under_testing_it_is_raised(mistake: Any, made: Callable[..., list[str]]) -> None:
    with pytest.raises((boxkite.ConfigError, LookupError, ValueError)) as caught:
        made(mistake, testing=True)
    assert str(caught.value) in PAGE.read_text()


def test_switched_off_nothing_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    app = Flask("service")
    boxkite_flask.Boxkite(app, enabled=False)
    other = boxkite_flask.Boxkite()
    app.post("/predict")(other.predict(output="minutes")(lambda: {"minutes": 5.0}))
    assert app.test_client().post("/predict").json == {"minutes": 5.0}
    assert caplog.records == []


def test_a_view_that_is_registered_twice_is_decorated_once_and_not_reported(
    baseline: boxkite.Baseline, caplog: pytest.LogCaptureFixture
) -> None:
    app = Flask("service")
    monitor = boxkite_flask.Boxkite(app, baseline=baseline, registry=None, log="none:")

    def predict() -> Any:
        request.get_json()
        return {"minutes": 5.0}

    app.post("/plain", endpoint="plain")(predict)
    app.post("/predict", endpoint="predict")(monitor.predict(output="minutes")(predict))
    assert app.test_client().post("/predict", json=TRIP).headers["X-Prediction-Id"]
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []
