"""The view in Starlette, bare and monitored."""

from __future__ import annotations

from service import Service, fitted, flush_each_second, predecessor_monitor
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse

__all__ = ["bare", "boxkite", "exporter", "predecessor", "predict"]


async def predict(request: Request) -> JSONResponse:
    """Answer with the first input."""
    return JSONResponse({"score": (await request.json())["inputs"][0]})


def bare(_: Service) -> Starlette:
    """Return the service that nothing monitors."""
    app = Starlette()
    app.add_route("/predict", predict, methods=["POST"])
    return app


def boxkite(service: Service) -> Starlette:
    """Return the service with every feature and the score counted and logged."""
    from boxkite_starlette import Boxkite

    app = Starlette()
    monitor = Boxkite(app, **fitted(service))
    view = monitor.predict(features="inputs", output="score")(predict)
    app.add_route("/predict", view, methods=["POST"])

    def flush(_: Request) -> JSONResponse:
        return JSONResponse({"flushed": app.state.boxkite.flush(60)})

    app.add_route("/flush", flush, methods=["POST"])
    flush_each_second(app.state.boxkite)
    return app


def predecessor(service: Service) -> Starlette:
    """Return the service as the guide of boxkite 0.0.5 has it."""
    app = Starlette()
    monitor = predecessor_monitor(service)

    async def predict(request: Request) -> JSONResponse:
        inputs = (await request.json())["inputs"]
        body = (await request.body()).decode()
        identifier = monitor.log_prediction(body, inputs, inputs[0])
        return JSONResponse({"score": inputs[0], "prediction_id": identifier})

    app.add_route("/predict", predict, methods=["POST"])
    return app


def exporter(service: Service) -> Starlette:
    """Return the service with its requests counted by starlette-exporter."""
    from starlette_exporter import PrometheusMiddleware, handle_metrics

    app = bare(service)
    app.add_middleware(PrometheusMiddleware)
    app.add_route("/metrics", handle_metrics)
    return app
