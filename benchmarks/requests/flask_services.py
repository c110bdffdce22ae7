"""The view in Flask, bare and monitored."""

from __future__ import annotations

from typing import Any

from flask import Flask, request
from service import Service, fitted, flush_each_second, predecessor_monitor

__all__ = ["bare", "boxkite", "exporter", "predecessor"]


def _predict() -> dict[str, Any]:
    return {"score": request.get_json()["inputs"][0]}


def bare(_: Service) -> Flask:
    """Return the service that nothing monitors."""
    app = Flask(__name__)
    app.post("/predict")(_predict)
    return app


def boxkite(service: Service) -> Flask:
    """Return the service with every feature and the score counted and logged."""
    from boxkite_flask import Boxkite

    app = Flask(__name__)
    monitor = Boxkite(app, **fitted(service))
    app.post("/predict")(monitor.predict(features="inputs", output="score")(_predict))
    app.post("/flush")(lambda: {"flushed": app.extensions["boxkite"].flush(60)})
    flush_each_second(app.extensions["boxkite"])
    return app


def predecessor(service: Service) -> Flask:
    """Return the service as the guide of boxkite 0.0.5 has it."""
    app = Flask(__name__)
    monitor = predecessor_monitor(service)

    @app.post("/predict")
    def predict() -> dict[str, Any]:
        inputs = request.get_json()["inputs"]
        body = request.get_data(as_text=True)
        return {
            "score": inputs[0],
            "prediction_id": monitor.log_prediction(body, inputs, inputs[0]),
        }

    return app


def exporter(service: Service) -> Flask:
    """Return the service with its requests counted by prometheus-flask-exporter."""
    from prometheus_flask_exporter import PrometheusMetrics

    app = bare(service)
    PrometheusMetrics(app)
    return app
