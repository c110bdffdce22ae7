"""Several models in one application, each with its own counts, on one page of metrics."""

import logging
from typing import Any

import pytest
from flask import Flask

import boxkite
from boxkite_flask import Boxkite

ROW = {"age": 30, "colour": "red"}


def predictions(app: Flask, path: str = "/metrics") -> list[str]:
    """The series of the predictions of all models."""
    lines = app.test_client().get(path).text.splitlines()
    return [line for line in lines if line.startswith("boxkite_predictions_total")]


def add_view(app: Flask, path: str, monitor: Boxkite, **options: Any) -> None:
    """Add a view that predicts."""

    @monitor.predict(features=lambda _: ROW, output="score", **options)
    def score() -> dict[str, float]:
        return {"score": 0.3}

    app.add_url_rule(path, path, score)


@pytest.fixture
def two(app: Flask, score_baseline: boxkite.Baseline) -> tuple[Boxkite, Boxkite]:
    """Two models of one application."""
    options: Any = {"baseline": score_baseline, "registry": None}
    return Boxkite(app, model="a", **options), Boxkite(app, model="b", **options)


def test_each_object_counts_into_its_own_monitor(app: Flask, two: tuple[Boxkite, Boxkite]) -> None:
    for path, monitor in (("/a", two[0]), ("/b", two[1])):
        add_view(app, path, monitor)
    for path in ("/a", "/b", "/b"):
        app.test_client().get(path)
    assert predictions(app) == [
        'boxkite_predictions_total{model_name="a",model_version="1"} 1',
        'boxkite_predictions_total{model_name="b",model_version="1"} 2',
    ]


def test_a_model_can_be_named_and_another_object_counts_into_the_first(
    app: Flask, two: tuple[Boxkite, Boxkite]
) -> None:
    add_view(app, "/named", two[0], model="b")
    add_view(app, "/other", Boxkite())
    for path in ("/named", "/named", "/named", "/other"):
        app.test_client().get(path)
    assert predictions(app) == [
        'boxkite_predictions_total{model_name="a",model_version="1"} 1',
        'boxkite_predictions_total{model_name="b",model_version="1"} 3',
    ]


def test_a_model_that_is_not_there_is_reported_and_nothing_is_counted(
    app: Flask, two: tuple[Boxkite, Boxkite], caplog: pytest.LogCaptureFixture
) -> None:
    add_view(app, "/c", two[0], model="c")
    with caplog.at_level(logging.WARNING, "boxkite"):
        response = app.test_client().get("/c")
    assert (response.json, "X-Prediction-Id" in response.headers) == ({"score": 0.3}, False)
    (told,) = [each.getMessage() for each in caplog.records]
    assert told == (
        "boxkite features: view 'score': the application has no model 'c'; it has 'a', 'b' "
        "(1 so far)"
    )
    assert [line[-2:] for line in predictions(app)] == [" 0", " 0"]


@pytest.mark.usefixtures("two")
def test_the_monitors_are_found_by_name_and_the_first_under_its_old_key(app: Flask) -> None:
    models = app.extensions["boxkite_models"]
    assert list(models) == ["a", "b"]
    assert app.extensions["boxkite"] is models["a"]
    assert [each.baseline.model for each in models.values()] == ["a", "b"]


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("options", [{"model": "b"}, {"model": "a", "metrics_path": "/other"}])
def test_a_second_monitor_for_a_model_is_refused(
    options: Any, app: Flask, score_baseline: boxkite.Baseline
) -> None:
    before = (list(app.extensions["boxkite_models"]), set(app.blueprints))
    with pytest.raises(boxkite.ConfigError, match=rf"for model '{options['model']}', and a sec"):
        Boxkite(app, baseline=score_baseline, **options)
    assert (list(app.extensions["boxkite_models"]), set(app.blueprints)) == before


def test_a_model_that_is_switched_off_counts_nowhere(
    app: Flask, score_baseline: boxkite.Baseline
) -> None:
    off = Boxkite(app, model="b", baseline=score_baseline, enabled=False)
    Boxkite(app, model="a", baseline=score_baseline)
    add_view(app, "/b", off)
    assert "X-Prediction-Id" not in app.test_client().get("/b").headers
    assert predictions(app) == ['boxkite_predictions_total{model_name="a",model_version="1"} 0']


def test_another_path_shows_the_models_that_ask_for_it(
    app: Flask, score_baseline: boxkite.Baseline
) -> None:
    for model, path in (("a", "/metrics"), ("b", "/b"), ("c", "/b"), ("d", "")):
        Boxkite(app, model=model, baseline=score_baseline, metrics_path=path, registry=None)
    assert [predictions(app, path) for path in ("/metrics", "/b")] == [
        ['boxkite_predictions_total{model_name="a",model_version="1"} 0'],
        [
            'boxkite_predictions_total{model_name="b",model_version="1"} 0',
            'boxkite_predictions_total{model_name="c",model_version="1"} 0',
        ],
    ]


def allow(_: Any) -> bool:
    return True


@pytest.mark.parametrize(
    ("first", "second", "part"),
    [
        ({}, {"metrics_token": "b"}, "token"),
        ({"metrics_token": "a"}, {"metrics_token": "b"}, "token"),
        ({}, {"authorize": allow}, "authorize"),
        ({"metrics_token": "a"}, {"metrics_token": "a"}, None),
        ({"metrics_token": "a", "authorize": allow}, {}, None),
    ],
)
def test_a_page_is_protected_alike_for_all_models(
    first: Any, second: Any, part: str | None, app: Flask, score_baseline: boxkite.Baseline
) -> None:
    Boxkite(app, model="a", baseline=score_baseline, **first)
    if part is None:
        Boxkite(app, model="b", baseline=score_baseline, **second)
        assert app.test_client().get("/metrics").status_code == 401
        return
    with pytest.raises(boxkite.ConfigError) as refused:
        Boxkite(app, model="b", baseline=score_baseline, **second)
    assert str(refused.value) == (
        f"the metrics at /metrics are already protected by another {part}; pass the same one to "
        "each Boxkite of the application, or set another METRICS_PATH"
    )


def test_what_is_shown_of_the_first_models_settings_is_not_the_seconds_configuration(
    app: Flask, score_baseline: boxkite.Baseline
) -> None:
    app.config["BOXKITE_SERVER_ID"] = "s"
    Boxkite(app, model="a", version="7", baseline=score_baseline, log_sample=0.5)
    assert (app.config["FLASK_BOXKITE_MODEL"], app.config["FLASK_BOXKITE_VERSION"]) == ("a", "7")
    Boxkite(app, baseline=score_baseline)
    settings = app.extensions["boxkite_models"]["score"].settings
    assert (settings.version, settings.log_sample, settings.server_id) == (None, 1.0, "s")
