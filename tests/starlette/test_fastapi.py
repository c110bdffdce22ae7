"""FastAPI's typed endpoints: the decorator changes neither what they take nor their document."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Annotated, Any, Literal

import pytest
from fastapi import (
    APIRouter,
    Body,
    Depends,
    FastAPI,
    Header,
    HTTPException,
    Path,
    Query,
    Request,
    Response,
)
from pydantic import BaseModel, Field

from boxkite import current_prediction
from boxkite_starlette import Boxkite


class Row(BaseModel):
    """What the model takes."""

    age: float = Field(ge=0)
    colour: Literal["red", "blue"] = "red"


class Score(BaseModel):
    """What it answers."""

    score: float
    id: str | None = None


def scale(by: Annotated[float, Query(gt=0)] = 100) -> float:
    return by


Scale = Annotated[float, Depends(scale)]


async def by_model(row: Row, by: Scale) -> Score:
    """Say the score."""
    return Score(score=row.age / by)


def sync_by_model(row: Row, by: Scale) -> Score:
    return Score(score=row.age / by)


async def by_default_depends(row: Row, by: float = Depends(scale)) -> dict[str, float]:
    return {"score": row.age / by}


def by_path(age: Annotated[int, Path(ge=0)], x_colour: Annotated[str, Header()] = "red") -> Score:
    current_prediction.features = [age, x_colour]
    return Score(score=age / 100)


def by_parts(row: Annotated[Row, Body(embed=True)], by: Annotated[float, Body()]) -> Score:
    return Score(score=row.age / by)


def by_rows(rows: list[Row]) -> list[Score]:
    return [Score(score=row.age / 100) for row in rows]


def by_fields(age: Annotated[float, Body()], colour: Annotated[str, Body()] = "red") -> Score:
    current_prediction.features = [age, colour]
    return Score(score=age / 100)


async def by_request(request: Request, response: Response) -> Any:
    response.headers["x-model"] = "a"
    return {"score": (await request.json())["age"] / 100}


async def filtered(row: Row) -> Any:
    return {"score": row.age / 100, "secret": 7}


def refused(row: Row) -> Score:
    raise HTTPException(409, f"not {row.age}")


def broken(row: Row) -> Score:
    return Score(score="high") if row.age < 0 else {"result": 1}  # type: ignore[arg-type, return-value]


EXAMPLE = {"age": 30, "colour": "red"}
ENDPOINTS: list[tuple[str, Callable[..., Any], dict[str, Any]]] = [
    ("/model", by_model, {"status_code": 201, "tags": ["scores"]}),
    ("/sync", sync_by_model, {"response_model_exclude_none": True}),
    ("/default", by_default_depends, {"summary": "By a default"}),
    ("/path/{age}", by_path, {}),
    ("/parts", by_parts, {"deprecated": True}),
    ("/rows", by_rows, {}),
    ("/fields", by_fields, {"operation_id": "fields"}),
    ("/request", by_request, {"responses": {409: {"description": "no"}}}),
    ("/filtered", filtered, {"response_model": Score, "name": "named"}),
    ("/refused", refused, {}),
    ("/broken", broken, {}),
]


def service(decorate: Callable[[Any], Any]) -> FastAPI:
    """The endpoints on an application, half of them through a router."""
    app = FastAPI(title="scores", version="1")
    router = APIRouter()
    for i, (path, endpoint, options) in enumerate(ENDPOINTS):
        (app if i % 2 else router).post(path, **options)(decorate(endpoint))
    app.include_router(router)
    return app


def ask(client_of: Callable[..., Any], app: Any, path: str, **options: Any) -> Any:
    """Post to an endpoint; returns the response."""

    async def send() -> Any:
        async with client_of(app) as client:
            return await client.post(path, **options)

    return asyncio.run(send())


def test_the_openapi_document_is_the_same_with_and_without_the_decorator(
    monitor: Boxkite,
) -> None:
    decorated = service(monitor.predict(output="score"))
    monitor.init_app(decorated)
    plain = service(lambda endpoint: endpoint)
    assert json.dumps(decorated.openapi()) == json.dumps(plain.openapi())
    assert len(decorated.openapi()["paths"]) == len(ENDPOINTS)


@pytest.mark.parametrize(
    ("path", "options", "status", "counted"),
    [
        ("/model", {"json": EXAMPLE}, 201, [(EXAMPLE, 0.3)]),
        ("/model?by=50", {"json": EXAMPLE}, 201, [(EXAMPLE, 0.6)]),
        ("/sync", {"json": EXAMPLE}, 200, [(EXAMPLE, 0.3)]),
        ("/default", {"json": EXAMPLE}, 200, [(EXAMPLE, 0.3)]),
        (
            "/path/30",
            {"headers": {"x-colour": "blue"}},
            200,
            [({"age": 30, "colour": "blue"}, 0.3)],
        ),
        ("/fields", {"json": EXAMPLE}, 200, [(EXAMPLE, 0.3)]),
        ("/request", {"json": EXAMPLE}, 200, [(EXAMPLE, 0.3)]),
        ("/filtered", {"json": EXAMPLE}, 200, [(EXAMPLE, 0.3)]),
        ("/refused", {"json": EXAMPLE}, 409, []),
        ("/broken", {"json": EXAMPLE}, 500, []),
        ("/model", {"json": {"age": -1}}, 422, []),
        ("/model?by=0", {"json": EXAMPLE}, 422, []),
        ("/model", {"content": b"{"}, 422, []),
        ("/path/x", {}, 422, []),
    ],
)
def test_an_endpoint_answers_as_without_the_decorator_and_is_counted(
    path: str,
    options: dict[str, Any],
    status: int,
    counted: list[Any],
    monitor: Boxkite,
    records: Any,
    client_of: Callable[..., Any],
) -> None:
    app = service(monitor.predict(output="score"))
    monitor.init_app(app)
    response = ask(client_of, app, path, **options)
    assert response.status_code == status
    assert ("x-prediction-id" in response.headers) == bool(counted)
    assert [(each.features, each.output) for each in records] == counted
    response.headers.pop("x-prediction-id", None)
    if not path.startswith(("/path", "/fields")):  # those use the context
        plain = ask(client_of, service(lambda endpoint: endpoint), path, **options)
        assert (response.content, response.headers) == (plain.content, plain.headers)
