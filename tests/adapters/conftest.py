"""Serve the same small view in each framework, and read what its /metrics page counted."""

import asyncio
import itertools
import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import wraps
from inspect import iscoroutinefunction, signature
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import anyio.from_thread
import flask
import httpx
import msgspec
import pytest
from fastapi import Body, FastAPI
from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

import boxkite
import boxkite_flask
import boxkite_starlette
from boxkite.adapters import Extension

View = Callable[..., Any]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow the combinations of parameters that pairwise testing leaves out."""
    tables = defaultdict(list)
    for item in items:
        here = item.path.parent == Path(__file__).parent
        if here and isinstance(item, pytest.Function) and hasattr(item, "callspec"):
            tables[item.path, item.originalname].append(item)
    for table in tables.values():
        for item in set(table) - _pairwise(table):
            item.add_marker(pytest.mark.slow)


def _pairwise(table: Sequence[pytest.Function]) -> set[pytest.Function]:
    """Choose few tests so that each pair of parameter values occurs in at least one of them.

    The choice is greedy: first the tests that add the most pairs. It is the same in each process,
    as pytest-xdist requires, and shuffled, so that no framework always has sync views.
    """
    shuffled = random.Random(2013).sample(table, len(table))
    pairs = {}
    for item in table:
        # One id for each parametrize mark and fixture. `callspec.indices` counts tests instead.
        values = list(enumerate(item.callspec._idlist))
        pairs[item] = set(itertools.combinations(values, min(2, len(values))))
    chosen: set[pytest.Function] = set()
    covered: set[Any] = set()
    for least in range(max(map(len, pairs.values())), 0, -1):
        for item in shuffled:
            if len(pairs[item] - covered) >= least:
                chosen.add(item)
                covered |= pairs[item]
    return chosen


@dataclass(frozen=True)
class Answer:
    """A response of any framework."""

    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture(params=["flask", "starlette", "fastapi"])
def framework(request: pytest.FixtureRequest) -> str:
    """Name the framework that serves the view."""
    return str(request.param)


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def is_async(request: pytest.FixtureRequest) -> bool:
    """Tell whether the view is a coroutine function."""
    return bool(request.param)


@pytest.fixture
def serve(
    framework: str, is_async: bool, score_baseline: boxkite.Baseline, tmp_path: Path
) -> Callable[..., Callable[..., Answer]]:
    """Give a function that serves a view in a framework and returns a client for it."""

    def serve_view(
        view: View, sources: dict[str, Any] | None, **options: Any
    ) -> Callable[..., Answer]:
        """Serve a view, and decorate it if there are sources.

        Args:
            view: Takes the parsed body. If it takes a second argument, that one makes responses
                of the framework.
            sources: Arguments of the decorator. None leaves the view undecorated.
            **options: Options of the extension.
        """
        small = {"registry": None, "state_max_bytes": 2**16, "state_dir": str(tmp_path)}
        given = {"baseline": score_baseline, **small, **options}
        return _FRAMEWORKS[framework](view, sources, given, is_async)

    return serve_view


def _in_flask(
    view: View, sources: dict[str, Any] | None, options: dict[str, Any], is_async: bool
) -> Callable[..., Answer]:
    app = flask.Flask("service")
    monitor = boxkite_flask.Boxkite(app, **options)

    def predict() -> Any:
        return _called(view, flask.request.get_json(force=True), _FLASK)

    endpoint = _as_async(predict) if is_async else predict
    app.post("/predict")(
        _sending(_decorated(endpoint, monitor, sources), _FLASK_SENDS, _FLASK.json)
    )

    def ask(method: str, path: str, content: bytes = b"", **headers: str) -> Answer:
        response = app.test_client().open(path, method=method, data=content, headers=headers)
        names = {name.lower(): value for name, value in response.headers}
        return Answer(response.status_code, names, response.data)

    return ask


_FLASK_SENDS = (dict, list, str, bytes, tuple, flask.Response, Iterator)
_FLASK = SimpleNamespace(
    json=lambda content, status=200, headers=None: flask.make_response(
        flask.jsonify(content), status, headers
    ),
    text=lambda content: flask.Response(content, mimetype="text/plain"),
    stream=lambda parts: flask.Response(parts, mimetype="text/plain"),
)


def _in_starlette(
    view: View, sources: dict[str, Any] | None, options: dict[str, Any], is_async: bool
) -> Callable[..., Answer]:
    app = Starlette()
    monitor = boxkite_starlette.Boxkite(app, **options)

    def answer(body: Any) -> Any:
        returned = _called(view, body, _ASGI)
        if type(returned) is tuple:
            return JSONResponse(*returned)
        return JSONResponse(returned) if _is_json(returned) else returned

    async def predict(request: Request) -> Any:
        return answer(await request.json())

    @wraps(predict)
    def predict_in_a_thread(request: Request) -> Any:
        return answer(anyio.from_thread.run(request.json))

    # `wraps` gives it the name of the view; it must not pass for a coroutine function, too.
    del predict_in_a_thread.__wrapped__  # type: ignore[attr-defined]
    endpoint = _decorated(predict if is_async else predict_in_a_thread, monitor, sources)
    app.add_route("/predict", _sending(endpoint, (Response,), _ASGI.json), methods=["POST"])
    return _asgi_client(app)


def _in_fastapi(
    view: View, sources: dict[str, Any] | None, options: dict[str, Any], is_async: bool
) -> Callable[..., Answer]:
    app = FastAPI()
    monitor = boxkite_starlette.Boxkite(app, **options)

    def predict(body: Annotated[Any, Body()]) -> Any:
        returned = _called(view, body, _ASGI)
        return JSONResponse(*returned) if type(returned) is tuple else returned

    endpoint = _decorated(_as_async(predict) if is_async else predict, monitor, sources)
    app.post("/predict")(_sending(endpoint, (Response, BaseModel), _ASGI.json))
    return _asgi_client(app)


_ASGI = SimpleNamespace(
    json=lambda content, status=200, headers=None: JSONResponse(content, status, headers),
    text=PlainTextResponse,
    stream=lambda parts: StreamingResponse(parts, media_type="text/plain"),
)


def _called(view: View, body: Any, make: SimpleNamespace) -> Any:
    return view(body, make) if len(signature(view).parameters) == 2 else view(body)


def _decorated(
    endpoint: Callable[..., Any], monitor: Extension, sources: dict[str, Any] | None
) -> Callable[..., Any]:
    return endpoint if sources is None else monitor.predict(**sources)(endpoint)


def _sending(
    endpoint: Callable[..., Any], sends: tuple[type, ...], json_response: Callable[..., Any]
) -> Callable[..., Any]:
    """Wrap the endpoint so that the framework can send whatever it returns."""

    def sendable(returned: Any) -> Any:
        if isinstance(returned, sends) and (isinstance(returned, BaseModel) or _fits(returned)):
            return returned
        return json_response(msgspec.to_builtins(returned, enc_hook=_plain, str_keys=True))

    if iscoroutinefunction(endpoint):

        @wraps(endpoint)
        async def async_wrapper(*args: Any, **kwargs: Any) -> Any:
            return sendable(await endpoint(*args, **kwargs))

        return async_wrapper

    @wraps(endpoint)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return sendable(endpoint(*args, **kwargs))

    return wrapper


def _fits(returned: Any) -> bool:
    return not isinstance(returned, dict | list) or _is_json(returned)


def _is_json(value: Any) -> bool:
    try:
        return bool(json.loads(json.dumps(value)) == value)
    except (TypeError, ValueError):
        return False


def _plain(value: Any) -> Any:
    """Turn an object into JSON. No test looks at the result, but the framework must send it."""
    for method in ("model_dump", "tolist", "to_dict", "to_pylist"):
        if hasattr(value, method):
            return getattr(value, method)()
    return repr(type(value))


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
def counted() -> Callable[[str], dict[str, float]]:
    """Give a function that reads each count other than 0 from a scrape, under a short name."""
    return _counted


def _counted(scrape: str) -> dict[str, float]:
    found: dict[str, float] = {}
    names = tuple(f"boxkite_{name}{{" for name in _SHOWN)
    # The parser of prometheus-client takes 50 us a line, so it gets 12 of the 90 series only.
    shown = "\n".join(line for line in scrape.split("\n") if line.startswith(names))
    for family in text_string_to_metric_families(shown + "\n"):
        for sample in family.samples:
            name = sample.name.removeprefix("boxkite_")
            if name in _SHOWN and sample.value:
                labels = [
                    sample.labels.get(label) for label in ("variable", "category", "failed_stage")
                ]
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
