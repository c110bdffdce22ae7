"""A thousand interleaved requests to two models: no record mixes two requests."""

import asyncio
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated, Any

import anyio.from_thread
import flask
import httpx
import pytest
from fastapi import Body, FastAPI
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse

import boxkite
import boxkite_flask
import boxkite_starlette
from boxkite import current_prediction
from boxkite.adapters import Extension

REQUESTS = 1000
MODELS = ("a", "b")
FEATURES = boxkite_flask.Boxkite().features
OUTPUT = boxkite_flask.Boxkite().output


@FEATURES
def prepared(number: int) -> list[int]:
    return [number]


@OUTPUT
async def scored(number: int) -> int:
    await asyncio.sleep(0.001)
    return -number


@dataclass
class Sent:
    """A request to send. How it ends decides whether it is a prediction."""

    number: int
    model: str = field(init=False)
    view: str = field(init=False)
    end: str = field(init=False)

    def __post_init__(self) -> None:
        chance = random.Random(self.number)
        self.model = chance.choice(MODELS)
        self.view = chance.choice(["source", "set", "marked", "async source"])
        ends = ["well", "well", "well", "raise", "refuse", "hang", "time out"]
        self.end = chance.choice(ends)

    @property
    def path(self) -> str:
        return f"/{self.view.replace(' ', '-')}/{self.model}"

    @property
    def body(self) -> dict[str, Any]:
        return {"number": self.number, "end": self.end}


SENT = [Sent(number) for number in range(REQUESTS)]


def ended(body: Any) -> tuple[dict[str, Any], int]:
    """Return the view's content and status, or raise."""
    if body["end"] == "raise":
        raise ValueError(body["number"])
    return {"output": -body["number"], "id": current_prediction.id}, (
        409 if body["end"] == "refuse" else 200
    )


def in_a_thread(body: Any) -> tuple[dict[str, Any], int]:
    current_prediction.features = [body["number"]]
    time.sleep(0.001 * (body["number"] % 3))
    current_prediction.output = -body["number"]
    return ended(body)


async def marked(body: Any) -> tuple[dict[str, Any], int]:
    prepared(body["number"])
    await asyncio.gather(*(asyncio.sleep(0.001) for _ in range(2)), scored(body["number"]))
    if body["end"] == "hang":
        await asyncio.sleep(3600)
    return ended(body)


async def waiting(body: Any) -> tuple[dict[str, Any], int]:
    await asyncio.sleep(0.001 * (body["number"] % 5))
    if body["end"] == "hang":
        await asyncio.sleep(3600)
    return ended(body)


async def number_of(request: Any) -> list[int]:
    await asyncio.sleep(0.001)
    return [(await request.json())["number"]]


def add_starlette_views(app: Starlette, monitor: Extension, model: str) -> None:
    def added(path: str, view: Callable[..., Any], **sources: Any) -> None:
        async def endpoint(request: Request) -> JSONResponse:
            return JSONResponse(*await view(await request.json()))

        decorated = monitor.predict(model=model, **sources)(endpoint)
        app.add_route(f"/{path}/{model}", decorated, methods=["POST"])

    @monitor.predict(model=model)
    def sync_endpoint(request: Request) -> JSONResponse:
        return JSONResponse(*in_a_thread(anyio.from_thread.run(request.json)))

    app.add_route(f"/set/{model}", sync_endpoint, methods=["POST"])
    added("source", waiting, features=["number"], output="output")
    added("async-source", waiting, features=number_of, output="output")
    added("marked", marked)


def add_fastapi_views(app: FastAPI, monitor: Extension, model: str) -> None:
    def added(path: str, view: Callable[..., Any], **sources: Any) -> None:
        async def endpoint(body: Annotated[Any, Body()]) -> Any:
            return JSONResponse(*await view(body))

        app.post(f"/{path}/{model}")(monitor.predict(model=model, **sources)(endpoint))

    @app.post(f"/set/{model}")
    @monitor.predict(model=model)
    def sync_endpoint(body: Annotated[Any, Body()]) -> Any:
        return JSONResponse(*in_a_thread(body))

    added("source", waiting, features=["number"], output="output")
    added("async-source", waiting, features=number_of, output="output")
    added("marked", marked)


