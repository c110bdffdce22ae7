"""Several models in one application, in mounted ones, and who may see their metrics."""

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route

import boxkite
from boxkite import signals
from boxkite_starlette import Boxkite

ROW = {"age": 30, "colour": "red"}


@pytest.fixture
def options(score_baseline: boxkite.Baseline) -> dict[str, Any]:
    """Options of a monitor that does not show the application's metrics."""
    return {"baseline": score_baseline, "registry": None}


@pytest.fixture
def ask(client_of: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function of an application and a path: the response."""

    def ask(app: Any, path: str, method: str = "GET", **headers: str) -> Any:
        async def send() -> Any:
            async with client_of(app) as client:
                return await client.request(method, path, headers=headers)

        return asyncio.run(send())

    return ask


def predicting(monitor: Boxkite, **options: Any) -> Any:
    @monitor.predict(features=lambda _: ROW, output=lambda _: 0.3, **options)
    async def score(_: Request) -> JSONResponse:
        return JSONResponse({"score": 0.3})

    return score


def predictions(text: str) -> dict[str, int]:
    """The number of predictions by model."""
    lines = [each for each in text.splitlines() if each.startswith("boxkite_predictions_total")]
    return {line.split('"')[1]: int(line.split()[-1]) for line in lines}


@pytest.mark.parametrize("kind", [Starlette, FastAPI])
def test_each_object_counts_into_its_own_monitor_and_a_model_can_be_named(
    kind: type[Starlette], options: dict[str, Any], ask: Callable[..., Any]
) -> None:
    app = kind()
    first, second = (Boxkite(app, model=model, **options) for model in "ab")
    app.add_route("/a", predicting(first))
    app.add_route("/b", predicting(second))
    app.add_route("/named", predicting(first, model="b"))
    app.add_route("/other", predicting(Boxkite()))
    for path in ("/a", "/b", "/named", "/other", "/other"):
        assert "x-prediction-id" in ask(app, path).headers
    assert predictions(ask(app, "/metrics").text) == {"a": 3, "b": 2}
    assert app.state.boxkite is app.state.boxkite_models["a"]
    assert len(app.user_middleware) == 1


def test_a_mounted_application_counts_into_its_own_models_and_those_around_it(
    options: dict[str, Any], ask: Callable[..., Any]
) -> None:
    inner, outer = Starlette(), Starlette()
    around, within = Boxkite(outer, model="a", **options), Boxkite(inner, model="b", **options)
    for path, endpoint in (
        ("/around", predicting(around)),
        ("/within", predicting(within)),
        ("/named", predicting(within, model="a")),
        ("/other", predicting(Boxkite())),
    ):
        inner.add_route(path, endpoint)
    outer.router.routes.append(Mount("/inner", inner))
    for path in ("/around", "/within", "/named", "/other"):
        assert "x-prediction-id" in ask(outer, f"/inner{path}").headers
    assert predictions(ask(outer, "/metrics").text) == {"a": 2}
    assert predictions(ask(outer, "/inner/metrics").text) == {"b": 2}


def test_routers_below_a_root_path_and_endpoint_classes_are_counted(
    options: dict[str, Any], ask: Callable[..., Any]
) -> None:
    app = FastAPI()
    monitor = Boxkite(app, **options)

    async def proxied(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "root_path": "/proxied"}, receive, send)

    router = APIRouter(prefix="/v1")

    @router.get("/score")
    @monitor.predict(features=lambda _: ROW, output="score")
    def score() -> dict[str, float]:
        return {"score": 0.3}

    class Score(HTTPEndpoint):
        @monitor.predict(features=lambda _: ROW, output="score")
        async def get(self, _: Request) -> JSONResponse:
            return JSONResponse({"score": 0.3})

    app.include_router(router, prefix="/models")
    app.router.routes.append(Route("/class", Score))
    for path in ("/models/v1/score", "/proxied/models/v1/score", "/class"):
        assert ask(proxied, path).json() == {"score": 0.3}
    assert predictions(ask(proxied, "/proxied/metrics").text) == {"score": 3}


def test_a_class_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=r"^Score is a class; decorate its methods instead$"):

        @Boxkite(**options).predict
        class Score(HTTPEndpoint):
            pass


def test_signals_are_sent_by_the_application_with_the_monitor_beside_it(
    options: dict[str, Any], ask: Callable[..., Any]
) -> None:
    app, told = Starlette(), []

    def receiver(sender: Any, monitor: boxkite.Monitor, **_: Any) -> None:
        told.append((sender, monitor))

    with signals.prediction_logged.connected_to(receiver, sender=app):
        app.add_route("/score", predicting(Boxkite(app, **options)))
        ask(app, "/score")
    assert told == [(app, app.state.boxkite)]


def by_header(request: Request) -> bool:
    assert threading.current_thread() is not threading.main_thread()
    return request.headers.get("x-scraper") == "yes"


async def by_header_async(request: Request) -> bool:
    await asyncio.sleep(0)
    return request.headers.get("x-scraper") == "yes"


class ByHeader:
    async def __call__(self, request: Request) -> bool:
        return await by_header_async(request)


@pytest.mark.parametrize(
    "authorize", [by_header, by_header_async, ByHeader(), lambda r: by_header_async(r)]
)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"x-scraper": "yes"}, 401),
        ({"authorization": "Bearer s"}, 403),
        ({"authorization": "Bearer s", "x-scraper": "yes"}, 200),
    ],
)
def test_token_and_authorize_are_both_asked(
    authorize: Any,
    headers: dict[str, str],
    status: int,
    options: dict[str, Any],
    ask: Callable[..., Any],
) -> None:
    app = Starlette()
    Boxkite(app, authorize=authorize, metrics_token="s", **options)
    response = ask(app, "/metrics", **headers)
    assert response.status_code == status
    assert response.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)
    assert status == 200 or response.text in ("unauthorized\n", "forbidden\n")
    assert app.state.boxkite.reporter.counts()["export"] == 0


def failing(_: Any) -> bool:
    raise RuntimeError("no directory")


async def failing_async(_: Any) -> bool:
    raise RuntimeError("no directory")


@pytest.mark.parametrize(
    ("authorize", "reason"),
    [
        (failing, "no directory"),
        (failing_async, "no directory"),
        (lambda _: PlainTextResponse("no", 403), "it returned a PlainTextResponse; return True or"),
    ],
)
def test_an_authorize_that_fails_denies_and_is_counted(
    authorize: Any,
    reason: str,
    options: dict[str, Any],
    ask: Callable[..., Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = Starlette()
    Boxkite(app, authorize=authorize, **options)
    with caplog.at_level(logging.WARNING, "boxkite"):
        response = ask(app, "/metrics")
    assert (response.status_code, response.text) == (403, "forbidden\n")
    (told,) = [each.getMessage() for each in caplog.records if each.name == "boxkite"]
    assert told.startswith(f"boxkite export: authorize: {reason}")
    assert app.state.boxkite.reporter.counts()["export"] == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"])
def test_other_methods_are_not_allowed_whatever_is_mounted(
    method: str, options: dict[str, Any], ask: Callable[..., Any]
) -> None:
    app = Starlette(routes=[Mount("/", PlainTextResponse("mounted"))])
    Boxkite(app, **options)
    response = ask(app, "/metrics", method)
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer s"}])
def test_head_is_answered_as_get_without_the_body(
    headers: dict[str, str], options: dict[str, Any]
) -> None:
    app = Starlette()
    Boxkite(app, metrics_token="s", **options)

    def messages(method: str) -> list[Any]:
        scope = {
            "type": "http",
            "method": method,
            "path": "/metrics",
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request"}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(app(scope, receive, send))
        return sent

    get, head = messages("GET"), messages("HEAD")
    assert head[0] == get[0]
    assert [each.get("body") for each in head[1:]] == [b""]
    assert dict(head[0]["headers"])[b"content-length"] == b"%d" % len(get[1]["body"])


@pytest.mark.parametrize(
    ("route", "other"),
    [
        (Route("/metrics", PlainTextResponse, name="numbers"), "the route 'numbers'"),
        (Mount("/metrics", PlainTextResponse("m"), name="prometheus"), "the mount 'prometheus'"),
        (Mount("/metrics", PlainTextResponse("m")), "a mount"),
    ],
)
@pytest.mark.parametrize("kind", [Starlette, FastAPI])
def test_a_path_that_is_taken_is_refused_or_reported_where_it_is_taken_later(
    kind: type[Starlette],
    route: Any,
    other: str,
    options: dict[str, Any],
    ask: Callable[..., Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    said = f"METRICS_PATH /metrics is taken by {other}; set another path, or remove that route"
    taken = kind(routes=[route])
    with pytest.raises(boxkite.ConfigError) as refused:
        Boxkite(taken, **options)
    assert (str(refused.value), hasattr(taken.state, "boxkite")) == (said, False)
    later = kind()
    Boxkite(later, **options)
    later.router.routes.append(route)
    with caplog.at_level(logging.WARNING, "boxkite"):
        assert [ask(later, "/metrics").status_code for _ in range(2)] == [200, 200]
    told = [each.getMessage() for each in caplog.records if each.name == "boxkite"]
    assert told == [f"boxkite export: the metrics: {said} (1 so far)"]


def test_the_metrics_are_rendered_off_the_event_loop(
    options: dict[str, Any], ask: Callable[..., Any]
) -> None:
    from prometheus_client import CollectorRegistry
    from prometheus_client.registry import Collector

    seen: list[bool] = []

    class Looking(Collector):
        def collect(self) -> Any:
            seen.append(threading.current_thread() is threading.main_thread())
            return []

    registry = CollectorRegistry(auto_describe=False)
    app = Starlette()
    Boxkite(app, **{**options, "registry": registry})
    registry.register(Looking())
    seen.clear()
    ask(app, "/metrics")
    assert seen == [False]
