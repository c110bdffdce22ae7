"""Setting applications up, and the route that answers a scrape."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount

import boxkite
from boxkite_starlette import Boxkite


def get(
    client_of: Callable[..., Any], app: Any, path: str, method: str = "GET", **headers: str
) -> Any:
    async def send() -> Any:
        async with client_of(app) as client:
            return await client.request(method, path, headers=headers)

    return asyncio.run(send())


def test_a_second_monitor_for_an_application_is_refused(monitor: Boxkite) -> None:
    app = Starlette()
    monitor.init_app(app)
    with pytest.raises(boxkite.ConfigError) as refused:
        monitor.init_app(app)
    assert str(refused.value) == (
        "the application already has a Boxkite for model 'score', and a second one would count "
        "each prediction twice; use the first one, or name another model, as in "
        "Boxkite(app, model='b')"
    )


def test_it_is_set_up_before_the_first_request_or_not_at_all(
    monitor: Boxkite, client_of: Callable[..., Any]
) -> None:
    app = Starlette()
    get(client_of, app, "/")
    with pytest.raises(
        boxkite.ConfigError, match=r"^the application has already answered a request; set "
    ):
        monitor.init_app(app)
    assert not hasattr(app.state, "boxkite")


def test_each_application_of_one_extension_has_its_own_counts(
    monitor: Boxkite, client_of: Callable[..., Any]
) -> None:
    @monitor.predict(features=lambda _: [30, "red"], output=lambda _: 0.3)
    async def score(_: Any) -> PlainTextResponse:
        return PlainTextResponse("fine")

    apps = [Starlette(), FastAPI()]
    for calls, app in enumerate(apps, start=1):
        app.add_route("/score", score)
        monitor.init_app(app)
        for _ in range(calls):
            get(client_of, app, "/score")
    counted = [
        [
            line
            for line in get(client_of, app, "/metrics").text.splitlines()
            if line.startswith("boxkite_predictions_total")
        ]
        for app in apps
    ]
    assert counted == [
        ['boxkite_predictions_total{model_name="score",model_version="1"} 1'],
        ['boxkite_predictions_total{model_name="score",model_version="1"} 2'],
    ]


@pytest.mark.parametrize("kind", [Starlette, FastAPI])
def test_the_metrics_are_at_exactly_their_path_before_any_mount(
    kind: type[Starlette], monitor: Boxkite, client_of: Callable[..., Any]
) -> None:
    app = kind(routes=[Mount("/", PlainTextResponse("mounted"))])
    monitor.init_app(app)
    metrics = get(client_of, app, "/metrics")
    assert metrics.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert get(client_of, app, "/metrics/").text == "mounted"
    head = get(client_of, app, "/metrics", "HEAD")
    assert (head.status_code, head.content) == (200, b"")


def test_the_metrics_are_not_in_the_openapi_document(monitor: Boxkite) -> None:
    app = FastAPI()
    monitor.init_app(app)
    assert app.openapi()["paths"] == {}


@pytest.mark.parametrize(("configured", "status"), [("/numbers", 200), ("", 404)])
def test_the_path_can_be_changed_and_switched_off(
    configured: str,
    status: int,
    score_baseline: boxkite.Baseline,
    client_of: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BOXKITE_METRICS_PATH", configured)
    app = Starlette()
    Boxkite(app, baseline=score_baseline)
    assert get(client_of, app, "/metrics").status_code == 404
    assert get(client_of, app, "/numbers").status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer wrong"}, 401),
        ({"authorization": "s3cret"}, 401),
        ({"authorization": "Bearer s3cret"}, 200),
    ],
)
def test_a_token_is_asked_for_where_one_is_set(
    headers: dict[str, str],
    status: int,
    score_baseline: boxkite.Baseline,
    client_of: Callable[..., Any],
) -> None:
    app = Starlette()
    Boxkite(app, baseline=score_baseline, metrics_token="s3cret")
    response = get(client_of, app, "/metrics", **headers)
    assert (response.status_code, response.headers.get("www-authenticate")) == (
        status,
        "Bearer" if status == 401 else None,
    )


def test_the_answer_is_compressed_where_that_is_accepted(
    monitor: Boxkite, client_of: Callable[..., Any]
) -> None:
    app = Starlette()
    monitor.init_app(app)
    plain = get(client_of, app, "/metrics", **{"accept-encoding": "identity"})
    packed = get(client_of, app, "/metrics", **{"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.text == plain.text


def test_switched_off_it_leaves_everything_as_it_was(score_baseline: boxkite.Baseline) -> None:
    app, bare = Starlette(), Starlette()
    Boxkite(app, baseline=score_baseline, enabled=False)
    assert (app.user_middleware, app.routes) == (bare.user_middleware, bare.routes)
    assert not hasattr(app.state, "boxkite")


def test_an_unknown_variable_is_named_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOXKITE_MODLE", "x")
    with pytest.raises(boxkite.ConfigError) as refused:
        Boxkite(Starlette())
    assert str(refused.value) == "unknown setting BOXKITE_MODLE; did you mean BOXKITE_MODEL?"
