"""The view in FastAPI, bare and monitored."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, FastAPI, Request
from service import Service, fitted, flush_each_second, predecessor_monitor

__all__ = ["bare", "boxkite", "exporter", "predecessor"]

Inputs = Annotated[list[float], Body(embed=True)]


async def _predict(inputs: Inputs) -> dict[str, Any]:
    return {"score": inputs[0]}


def bare(_: Service) -> FastAPI:
    """Return the service that nothing monitors."""
    app = FastAPI()
    app.post("/predict")(_predict)
    return app


def boxkite(service: Service) -> FastAPI:
    """Return the service with every feature and the score counted and logged."""
    from boxkite_starlette import Boxkite

    app = FastAPI()
    monitor = Boxkite(app, **fitted(service))
    app.post("/predict")(monitor.predict(features="inputs", output="score")(_predict))
    app.post("/flush")(lambda: {"flushed": app.state.boxkite.flush(60)})
    flush_each_second(app.state.boxkite)
    return app


def predecessor(service: Service) -> FastAPI:
    """Return the service as the guide of boxkite 0.0.5 has it."""
    app = FastAPI()
    monitor = predecessor_monitor(service)

    @app.post("/predict")
    async def predict(request: Request, inputs: Inputs) -> dict[str, Any]:
        body = (await request.body()).decode()
        identifier = monitor.log_prediction(body, inputs, inputs[0])
        return {"score": inputs[0], "prediction_id": identifier}

    return app


def exporter(service: Service) -> FastAPI:
    """Return the service with its requests counted by prometheus-fastapi-instrumentator."""
    from prometheus_fastapi_instrumentator import Instrumentator

    app = bare(service)
    Instrumentator().instrument(app).expose(app)
    return app
