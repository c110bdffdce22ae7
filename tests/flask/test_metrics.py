"""The view that answers a scrape."""

import gzip
import subprocess
from typing import Any

import pytest
from flask import Flask
from prometheus_client.openmetrics.parser import text_string_to_metric_families

import boxkite
from boxkite_flask import Boxkite

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@pytest.fixture
def options(score_baseline: boxkite.Baseline) -> dict[str, Any]:
    """Of a monitor without the application's metrics."""
    return {"baseline": score_baseline, "registry": None}


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        ("text/plain;version=0.0.4", TEXT),
        ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5", OPENMETRICS),
    ],
)
def test_the_format_is_chosen_by_accept_and_named(
    accept: str, content_type: str, app: Flask, options: dict[str, Any]
) -> None:
    Boxkite(app, **options)
    response = app.test_client().get("/metrics", headers={"Accept": accept})
    # Newer releases of prometheus-client also name the escaping of metric names.
    found = response.headers["Content-Type"].removesuffix("; escaping=underscores")
    assert (response.status_code, found) == (200, content_type)
    assert response.text.endswith("# EOF\n") == (content_type == OPENMETRICS)


def test_the_openmetrics_form_is_one_that_the_client_library_reads(
    app: Flask, options: dict[str, Any]
) -> None:
    Boxkite(app, **options)
    response = app.test_client().get("/metrics", headers={"Accept": OPENMETRICS})
    families = {family.name for family in text_string_to_metric_families(response.text)}
    assert {"boxkite_predictions", "boxkite_value", "boxkite_baseline_bin"} <= families


def test_the_answer_is_compressed_where_that_is_accepted(
    app: Flask, options: dict[str, Any]
) -> None:
    Boxkite(app, **options)
    client = app.test_client()
    plain = client.get("/metrics")
    packed = client.get("/metrics", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept, Accept-Encoding"
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < len(plain.data) / 2


def test_head_says_what_get_would(app: Flask, options: dict[str, Any]) -> None:
    Boxkite(app, **options)
    client = app.test_client()
    head, get = client.head("/metrics"), client.get("/metrics")
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers == get.headers


def test_names_choose_the_series(app: Flask, options: dict[str, Any]) -> None:
    Boxkite(app, **options)
    response = app.test_client().get("/metrics?name[]=boxkite_predictions_total")
    assert [line for line in response.text.splitlines() if not line.startswith("#")] == [
        'boxkite_predictions_total{model_name="score",model_version="1"} 0'
    ]


@pytest.mark.parametrize(
    ("configured", "statuses"),
    [("/metrics", (200, 404)), ("/internal/numbers", (404, 200)), ("", (404, 404))],
)
def test_the_path_can_be_changed_and_switched_off(
    configured: str, statuses: tuple[int, int], app: Flask, options: dict[str, Any]
) -> None:
    app.config["BOXKITE_METRICS_PATH"] = configured
    Boxkite(app, **options)
    client = app.test_client()
    paths = ("/metrics", "/internal/numbers")
    assert tuple(client.get(path).status_code for path in paths) == statuses


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (None, 401),
        ("", 401),
        ("Bearer", 401),
        ("Bearer wrong", 401),
        ("Basic s3cret", 401),
        ("s3cret", 401),
        ("Bearer s3cret2", 401),
        ("Bearer é", 401),
        ("Bearer s3cret", 200),
        ("bearer s3cret", 200),
    ],
)
def test_a_token_is_asked_for_where_one_is_set(
    authorization: str | None, status: int, app: Flask, options: dict[str, Any]
) -> None:
    app.config["BOXKITE_METRICS_TOKEN"] = "s3cret"
    Boxkite(app, **options)
    headers = {} if authorization is None else {"Authorization": authorization}
    response = app.test_client().get("/metrics", headers=headers)
    assert response.status_code == status
    if status == 401:
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert response.text == "unauthorized\n"


@pytest.mark.parametrize("exposition", ["labelled", "classic"])
@pytest.mark.parametrize("predictions", [0, 5])
def test_promtool_accepts_the_metrics(
    exposition: str, predictions: int, app: Flask, options: dict[str, Any], promtool: str
) -> None:
    monitor = Boxkite(app, **options, exposition=exposition)

    @app.get("/score")
    @monitor.predict(features=lambda _: [30, "red"], output="score")
    def score() -> dict[str, float]:
        return {"score": 0.3}

    client = app.test_client()
    for _ in range(predictions):
        client.get("/score")
    text = client.get("/metrics").data
    check = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True)
    assert (check.returncode, check.stderr.decode()) == (0, "")
