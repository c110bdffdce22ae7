"""Setting applications up: factories, several of them, and where settings come from."""

import logging
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from prometheus_client import CollectorRegistry, Counter

import boxkite
from boxkite_flask import Boxkite


def predictions(app: Flask) -> list[str]:
    """The series of an application's predictions."""
    lines = app.test_client().get("/metrics").text.splitlines()
    return [line for line in lines if line.startswith("boxkite_predictions_total")]


def with_view(app: Flask, monitor: Boxkite) -> Flask:
    """The application with a view that predicts."""

    @app.get("/score")
    @monitor.predict(features=lambda _: [30, "red"], output="score")
    def score() -> dict[str, float]:
        return {"score": 0.3}

    return app


def test_a_factory_sets_an_application_up_later(score_baseline: boxkite.Baseline) -> None:
    monitor = Boxkite(baseline=score_baseline)
    app = with_view(Flask("service"), monitor)
    monitor.init_app(app)
    app.test_client().get("/score")
    assert predictions(app) == ['boxkite_predictions_total{model_name="score",model_version="1"} 1']


def test_each_application_of_one_extension_has_its_own_counts_and_settings(
    score_baseline: boxkite.Baseline,
) -> None:
    monitor = Boxkite(baseline=score_baseline)
    first, second = (with_view(Flask(name), monitor) for name in ("first", "second"))
    second.config["BOXKITE_MODEL"] = "other"
    for app, calls in ((first, 1), (second, 2)):
        monitor.init_app(app)
        for _ in range(calls):
            app.test_client().get("/score")
    assert predictions(first) == [
        'boxkite_predictions_total{model_name="score",model_version="1"} 1'
    ]
    assert predictions(second) == [
        'boxkite_predictions_total{model_name="other",model_version="1"} 2'
    ]


def test_a_view_of_an_application_without_monitor_is_as_it_was(
    score_baseline: boxkite.Baseline,
) -> None:
    app = with_view(Flask("service"), Boxkite(baseline=score_baseline))
    response = app.test_client().get("/score")
    assert (response.json, "X-Prediction-Id" in response.headers) == ({"score": 0.3}, False)


