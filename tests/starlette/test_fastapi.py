"""FastAPI's typed endpoints: the decorator changes neither what they take nor their document."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any, Generic, Literal, TypeVar

import pytest
from fastapi import (
    APIRouter,
    BackgroundTasks,
    Body,
    Cookie,
    Depends,
    FastAPI,
    File,
    Form,
    Header,
    HTTPException,
    Path,
    Query,
    Request,
    Response,
    Security,
    UploadFile,
)
from fastapi.responses import StreamingResponse
from fastapi.security import APIKeyHeader
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


T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    """Several of something."""

    items: list[T]
    total: int


class Filters(BaseModel):
    """A model of the query."""

    colour: Literal["red", "blue"] = "red"
    limit: Annotated[int, Field(ge=1)] = 10


class Limit:
    """A dependency that is a class; older FastAPIs resolve no name of ours in its annotations."""

    def __init__(self, limit: int = Query(5, ge=1)) -> None:
        self.limit = limit


class Checker:
    """A dependency that is an object."""

    def __call__(self, x_checked: str = Header("no")) -> bool:
        return x_checked == "yes"


closed: list[str] = []


def session(name: Annotated[str, Query()] = "a") -> Iterator[str]:
    yield name
    closed.append(name)


async def async_session(outer: Annotated[str, Depends(session)]) -> AsyncIterator[str]:
    yield f"{outer}/async"
    closed.append(f"{outer}/async")


key = APIKeyHeader(name="x-key", auto_error=False)


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


def by_form(age: Annotated[float, Form(ge=0)], colour: Annotated[str, Form()] = "red") -> Score:
    current_prediction.features = [age, colour]
    return Score(score=age / 100)


async def by_file(
    upload: UploadFile, more: Annotated[bytes | None, File()] = None, note: str = Form("")
) -> Score:
    current_prediction.features = json.loads(await upload.read())
    return Score(score=current_prediction.features["age"] / 100, id=f"{note} {more!r}")


def by_query_model(row: Row, filters: Annotated[Filters, Query()]) -> Score:
    return Score(score=row.age / filters.limit / 10)


async def by_generic(row: Row) -> Page[Score]:
    current_prediction.output = row.age / 100
    return Page[Score](items=[Score(score=row.age / 100)], total=1)


def by_class_dependency(
    row: Row,
    limit: Annotated[Limit, Depends()],
    checked: Annotated[bool, Depends(Checker())],
) -> Score:
    return Score(score=row.age / limit.limit / 20, id=str(checked))


async def by_session(row: Row, name: Annotated[str, Depends(async_session)]) -> Score:
    assert not closed
    return Score(score=row.age / 100, id=name)


def by_key(
    row: Row,
    secret: Annotated[str | None, Security(key)],
    seen: Annotated[str | None, Cookie()] = None,
) -> dict[str, float] | Score:
    return {"score": row.age / 100} if secret else Score(score=row.age / 100, id=seen)


async def by_task(row: Row, tasks: BackgroundTasks) -> Score:
    tasks.add_task(closed.append, "task")
    return Score(score=row.age / 100)


async def by_stream(row: Row) -> StreamingResponse:
    current_prediction.output = row.age / 100
    return StreamingResponse(iter([b'{"score":', b"0.3}"]), media_type="application/json")


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
    ("/form", by_form, {}),
    ("/file", by_file, {}),
    ("/query", by_query_model, {}),
    ("/generic", by_generic, {"response_description": "A page"}),
    ("/class", by_class_dependency, {"dependencies": [Depends(scale)]}),
    ("/session", by_session, {"status_code": 202}),
    ("/key", by_key, {"response_model_exclude_unset": True}),
    ("/task", by_task, {"include_in_schema": True}),
    ("/stream", by_stream, {"response_class": StreamingResponse}),
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
        ("/form", {"data": {"age": "30"}}, 200, [(EXAMPLE, 0.3)]),
        (
            "/file",
            {"files": {"upload": json.dumps(EXAMPLE).encode()}, "data": {"note": "n"}},
            200,
            [(EXAMPLE, 0.3)],
        ),
        ("/query?limit=5&colour=blue", {"json": EXAMPLE}, 200, [(EXAMPLE, 0.6)]),
        ("/generic", {"json": EXAMPLE}, 200, [(EXAMPLE, 0.3)]),
        ("/class", {"json": EXAMPLE, "headers": {"x-checked": "yes"}}, 200, [(EXAMPLE, 0.3)]),
        ("/session?name=b", {"json": EXAMPLE}, 202, [(EXAMPLE, 0.3)]),
        ("/key", {"json": EXAMPLE, "headers": {"x-key": "k"}}, 200, [(EXAMPLE, 0.3)]),
        ("/task", {"json": EXAMPLE}, 200, [(EXAMPLE, 0.3)]),
        ("/stream", {"json": EXAMPLE}, 200, [(EXAMPLE, 0.3)]),
        ("/form", {"data": {"age": "-1"}}, 422, []),
        ("/query?limit=0", {"json": EXAMPLE}, 422, []),
        ("/class?limit=0", {"json": EXAMPLE}, 422, []),
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
    closed.clear()
    response = ask(client_of, app, path, **options)
    assert response.status_code == status
    ended = {"/session?name=b": ["b/async", "b"], "/task": ["task"]}
    assert closed == ended.get(path, [])
    assert ("x-prediction-id" in response.headers) == bool(counted)
    assert [(each.features, each.output) for each in records] == counted
    response.headers.pop("x-prediction-id", None)
    uses_context = ("/path", "/fields", "/form", "/file", "/generic", "/stream")
    if not path.startswith(uses_context):
        closed.clear()
        plain = ask(client_of, service(lambda endpoint: endpoint), path, **options)
        assert (response.content, response.headers) == (plain.content, plain.headers)
