"""The same small service in each framework, and what its /metrics says was counted."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any

import flask
import httpx
import pytest
from fastapi import Body, FastAPI
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse

import boxkite
import boxkite_flask
import boxkite_starlette

View = Callable[[Any], Any]


@dataclass(frozen=True)
class Answer:
    """One response, whatever the framework."""

    status: int
    headers: dict[str, str]
    body: bytes


KINDS = ["flask", "flask async", "starlette async", "fastapi", "fastapi async"]


@pytest.fixture(params=KINDS)
def serve(
    request: pytest.FixtureRequest, score_baseline: boxkite.Baseline
) -> Callable[..., Callable[..., Answer]]:
    """Returns a function that serves a view under a framework, and returns a client for it."""
    framework, _, is_async = request.param.partition(" ")
    options = {"baseline": score_baseline, "registry": None}

    def serve_view(view: View, sources: dict[str, Any] | None) -> Callable[..., Answer]:
        """Serve a view of the parsed body, not decorated if there are no sources."""
        return _FRAMEWORKS[framework](view, sources, options, bool(is_async))

    return serve_view


def _in_flask(
    view: View, sources: dict[str, Any] | None, options: dict[str, Any], is_async: bool
) -> Callable[..., Answer]:
    app = flask.Flask("service")
    monitor = boxkite_flask.Boxkite(app, **options)

    def predict() -> Any:
        return view(flask.request.get_json(force=True))

    endpoint = _as_async(predict) if is_async else predict
    app.post("/predict")(endpoint if sources is None else monitor.predict(**sources)(endpoint))

    def ask(method: str, path: str, content: bytes = b"", **headers: str) -> Answer:
        response = app.test_client().open(path, method=method, data=content, headers=headers)
        names = {name.lower(): value for name, value in response.headers}
        return Answer(response.status_code, names, response.data)

    return ask


def _in_starlette(
    view: View, sources: dict[str, Any] | None, options: dict[str, Any], _: bool
) -> Callable[..., Answer]:
    app = Starlette()
    monitor = boxkite_starlette.Boxkite(app, **options)

    async def predict(request: Request) -> JSONResponse:
        returned = view(await request.json())
        return JSONResponse(*returned) if isinstance(returned, tuple) else JSONResponse(returned)

    app.add_route(
        "/predict",
        predict if sources is None else monitor.predict(**sources)(predict),
        methods=["POST"],
    )
    return _asgi_client(app)


def _in_fastapi(
    view: View, sources: dict[str, Any] | None, options: dict[str, Any], is_async: bool
) -> Callable[..., Answer]:
    app = FastAPI()
    monitor = boxkite_starlette.Boxkite(app, **options)

    def predict(body: Annotated[Any, Body()]) -> Any:
        returned = view(body)
        return JSONResponse(*returned) if isinstance(returned, tuple) else returned

    endpoint = _as_async(predict) if is_async else predict
    app.post("/predict")(endpoint if sources is None else monitor.predict(**sources)(endpoint))
    return _asgi_client(app)


def _as_async(view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(0)
        return view(*args, **kwargs)

    return wrapper


_FRAMEWORKS = {"flask": _in_flask, "starlette": _in_starlette, "fastapi": _in_fastapi}


def _asgi_client(app: Starlette) -> Callable[..., Answer]:
    async def send(method: str, path: str, content: bytes, headers: dict[str, str]) -> Answer:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            response = await client.request(method, path, content=content, headers=headers)
        return Answer(response.status_code, dict(response.headers), response.content)

    def ask(method: str, path: str, content: bytes = b"", **headers: str) -> Answer:
        return asyncio.run(send(method, path, content, headers))

    return ask


@pytest.fixture(scope="session")
def score_baseline() -> boxkite.Baseline:
    """An age and a colour as features, and a score between 0 and 1."""
    features = {"age": list(range(100)), "colour": ["red", "blue"] * 50}
    return boxkite.Baseline.fit(
        features, {"score": [i / 100 for i in range(100)]}, model="score", version="1"
    )


@pytest.fixture(scope="session")
def counted() -> Callable[[str], dict[str, float]]:
    """Returns a function of a scrape's text: each count that is not 0, under a short name."""
    return _counted


def _counted(scrape: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(scrape):
        for sample in family.samples:
            name = sample.name.removeprefix("boxkite_")
            if name in _SHOWN and sample.value:
                labels = [sample.labels.get(label) for label in ("variable", "category", "stage")]
                found[" ".join([*filter(None, labels), _SHOWN[name]])] = sample.value
    return found


_SHOWN = {
    "predictions_total": "predictions",
    "value_sum": "sum",
    "value_count": "count",
    "category_total": "rows",
    "missing_total": "missing",
    "invalid_total": "invalid",
    "errors_total": "errors",
}
