"""Endpoints that are generators, as newer FastAPIs take them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

import fastapi
import fastapi.routing
import pytest
from fastapi import Body, FastAPI

from boxkite import current_prediction
from boxkite_starlette import Boxkite

pytestmark = pytest.mark.skipif(
    not hasattr(fastapi.routing, "_is_async_gen_callable"),
    reason="this FastAPI takes no generators: pip install 'fastapi>=0.165'",
)

Age = Annotated[float, Body()]
Colour = Annotated[str, Body()]


def steps(age: Age, colour: Colour) -> Iterator[dict[str, float]]:
    assert colour
    yield {"age": age}
    if current_prediction:
        current_prediction.output = age / 100
    yield {"score": age / 100}


async def async_steps(age: Age, colour: Colour) -> AsyncIterator[dict[str, float]]:
    assert colour
    yield {"age": age}
    if current_prediction:
        current_prediction.output = age / 100
    yield {"score": age / 100}


def failing(age: Age, colour: Colour) -> Iterator[dict[str, float]]:
    yield {"age": age}
    raise ValueError(f"no model for {colour}")


def ask(client_of: Callable[..., Any], app: Any) -> Any:
    async def asked() -> Any:
        async with client_of(app) as client:
            return await client.post("/score", json={"age": 30, "colour": "red"})

    return asyncio.run(asked())


@pytest.mark.parametrize("endpoint", [steps, async_steps])
def test_a_generator_is_a_prediction_once_it_has_ended(
    monitor: Boxkite, records: Any, client_of: Callable[..., Any], endpoint: Any
) -> None:
    bare, app = FastAPI(), FastAPI()
    bare.post("/score")(endpoint)
    monitor.init_app(app)
    app.post("/score")(monitor.predict(endpoint))
    plain, response = ask(client_of, bare), ask(client_of, app)
    (record,) = records
    assert (response.status_code, response.content) == (200, plain.content)
    named = {**plain.headers, "x-prediction-id": record.prediction_id}
    assert dict(response.headers) == named
    assert (record.features, record.output) == ({"age": 30, "colour": "red"}, 0.3)
    assert app.openapi() == bare.openapi()


def test_a_generator_that_fails_is_no_prediction(
    monitor: Boxkite, records: Any, client_of: Callable[..., Any]
) -> None:
    app = FastAPI()
    monitor.init_app(app)
    app.post("/score")(monitor.predict(failing))
    assert ask(client_of, app).content == b'{"age":30.0}\n'
    assert list(records) == []
