"""The drift page in each framework: its path, its answers and its protection."""

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any

import flask
import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette

import boxkite
import boxkite_flask
import boxkite_starlette
from boxkite.report import rendering

BASELINE = boxkite.Baseline.fit(
    {"<b>age</b>": np.arange(1000.0)}, np.arange(1000.0), model="scores"
)


class Service:
    """An application with the drift page, and a client for it."""

    def __init__(self, kind: str, debug: bool = False, **options: Any) -> None:
        given = {"baseline": BASELINE, "registry": None, **options}
        self.monitor: boxkite.Monitor
        if kind == "flask":
            app = flask.Flask("service")
            app.debug = debug
            boxkite_flask.Boxkite(app, **given)
            self.monitor = app.extensions["boxkite"]
            self._client: Any = app.test_client()
        else:
            asgi = (FastAPI if kind == "fastapi" else Starlette)(debug=debug)
            boxkite_starlette.Boxkite(asgi, **given)
            self.monitor = asgi.state.boxkite
            self._client = httpx.ASGITransport(asgi)

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[int, Any, bytes]:
        """Return the status, headers and content of a response."""
        if isinstance(self._client, httpx.ASGITransport):
            response = asyncio.run(self._ask_asgi(path, method, headers))
            return response.status_code, response.headers, response.content
        answer = self._client.open(path, method=method, headers=headers)
        return answer.status_code, answer.headers, answer.data

    async def _ask_asgi(self, path: str, method: str, headers: dict[str, str]) -> httpx.Response:
        client = httpx.AsyncClient(transport=self._client, base_url="http://service")
        async with client:
            return await client.request(method, path, headers=headers)


@pytest.fixture(params=["flask", "starlette", "fastapi"])
def serve(request: pytest.FixtureRequest) -> Callable[..., Service]:
    """Give a function that makes a service in one framework."""

    def serve(**options: Any) -> Service:
        return Service(request.param, **options)

    return serve


def test_the_page_shows_each_variable_and_its_json_is_the_monitors_drift(
    serve: Callable[..., Service],
) -> None:
    service = serve(drift_path="/internal/drift")
    for n in range(500):
        service.monitor.log_prediction([n % 300], n)
    status, headers, content = service.ask("/internal/drift")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert b"&lt;b&gt;age&lt;/b&gt;" in content
    assert b"<b>age" not in content
    _, headers, found = service.ask("/internal/drift/drift.json")
    assert headers["content-type"] == "application/json"
    assert json.loads(found) == json.loads(json.dumps(service.monitor.drift().as_dict()))


@pytest.mark.parametrize(
    ("rest", "status", "kind"),
    [
        ("/style.css", 200, "text/css; charset=utf-8"),
        ("/script.js", 200, "text/javascript; charset=utf-8"),
        ("/icon.svg", 200, "image/svg+xml"),
        ("/other", 404, "text/plain; charset=utf-8"),
        ("/../metrics.py", 404, None),
        ("?window=soon", 400, "text/plain; charset=utf-8"),
        ("/drift.json?window=soon", 400, "text/plain; charset=utf-8"),
        ("?window=6h&q=AGE&role=feature&limit=1", 200, "text/html; charset=utf-8"),
        ("?variable=feature:nobody&limit=x", 200, "text/html; charset=utf-8"),
    ],
)
def test_paths_below_the_page_have_their_status_and_content_type(
    rest: str, status: int, kind: str | None, serve: Callable[..., Service]
) -> None:
    found, headers, _ = serve(drift_path="/drift").ask(f"/drift{rest}")
    assert found == status
    assert kind is None or headers["content-type"] == kind


@pytest.mark.parametrize(
    ("options", "path", "status"),
    [
        ({}, "/drift", 404),
        ({"debug": True}, "/drift", 200),
        ({"debug": True, "drift_path": ""}, "/drift", 404),
        ({"debug": True, "drift_path": "/d"}, "/d", 200),
        ({"drift_path": "/d"}, "/d", 200),
    ],
)
def test_the_page_exists_if_its_path_is_set_or_in_debug_mode(
    options: dict[str, Any], path: str, status: int, serve: Callable[..., Service]
) -> None:
    assert serve(**options).ask(path)[0] == status


def test_the_page_is_protected_like_the_metrics(serve: Callable[..., Service]) -> None:
    service = serve(drift_path="/drift", metrics_token="secret")
    for path in ("/drift", "/drift/drift.json", "/drift/style.css"):
        assert service.ask(path)[0] == 401
        assert service.ask(path, Authorization="Bearer secret")[0] == 200
    denied = serve(drift_path="/drift", authorize=lambda _: False)
    assert denied.ask("/drift")[::2] == (403, b"forbidden\n")


def test_other_methods_are_refused(serve: Callable[..., Service]) -> None:
    service = serve(drift_path="/drift")
    assert service.ask("/drift", method="POST")[0] == 405
    status, headers, content = service.ask("/drift", method="HEAD")
    assert (status, content, int(headers["content-length"]) > 1000) == (200, b"", True)


def test_without_jinja_the_page_names_the_extra_and_the_json_still_works(
    serve: Callable[..., Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    service = serve(drift_path="/drift")
    rendering._environment.cache_clear()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    status, headers, content = service.ask("/drift")
    said = b"the drift page and reports need Jinja: pip install 'boxkite[report]'\n"
    assert (status, headers["content-type"], content) == (501, "text/plain; charset=utf-8", said)
    assert service.ask("/drift/drift.json")[0] == 200


def test_a_path_that_is_taken_is_an_error_that_names_the_setting() -> None:
    app = flask.Flask("service")
    app.add_url_rule("/drift", "mine", lambda: "mine")
    with pytest.raises(boxkite.ConfigError, match=r"DRIFT_PATH /drift is taken by .*'mine'"):
        boxkite_flask.Boxkite(app, baseline=BASELINE, registry=None, drift_path="/drift")
    app.debug = True  # The page of debug mode gives way, because no setting asked for it.
    boxkite_flask.Boxkite(app, baseline=BASELINE, registry=None)
    assert app.test_client().get("/drift").text == "mine"