def add_flask_views(app: flask.Flask, monitor: Extension, model: str) -> None:
    @monitor.predict(model=model)
    def set_in_the_view() -> Any:
        return in_a_thread(flask.request.get_json())

    @monitor.predict(model=model, features=["number"], output="output")
    def found() -> Any:
        time.sleep(0.001)
        return ended(flask.request.get_json())

    @monitor.predict(model=model)
    async def in_a_loop() -> Any:
        return await marked(flask.request.get_json())

    @monitor.predict(model=model, features=["number"], output="output")
    async def found_in_a_loop() -> Any:
        return await waiting(flask.request.get_json())

    app.post(f"/set/{model}", endpoint=f"set {model}")(set_in_the_view)
    app.post(f"/source/{model}", endpoint=f"source {model}")(found)
    app.post(f"/marked/{model}", endpoint=f"marked {model}")(in_a_loop)
    app.post(f"/async-source/{model}", endpoint=f"async {model}")(found_in_a_loop)


@pytest.fixture(scope="module")
def baseline() -> boxkite.Baseline:
    numbers = list(range(REQUESTS))
    return boxkite.Baseline.fit({"number": numbers}, {"output": [-each for each in numbers]})


def set_up(
    app: Any, extension: Any, add_views: Callable[..., None], baseline: Any, records: Any
) -> None:
    for model in MODELS:
        monitor = extension(
            app, model=model, baseline=baseline, log=records, log_request_body=True, registry=None
        )
        add_views(app, monitor, model)


async def ask_all(app: Any) -> dict[int, httpx.Response]:
    """Send all requests, give some of them up, and return the responses by number."""
    answers: dict[int, httpx.Response] = {}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    room = asyncio.Semaphore(50)

    async def ask(client: httpx.AsyncClient, sent: Sent) -> None:
        async with room:
            waits = {"hang": 0.05, "time out": 0.0005 * (sent.number % 10)}.get(sent.end)
            request = client.post(sent.path, json=sent.body)
            with suppress(TimeoutError):
                answers[sent.number] = await asyncio.wait_for(request, waits)

    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        await asyncio.gather(*(ask(client, sent) for sent in SENT))
    return answers


def check(answers: dict[int, Any], records: Any, scrape: str) -> None:
    """Check that no record mixes two requests, and that the counts match the records."""
    found = {each.request_body["number"]: each for each in records}
    assert len(found) == len(records)
    for number, record in found.items():
        row = (SENT[number].model, {"number": number}, -number)
        assert (record.model, record.features, record.output) == row
    for sent in SENT:
        if sent.end in ("well", "raise", "refuse"):
            assert (sent.number in found) == (sent.end == "well")
        answer = answers.get(sent.number)
        if answer is not None and answer.status_code == 200:
            prediction_id = found[sent.number].prediction_id
            assert answer.headers["x-prediction-id"] == prediction_id
            said = answer.get_json() if isinstance(answer, flask.Response) else answer.json()
            assert said == {"output": -sent.number, "id": prediction_id}
    counted = samples(scrape)
    for model in MODELS:
        numbers = [number for number in found if SENT[number].model == model]
        assert counted["boxkite_predictions_total", model, None] == len(numbers)
        assert counted["boxkite_value_sum", model, "number"] == sum(numbers)
        assert counted["boxkite_value_sum", model, "output"] == -sum(numbers)


def samples(scrape: str) -> dict[tuple[str, str, str | None], float]:
    return {
        (each.name, each.labels["model_name"], each.labels.get("variable")): each.value
        for family in text_string_to_metric_families(scrape)
        for each in family.samples
        if "model_name" in each.labels
    }


@pytest.mark.parametrize(
    ("application", "add_views"),
    [(Starlette, add_starlette_views), (FastAPI, add_fastapi_views)],
    ids=["starlette", "fastapi"],
)
def test_asgi(
    application: Any,
    add_views: Callable[..., None],
    baseline: boxkite.Baseline,
    records: Any,
) -> None:
    app = application()
    set_up(app, boxkite_starlette.Boxkite, add_views, baseline, records)

    async def run() -> tuple[dict[int, httpx.Response], str]:
        answers = await ask_all(app)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            return answers, (await client.get("/metrics")).text

    answers, scrape = asyncio.run(run())
    check(answers, records, scrape)


def test_flask(baseline: boxkite.Baseline, records: Any) -> None:
    app = flask.Flask("service")
    set_up(app, boxkite_flask.Boxkite, add_flask_views, baseline, records)

    def ask(sent: Sent) -> tuple[int, Any]:
        end = "well" if sent.end in ("hang", "time out") else sent.end
        return sent.number, app.test_client().post(sent.path, json={**sent.body, "end": end})

    with ThreadPoolExecutor(16) as pool:
        answers = dict(pool.map(ask, SENT))
    check(answers, records, app.test_client().get("/metrics").text)
