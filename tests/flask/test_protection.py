"""Who may see the metrics, by which methods, and that an answer says nothing else."""

import logging
from typing import Any

import pytest
from flask import Flask, Request

import boxkite
from boxkite_flask import Boxkite


@pytest.fixture
def options(score_baseline: boxkite.Baseline) -> dict[str, Any]:
    """Options of a monitor that does not show the application's metrics."""
    return {"baseline": score_baseline, "registry": None}


def by_header(request: Request) -> bool:
    return request.headers.get("X-Scraper") == "yes"


async def by_header_async(request: Request) -> bool:
    return request.headers.get("X-Scraper") == "yes"


@pytest.mark.parametrize("authorize", [by_header, by_header_async])
@pytest.mark.parametrize(
    ("headers", "status", "body"),
    [
        ({}, 401, "unauthorized\n"),
        ({"X-Scraper": "yes"}, 401, "unauthorized\n"),
        ({"Authorization": "Bearer s"}, 403, "forbidden\n"),
        ({"Authorization": "Bearer s", "X-Scraper": "yes"}, 200, None),
    ],
)
def test_token_and_authorize_are_both_asked(
    authorize: Any,
    headers: dict[str, str],
    status: int,
    body: str | None,
    app: Flask,
    options: dict[str, Any],
) -> None:
    Boxkite(app, authorize=authorize, metrics_token="s", **options)
    response = app.test_client().get("/metrics", headers=headers)
    assert response.status_code == status
    assert body is None or response.text == body
    assert ("WWW-Authenticate" in response.headers) == (status == 401)


def failing(_: Any) -> bool:
    raise RuntimeError("no directory")


@pytest.mark.parametrize(
    ("authorize", "reason"),
    [
        (failing, "no directory"),
        (lambda _: None, "it returned a NoneType; return True or False"),
        (lambda _: ("forbidden", 403), "it returned a tuple; return True or False"),
    ],
)
def test_an_authorize_that_fails_denies_and_is_counted(
    authorize: Any,
    reason: str,
    app: Flask,
    options: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    Boxkite(app, authorize=authorize, **options)
    with caplog.at_level(logging.WARNING, "boxkite"):
        response = app.test_client().get("/metrics")
    assert (response.status_code, response.text) == (403, "forbidden\n")
    assert [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING] == [
        f"boxkite export: authorize: {reason} (1 so far)"
    ]
    assert app.extensions["boxkite"].reporter.counts()["export"] == 1


def test_an_authorize_that_cannot_be_called_is_refused() -> None:
    with pytest.raises(
        boxkite.ConfigError, match=r"^authorize='me' is not callable; pass a function$"
    ):
        Boxkite(authorize="me")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods_are_not_allowed(method: str, app: Flask, options: dict[str, Any]) -> None:
    Boxkite(app, **options)
    response = app.test_client().open("/metrics", method=method)
    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer s"}])
def test_head_is_answered_as_get_without_the_body(
    headers: dict[str, str], app: Flask, options: dict[str, Any]
) -> None:
    Boxkite(app, metrics_token="s", **options)
    get, head = (
        app.test_client().open("/metrics", method=method, headers=headers)
        for method in ("GET", "HEAD")
    )
    assert (head.status_code, head.headers, head.data) == (get.status_code, get.headers, b"")
    assert int(head.headers["Content-Length"]) == len(get.data)


def test_a_path_that_is_taken_is_refused_with_the_endpoint_that_has_it(
    app: Flask, options: dict[str, Any]
) -> None:
    app.add_url_rule("/metrics", "numbers", lambda: "mine")
    with pytest.raises(boxkite.ConfigError) as refused:
        Boxkite(app, **options)
    assert str(refused.value) == (
        "METRICS_PATH /metrics is taken by the endpoint 'numbers'; set another path, or remove "
        "that route"
    )
    assert "boxkite" not in app.extensions


def test_a_rule_that_takes_other_methods_or_paths_does_not_take_it(
    app: Flask, options: dict[str, Any]
) -> None:
    app.add_url_rule("/metrics", "push", lambda: "pushed", methods=["POST"])
    app.add_url_rule("/<path:any>", "any", lambda any: any)  # noqa: A006
    Boxkite(app, **options)
    client = app.test_client()
    assert "boxkite_predictions_total" in client.get("/metrics").text
    assert client.post("/metrics").text == "pushed"


def test_a_rule_that_comes_later_is_reported_at_the_first_scrape(
    app: Flask, options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    Boxkite(app, **options)
    app.add_url_rule("/metrics", "later", lambda: "mine")
    with caplog.at_level(logging.WARNING, "boxkite"):
        answers = [app.test_client().get("/metrics").status_code for _ in range(3)]
    assert answers == [200] * 3
    (told,) = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    assert told == (
        "boxkite export: the metrics: METRICS_PATH /metrics is taken by the endpoint 'later'; set "
        "another path, or remove that route (1 so far)"
    )
    assert app.extensions["boxkite"].reporter.counts()["export"] == 1
