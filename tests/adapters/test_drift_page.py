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
        self._app: Any
        if kind == "flask":
            app = flask.Flask("service")
            app.debug = debug
            boxkite_flask.Boxkite(app, **given)
            self.monitor = app.extensions["boxkite"]
            self._app = app
            self._client: Any = app.test_client(use_cookies=False)
        else:
            asgi = (FastAPI if kind == "fastapi" else Starlette)(debug=debug)
            boxkite_starlette.Boxkite(asgi, **given)
            self.monitor = asgi.state.boxkite
            self._app = asgi
            self._client = httpx.ASGITransport(asgi)

    def add(self, model: str, **options: Any) -> None:
        """Add a model to the application."""
        adapter: Any = boxkite_flask if isinstance(self._app, flask.Flask) else boxkite_starlette
        given = {"baseline": BASELINE, "registry": None, "metrics_path": "", **options}
        adapter.Boxkite(self._app, model=model, **given)

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: bytes = b"",
        scheme: str = "http",
        **headers: str,
    ) -> tuple[int, Any, bytes]:
        """Return the status, headers and content of a response."""
        if isinstance(self._client, httpx.ASGITransport):
            response = asyncio.run(
                self._ask_asgi(f"{scheme}://service{path}", method, body, headers)
            )
            return response.status_code, response.headers, response.content
        answer = self._client.open(
            path, method=method, data=body, headers=headers, base_url=f"{scheme}://service"
        )
        return answer.status_code, answer.headers, answer.data

    async def _ask_asgi(
        self, url: str, method: str, body: bytes, headers: dict[str, str]
    ) -> httpx.Response:
        async with httpx.AsyncClient(transport=self._client) as client:
            return await client.request(method, url, content=body, headers=headers)


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
    assert json.loads(found) == json.loads(json.dumps(service.monitor.drift("1d").as_dict()))


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
        ("?variable=feature:nobody", 200, "text/html; charset=utf-8"),
        ("?window=8d&limit=9000", 200, "text/html; charset=utf-8"),
        ("?window=1e12", 400, "text/plain; charset=utf-8"),
        ("/drift.json?window=1e12", 400, "text/plain; charset=utf-8"),
        ("?window=9d", 400, "text/plain; charset=utf-8"),
        (f"?window={'9' * 5000}", 400, "text/plain; charset=utf-8"),
        (f"?window=1{'+' * 20_000}x", 400, "text/plain; charset=utf-8"),
        (f"?limit={'9' * 5000}", 400, "text/plain; charset=utf-8"),
        ("?limit=x", 400, "text/plain; charset=utf-8"),
        ("?limit=-1", 400, "text/plain; charset=utf-8"),
        ("?limit=%D9%A3", 400, "text/plain; charset=utf-8"),
        (f"?model={'x' * 5000}", 404, "text/plain; charset=utf-8"),
    ],
)
def test_paths_below_the_page_have_their_status_and_content_type(
    rest: str, status: int, kind: str | None, serve: Callable[..., Service]
) -> None:
    found, headers, content = serve(drift_path="/drift").ask(f"/drift{rest}")
    assert found == status
    assert found == 200 or len(content) < 200
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


BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_a_browser_signs_in_with_a_form_and_gets_a_cookie(
    serve: Callable[..., Service], caplog: pytest.LogCaptureFixture
) -> None:
    service = serve(drift_path="/drift", metrics_token="s3cret")
    status, headers, content = service.ask("/drift?window=1h", **BROWSER)
    assert (status, headers["content-type"]) == (401, "text/html; charset=utf-8")
    assert b'<form method="post" action="/drift">' in content
    assert b"scores" not in content  # the model's name is for those who have signed in
    status, headers, _ = service.ask("/drift", "POST", body=b"token=s3cret")
    assert (status, headers["location"]) == (303, "/drift")
    cookie, *attributes = headers["set-cookie"].split("; ")
    assert {"HttpOnly", "SameSite=Strict", "Path=/drift"} <= set(attributes)
    assert "s3cret" not in str(headers)
    for path in ("/drift", "/drift/drift.json", "/drift/style.css", "/drift?model=scores"):
        assert service.ask(path, Cookie=cookie)[0] == 200
    assert service.ask("/metrics", Cookie=cookie)[0] == 401
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize("body", [b"token=other", b"token=", b"", b"s3cret", b"x" * 100_000])
def test_any_other_form_is_answered_with_the_form_again(
    body: bytes, serve: Callable[..., Service]
) -> None:
    service = serve(drift_path="/drift", metrics_token="s3cret")
    status, headers, content = service.ask("/drift", "POST", body=body)
    assert (status, "set-cookie" in headers) == (401, False)
    assert b'<p role="alert">This is not the token.</p>' in content


