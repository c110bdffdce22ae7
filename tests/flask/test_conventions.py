"""What Flask's users know of extensions: configuration, signals, blueprints, mounting, async."""

import gc
import weakref
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask, Response, current_app, request, stream_with_context
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

import boxkite
from boxkite import Settings, signals
from boxkite_flask import Boxkite

ROW = {"age": 30, "colour": "red"}


def shown(app: Flask) -> dict[str, Any]:
    return {
        key.removeprefix("FLASK_BOXKITE_").lower(): value
        for key, value in app.config.items()
        if key.startswith("FLASK_BOXKITE_")
    }


def test_the_configuration_shows_every_setting_as_it_took_effect(
    app: Flask, tmp_path: Path, score_baseline: boxkite.Baseline, monkeypatch: pytest.MonkeyPatch
) -> None:
    score_baseline.write(tmp_path / "histogram.prom")
    monkeypatch.setenv("FLASK_BOXKITE_ENDPOINT_ID", "arrivals")
    app.config.update(BOXKITE_LOG_TTL="7d", FLASK_BOXKITE_LOG_SAMPLE="0.5")
    app.config["FLASK_BOXKITE_METRICS_TOKEN"] = "s"
    Boxkite(app, baseline=tmp_path / "histogram.prom", model="a", log="none:")
    changed = {
        "baseline": str(tmp_path / "histogram.prom"),
        "endpoint_id": "arrivals",
        "log": "none:",
        "log_sample": "0.5",
        "log_ttl": 7 * 86400.0,
        "metrics_token": "s",
        "model": "a",
    }
    defaults = {name: getattr(Settings(), name) for name in Settings.__dataclass_fields__}
    assert shown(app) == {**defaults, **changed}


def test_an_object_is_not_shown_as_a_setting(
    app: Flask, score_baseline: boxkite.Baseline, records: Any
) -> None:
    Boxkite(app, baseline=score_baseline, log=records)
    assert set(Settings.__dataclass_fields__) - set(shown(app)) == {"baseline", "log"}


def test_the_configuration_of_one_application_sets_another_up_alike(
    app: Flask, score_baseline: boxkite.Baseline
) -> None:
    Boxkite(app, baseline=score_baseline, server_id="s")
    other = Flask("other")
    other.config.update(app.config)
    Boxkite(other, baseline=score_baseline)
    assert other.extensions["boxkite"].settings == app.extensions["boxkite"].settings


def test_signals_are_sent_by_the_application_with_the_monitor_beside_it(
    app: Flask, score_baseline: boxkite.Baseline
) -> None:
    told: list[Any] = []

    def receiver(sender: Any, monitor: boxkite.Monitor, **values: Any) -> None:
        told.append((type(sender), sender is app, monitor, set(values)))

    def failing(_: Any, **__: Any) -> None:
        raise RuntimeError("receiver")

    with (
        signals.baseline_loaded.connected_to(receiver, sender=app),
        signals.prediction_logged.connected_to(failing, sender=app),
        signals.prediction_logged.connected_to(receiver, sender=app),
    ):
        extension = Boxkite(app, baseline=score_baseline)
        app.add_url_rule("/", "score", extension.predict(lambda: {"score": 0.3}))
        response = app.test_client().get("/")
    monitor = app.extensions["boxkite"]
    assert told == [
        (Flask, True, monitor, {"baseline"}),
        (Flask, True, monitor, {"prediction_id", "features", "output"}),
    ]
    assert (response.status_code, monitor.reporter.counts()["signal"]) == (200, 1)


def test_nothing_keeps_an_application_alive(score_baseline: boxkite.Baseline) -> None:
    extension = Boxkite(baseline=score_baseline)
    app = Flask("service")
    extension.init_app(app)
    monitor = app.extensions["boxkite"]
    monitor.log_prediction(ROW, 0.3)
    monitor.export()
    gone = weakref.ref(app)
    del app
    gc.collect()
    assert gone() is None
    assert monitor.log_prediction(ROW, 0.3)


def test_a_view_of_a_nested_blueprint_is_counted(
    app: Flask, monitor: Boxkite, records: Any
) -> None:
    inner, outer = Blueprint("inner", __name__), Blueprint("outer", __name__)

    @inner.post("/score")
    @monitor.predict(output="score")
    def score() -> dict[str, float]:
        return {"score": request.get_json()["age"] / 100}

    outer.register_blueprint(inner, url_prefix="/v1")
    app.register_blueprint(outer, url_prefix="/models")
    assert app.test_client().post("/models/v1/score", json=ROW).json == {"score": 0.3}
    assert [(each.features, each.output) for each in records] == [(ROW, 0.3)]


def test_a_stream_with_context_goes_out_as_it_is(
    app: Flask, monitor: Boxkite, records: Any
) -> None:
    @app.post("/score")
    @monitor.predict
    def score() -> Response:
        boxkite.current_prediction.features = request.get_json()
        boxkite.current_prediction.output = 0.3

        @stream_with_context
        def parts() -> Any:
            yield request.path
            yield current_app.name

        return Response(parts())

    assert app.test_client().post("/score", json=ROW).data == b"/scoreservice"
    assert [(each.features, each.output) for each in records] == [(ROW, 0.3)]


def test_an_async_view_is_counted(app: Flask, monitor: Boxkite, records: Any) -> None:
    @app.post("/score")
    @monitor.predict(output="score")
    async def score() -> dict[str, float]:
        return {"score": request.get_json()["age"] / 100}

    assert app.test_client().post("/score", json=ROW).json == {"score": 0.3}
    assert [(each.features, each.output) for each in records] == [(ROW, 0.3)]


def test_each_application_of_a_dispatcher_has_its_metrics_below_its_prefix(
    app: Flask, score_baseline: boxkite.Baseline
) -> None:
    other = Flask("other")
    for each, model in ((app, "a"), (other, "b")):
        each.config["APPLICATION_ROOT"] = f"/{model}"
        Boxkite(each, model=model, baseline=score_baseline, registry=None)
    client = Client(DispatcherMiddleware(Flask("root"), {"/a": app, "/b": other}))
    for model in "ab":
        answer = client.get(f"/{model}/metrics?name[]=boxkite_predictions_total")
        assert answer.text.splitlines()[2:] == [
            f'boxkite_predictions_total{{model_name="{model}",model_version="1"}} 0'
        ]
    assert client.get("/metrics").status_code == 404
