"""A Flask service as its author writes it: every kind of view, and every option."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Request, request
from flask.typing import ResponseReturnValue
from flask.views import MethodView
from prometheus_client import CollectorRegistry

from boxkite import Baseline, Monitor, Policy, Prediction, current_prediction, signals
from boxkite.monitoring.exporter import FluentdExporter
from boxkite.testing import RecordingSink
from boxkite_flask import Boxkite

app = Flask(__name__)
monitor = Boxkite(app)
blueprint = Blueprint("scores", __name__)


@app.post("/sync")
@monitor.predict(features=["age", "colour"], output="score")
def score() -> dict[str, float]:
    current_prediction.output = 0.3
    return {"score": request.get_json()["age"] / 100}


@app.post("/bare")
@monitor.predict
def bare() -> str:
    current_prediction.features = {"age": 30}
    return current_prediction.id


@app.post("/async")
@monitor.predict(features="inputs.0", output=lambda returned: returned[0])
async def score_later() -> tuple[list[str], int]:
    ids: list[str] = current_prediction.ids
    return ids, 200


@blueprint.get("/stream/<int:age>")
@monitor.predict(features=lambda request: [request.view_args["age"]])
def steps(age: int) -> Iterator[str]:
    yield str(age)


class Score(MethodView):
    @monitor.predict(output="score", model="a")
    def post(self) -> ResponseReturnValue:
        return {"score": 0.3}, 201


@monitor.features
def as_row(age: int, colour: str = "red") -> list[Any]:
    return [age, colour]


@monitor.output
async def model(row: list[Any]) -> float:
    return float(row[0])


def is_scraper(request: Request) -> bool:
    return request.headers.get("X-Scraper") == "yes"


async def is_scraper_async(request: Request) -> bool:
    return is_scraper(request)


def create_app(baseline: Baseline) -> Flask:
    created = Flask("created")
    Boxkite(
        created,
        baseline=baseline,
        log="s3://bucket/log",
        registry=CollectorRegistry(),
        policy=Policy(),
        authorize=is_scraper,
        model="a",
        version=None,
        metrics_path="/internal/metrics",
        log_ttl="30d",
        log_redact=("ssn",),
        state_dir=Path("/var/lib/scores"),
        enabled=True,
    )
    for log in (Path("/var/log/scores"), RecordingSink(), FluentdExporter(), None):
        Boxkite(baseline="histogram.prom", log=log, authorize=is_scraper_async).init_app(created)
    first: Monitor = created.extensions["boxkite"]
    first.log_prediction([30, "red"], 0.3)
    return created


def names() -> tuple[str, ResponseReturnValue, float]:
    decorated: dict[str, float] = score()
    return str(decorated), Score().post(), len(as_row(30, colour="blue"))


def current() -> Prediction | None:
    return current_prediction or None


@signals.prediction_logged.connect
def tell(_: Any, prediction_id: str, **values: Any) -> None:
    assert values, prediction_id