def test_the_cookie_goes_through_https_only_if_the_request_came_through_it(
    serve: Callable[..., Service],
) -> None:
    service = serve(drift_path="/drift", metrics_token="s3cret")
    for scheme in ("http", "https"):
        _, headers, _ = service.ask("/drift", "POST", body=b"token=s3cret", scheme=scheme)
        assert ("Secure" in headers["set-cookie"].split("; ")) == (scheme == "https")


def test_a_signed_in_browser_still_needs_authorize(serve: Callable[..., Service]) -> None:
    service = serve(drift_path="/drift", metrics_token="s3cret", authorize=lambda _: False)
    _, headers, _ = service.ask("/drift", "POST", body=b"token=s3cret")
    cookie = headers["set-cookie"].partition(";")[0]
    assert service.ask("/drift", Cookie=cookie)[::2] == (403, b"forbidden\n")


def with_header(name: str) -> Callable[[Any], bool]:
    """Return a rule that admits requests with a header."""
    return lambda request: name in request.headers


@pytest.mark.parametrize(
    ("first", "second", "headers", "seen"),
    [
        # Each model is shown to those whom its own protection admits.
        ({"metrics_token": "a"}, {"metrics_token": "b"}, {"Authorization": "Bearer a"}, "scores"),
        ({"metrics_token": "a"}, {"metrics_token": "b"}, {"Authorization": "Bearer b"}, "second"),
        ({"metrics_token": "a"}, {"metrics_token": "b"}, {}, 401),
        ({}, {"metrics_token": "b"}, {}, "scores"),
        ({}, {"metrics_token": "b"}, {"Authorization": "Bearer b"}, "scores second"),
        ({}, {"authorize": with_header("X-B")}, {}, "scores"),
        ({}, {"authorize": with_header("X-B")}, {"X-B": "1"}, "scores second"),
        ({"authorize": with_header("X-A")}, {"authorize": with_header("X-B")}, {"X-B": "1"},
         "second"),
        ({"authorize": with_header("X-A")}, {"authorize": with_header("X-B")}, {}, 403),
        # A model without protection has that of the page.
        ({"metrics_token": "a"}, {}, {}, 401),
        ({"metrics_token": "a"}, {}, {"Authorization": "Bearer a"}, "scores second"),
        ({"authorize": with_header("X-A")}, {"metrics_token": "b"}, {"Authorization": "Bearer b"},
         403),
    ],
)  # fmt: skip
def test_a_model_is_shown_to_those_whom_its_own_protection_admits(
    first: dict[str, Any],
    second: dict[str, Any],
    headers: dict[str, str],
    seen: str | int,
    serve: Callable[..., Service],
) -> None:
    service = serve(drift_path="/drift", **first)
    service.add("second", metrics_path="/second/metrics", **second)
    status = service.ask("/drift", **headers)[0]
    if isinstance(seen, int):
        assert status == seen
        return
    assert status == 200
    shown = [
        model
        for model in ("scores", "second")
        for status, _, content in [service.ask(f"/drift/drift.json?model={model}", **headers)]
        if status == 200 and json.loads(content)["model"] == model
    ]
    assert shown == seen.split()
    hidden = {"scores", "second"} - set(shown)
    assert not any(each.encode() in service.ask("/drift", **headers)[2] for each in hidden)


def test_a_second_model_has_the_drift_path_that_it_asks_for(serve: Callable[..., Service]) -> None:
    service = serve(drift_path="/first")
    service.add("second", drift_path="/second")
    service.add("third", drift_path="/second/")
    service.add("everywhere")
    service.add("nowhere", drift_path="")
    for path, models in (
        ("/first", ["everywhere", "scores"]),
        ("/second", ["everywhere", "second", "third"]),
    ):
        status, _, content = service.ask(f"{path}/drift.json?model=nowhere")
        there = ", ".join(map(repr, models))
        assert status == 404
        assert sorted(content.decode().split("there is ")[1].strip().split(", ")) == sorted(
            there.split(", ")
        )


def test_a_second_drift_path_that_is_taken_is_an_error() -> None:
    app = flask.Flask("service")
    app.add_url_rule("/second", "mine", lambda: "mine")
    boxkite_flask.Boxkite(app, baseline=BASELINE, registry=None, drift_path="/first")
    with pytest.raises(boxkite.ConfigError, match=r"DRIFT_PATH /second is taken by .*'mine'"):
        boxkite_flask.Boxkite(
            app, baseline=BASELINE, registry=None, model="b", drift_path="/second"
        )


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