def test_a_second_monitor_for_an_application_is_refused(score_baseline: boxkite.Baseline) -> None:
    app = Flask("service")
    monitor = Boxkite(app, baseline=score_baseline)
    expected = (
        "the application already has a Boxkite for model 'score', and a second one would count "
        "each prediction twice; use the first one, or name another model, as in "
        "Boxkite(app, model='b')"
    )
    for again in (monitor, Boxkite(baseline=score_baseline)):
        with pytest.raises(boxkite.ConfigError) as refused:
            again.init_app(app)
        assert str(refused.value) == expected


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("BOXKITE_METRIC_PATH", "BOXKITE_METRICS_PATH"),
        ("FLASK_BOXKITE_MODLE", "FLASK_BOXKITE_MODEL"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest(key: str, nearest: str) -> None:
    app = Flask("service")
    app.config[key] = "x"
    with pytest.raises(boxkite.ConfigError) as refused:
        Boxkite(app)
    assert str(refused.value) == f"unknown setting {key}; did you mean {nearest}?"


def test_an_unknown_option_is_named_with_the_nearest() -> None:
    with pytest.raises(boxkite.ConfigError) as refused:
        Boxkite(Flask("service"), modle="x")
    assert str(refused.value) == "unknown setting modle; did you mean model?"


@pytest.mark.parametrize(
    ("flask_key", "key", "environment", "option", "model"),
    [
        ("a", "b", "c", "d", "d"),
        ("a", "b", "c", None, "a"),
        (None, "b", "c", None, "b"),
        (None, None, "c", None, "c"),
        (None, None, None, None, "score"),
    ],
)
def test_an_option_wins_over_the_configuration_and_that_over_the_environment(
    flask_key: str | None,
    key: str | None,
    environment: str | None,
    option: str | None,
    model: str,
    score_baseline: boxkite.Baseline,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = Flask("service")
    app.config.update(FLASK_BOXKITE_MODEL=flask_key, BOXKITE_MODEL=key)
    if environment:
        monkeypatch.setenv("FLASK_BOXKITE_MODEL", environment)
    Boxkite(app, baseline=score_baseline, model=option)
    assert app.extensions["boxkite"].baseline.model == model


@pytest.mark.parametrize("prefixed", [False, True])
@pytest.mark.parametrize("version", ["7", "v7", "00123"])
def test_the_environment_says_the_same_through_from_prefixed_env(
    prefixed: bool,
    version: str,
    score_baseline: boxkite.Baseline,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FLASK_BOXKITE_VERSION", version)
    monkeypatch.setenv("FLASK_BOXKITE_METRICS_PATH", "/numbers")
    app = Flask("service")
    if prefixed:
        app.config.from_prefixed_env()
    Boxkite(app, baseline=score_baseline)
    assert app.extensions["boxkite"].baseline.version == version
    assert app.test_client().get("/numbers").status_code == 200


def test_the_baseline_is_read_from_the_configured_file(
    tmp_path: Path, score_baseline: boxkite.Baseline
) -> None:
    score_baseline.write(tmp_path / "histogram.prom")
    app = Flask("service")
    app.config["BOXKITE_BASELINE"] = tmp_path / "histogram.prom"
    Boxkite(app)
    assert app.extensions["boxkite"].baseline == score_baseline


def test_a_service_without_baseline_answers_and_says_once_what_is_missing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = Flask("service")
    monitor = Boxkite()
    app.config["BOXKITE_BASELINE"] = str(tmp_path / "histogram.prom")
    with_view(app, monitor)
    with caplog.at_level(logging.WARNING, "boxkite"):
        monitor.init_app(app)
        answers = [app.test_client().get("/score").json for _ in range(3)]
    assert answers == [{"score": 0.3}] * 3
    assert [each.getMessage().partition(":")[0] for each in caplog.records] == ["boxkite baseline"]
    assert predictions(app) == [
        'boxkite_predictions_total{model_name="default",model_version="none"} 3'
    ]


@pytest.mark.parametrize("enabled", [False, "false", "0"])
def test_switched_off_it_leaves_everything_as_it_was(
    enabled: Any, score_baseline: boxkite.Baseline, records: Any
) -> None:
    bare = Flask("service")
    app = Flask("service")
    app.config["BOXKITE_ENABLED"] = enabled
    monitor = Boxkite(app, baseline=score_baseline, log=records)
    with_view(app, monitor)
    response = app.test_client().get("/score")
    assert (response.json, "X-Prediction-Id" in response.headers) == ({"score": 0.3}, False)
    assert app.test_client().get("/metrics").status_code == 404
    assert (list(records), app.extensions, app.blueprints) == ([], bare.extensions, bare.blueprints)


def test_it_is_set_up_before_the_first_request_or_not_at_all(
    score_baseline: boxkite.Baseline,
) -> None:
    app = Flask("service")
    app.test_client().get("/")
    with pytest.raises(AssertionError, match="has already handled its first request"):
        Boxkite(app, baseline=score_baseline)
    assert "boxkite" not in app.extensions


@pytest.mark.parametrize("server_id", ["a\r\nSet-Cookie: b=c", "a\nb", "größe", "\x7f"])
def test_a_server_id_that_could_not_go_into_a_header_is_refused(
    server_id: str, score_baseline: boxkite.Baseline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEDROCK_SERVER_ID", server_id)
    with pytest.raises(boxkite.ConfigError, match=r"^BEDROCK_SERVER_ID is .*; use printable"):
        Boxkite(Flask("service"), baseline=score_baseline)


def test_the_applications_own_metrics_are_in_the_same_answer(
    score_baseline: boxkite.Baseline,
) -> None:
    registry = CollectorRegistry()
    Counter("own", "Of the application.", registry=registry).inc(7)
    app = Flask("service")
    Boxkite(app, baseline=score_baseline, registry=registry)
    lines = app.test_client().get("/metrics").text.splitlines()
    assert "own_total 7.0" in lines
    assert 'boxkite_predictions_total{model_name="score",model_version="1"} 0' in lines


def test_the_default_registry_is_shown_by_default(score_baseline: boxkite.Baseline) -> None:
    app = Flask("service")
    Boxkite(app, baseline=score_baseline)
    families = app.test_client().get("/metrics").text.splitlines()
    assert "# TYPE python_info gauge" in families
