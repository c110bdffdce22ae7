"""The kinds of endpoints that can be decorated, and the forms of what they return."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.endpoints import HTTPEndpoint
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route

from boxkite import current_prediction
from boxkite_starlette import Boxkite

ROW = {"age": 30, "colour": "red"}


def rows_of(records: Any) -> list[tuple[Any, Any]]:
    """The features and the output of each record."""
    return [(each.features, each.output) for each in records]


def ask(client_of: Callable[..., Any], app: Any, method: str, path: str, **options: Any) -> Any:
    """Send one request to an application and return the response."""

    async def send() -> Any:
        async with client_of(app) as client:
            return await client.request(method, path, **options)

    return asyncio.run(send())


def test_an_async_endpoint_is_counted(
    monitor: Boxkite, records: Any, client_of: Callable[..., Any]
) -> None:
    @monitor.predict(output="score")
    async def score(request: Request) -> JSONResponse:
        return JSONResponse({"score": (await request.json())["age"] / 100})

    app = Starlette(routes=[Route("/score", score, methods=["POST"])])
    monitor.init_app(app)
    response = ask(client_of, app, "POST", "/score", json=ROW)
    assert response.json() == {"score": 0.3}
    assert response.headers["x-prediction-id"].endswith(f"/{records[0].entity_id}")
    assert rows_of(records) == [(ROW, 0.3)]


def test_a_response_of_a_view_of_bytes_is_read(
    monitor: Boxkite, records: Any, client_of: Callable[..., Any]
) -> None:
    @monitor.predict(features=lambda _: [30, "red"])
    async def score(_: Request) -> Response:
        return Response(memoryview(b"NaN"), media_type="application/json")

    app = Starlette(routes=[Route("/score", score)])
    monitor.init_app(app)
    assert ask(client_of, app, "GET", "/score").content == b"NaN"
    assert [(each.features, str(each.output)) for each in records] == [(ROW, "nan")]


def test_there_is_one_id_whatever_the_application_set(
    monitor: Boxkite, records: Any, client_of: Callable[..., Any]
) -> None:
    @monitor.predict(features=lambda _: [30, "red"])
    async def score(_: Request) -> JSONResponse:
        response = JSONResponse(0.3)
        response.raw_headers.append((b"X-Prediction-Id", b"its own"))
        response.raw_headers.append((b"x-prediction-count", b"7"))
        return response

    app = Starlette(routes=[Route("/score", score)])
    monitor.init_app(app)
    headers = ask(client_of, app, "GET", "/score").headers
    (own,) = headers.get_list("x-prediction-id")
    assert own.endswith(f"/{records[0].entity_id}")
    assert headers["x-prediction-count"] == "7"


def test_what_a_traceback_may_show_has_neither_headers_nor_answers(
    monitor: Boxkite, client_of: Callable[..., Any]
) -> None:
    @monitor.predict(features=lambda _: [30, "red"])
    def diagnose() -> dict[str, str]:
        return {"diagnosis": "secret"}

    async def score(request: Request) -> PlainTextResponse:
        diagnose()
        return PlainTextResponse(repr(request.receive))

    app = Starlette(routes=[Route("/score", score)])
    monitor.init_app(app)
    text = ask(client_of, app, "GET", "/score", headers={"Authorization": "secret"}).text
    assert "Exchange" in text
    assert "secret" not in text


def test_a_sync_endpoint_is_counted_and_finds_its_context_in_its_thread(
    monitor: Boxkite, records: Any, client_of: Callable[..., Any]
) -> None:
    @monitor.predict
    def score(request: Request) -> PlainTextResponse:
        current_prediction.features = [request.path_params["age"], "red"]
        current_prediction.output = 0.3
        return PlainTextResponse(current_prediction.id)

    app = Starlette(routes=[Route("/score/{age:int}", score)])
    monitor.init_app(app)
    response = ask(client_of, app, "GET", "/score/30")
    assert response.text == response.headers["x-prediction-id"]
    assert rows_of(records) == [(ROW, 0.3)]


def test_a_class_based_endpoint_is_counted_by_its_methods(
    monitor: Boxkite, records: Any, client_of: Callable[..., Any]
) -> None:
    class Score(HTTPEndpoint):
        @monitor.predict(features=lambda request: [int(request.query_params["age"]), "red"])
        async def get(self, request: Request) -> JSONResponse:
            return JSONResponse({"score": int(request.query_params["age"]) / 100})

    app = Starlette(routes=[Route("/score", Score)])
    monitor.init_app(app)
    assert ask(client_of, app, "GET", "/score?age=30").json() == {"score": 0.3}
    assert rows_of(records) == [(ROW, 0.3)]
    with pytest.raises(TypeError, match=r"^Score is a class; decorate its methods instead$"):
        monitor.predict(Score)


def test_endpoints_of_a_mounted_application_are_counted(
    monitor: Boxkite, records: Any, client_of: Callable[..., Any]
) -> None:
    @monitor.predict(output="score")
    async def score(request: Request) -> JSONResponse:
        return JSONResponse({"score": (await request.json())["age"] / 100})

    inner = Starlette(routes=[Route("/score", score, methods=["POST"])])
    app = Starlette(routes=[Mount("/v1", inner)])
    monitor.init_app(app)
    assert ask(client_of, app, "POST", "/v1/score", json=ROW).json() == {"score": 0.3}
    assert rows_of(records) == [(ROW, 0.3)]


def test_an_endpoint_is_as_it_was_outside_a_request(monitor: Boxkite, records: Any) -> None:
    @monitor.predict
    async def score(age: int) -> float:
        """Say the score."""
        return age / 100

    assert asyncio.run(score(30)) == 0.3
    assert (score.__name__, score.__doc__, list(records)) == ("score", "Say the score.", [])


async def numbers() -> AsyncIterator[bytes]:
    for _ in range(100):
        yield b"0.3"


def sync_numbers() -> Iterator[str]:
    yield "0.3"


@pytest.mark.parametrize(
    "returned",
    [
        pytest.param(lambda: StreamingResponse(numbers()), id="stream"),
        pytest.param(lambda: StreamingResponse(sync_numbers(), 201), id="sync stream"),
        pytest.param(lambda: HTMLResponse("<p>0.3</p>"), id="HTML"),
        pytest.param(lambda: Response(), id="empty"),
    ],
)
def test_what_is_not_json_goes_out_as_it_is_and_needs_a_callable(
    returned: Callable[[], Response],
    monitor: Boxkite,
    records: Any,
    client_of: Callable[..., Any],
) -> None:
    async def plain(_: Request) -> Response:
        return returned()

    whole = monitor.predict(features=lambda _: ROW)(plain)
    by_callable = monitor.predict(features=lambda _: ROW, output=lambda _: 0.3)(plain)
    endpoints = {"/plain": plain, "/whole": whole, "/callable": by_callable}
    app = Starlette(routes=[Route(path, endpoint) for path, endpoint in endpoints.items()])
    monitor.init_app(app)
    answers = [ask(client_of, app, "GET", path) for path in endpoints]
    for answer in answers:
        answer.headers.pop("x-prediction-id", None)
    assert len({(each.status_code, str(each.headers), each.content) for each in answers}) == 1
    assert rows_of(records) == [(ROW, None), (ROW, 0.3)]
    assert app.state.boxkite.reporter.counts()["output"] == 1


@pytest.mark.parametrize("how", ["raise", "HTTPException", "status", "500"])
def test_errors_are_no_predictions(
    how: str, monitor: Boxkite, records: Any, client_of: Callable[..., Any]
) -> None:
    @monitor.predict(features=lambda _: ROW)
    async def score(_: Request) -> JSONResponse:
        if how == "raise":
            raise ValueError("no model")
        if how == "HTTPException":
            raise HTTPException(409)
        return JSONResponse({"score": 0.3}, 409 if how == "status" else 500)

    async def recovered(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"score": 0.0, "because": str(error)})

    app = Starlette(routes=[Route("/score", score)], exception_handlers={ValueError: recovered})
    monitor.init_app(app)
    response = ask(client_of, app, "GET", "/score")
    expected = {"raise": 200, "HTTPException": 409, "status": 409, "500": 500}
    assert response.status_code == expected[how]
    assert "x-prediction-id" not in response.headers
    assert list(records) == []


def test_a_background_task_runs_after_the_prediction_and_reads_the_same_request(
    monitor: Boxkite, records: Any, client_of: Callable[..., Any]
) -> None:
    seen: list[Any] = []

    @monitor.predict(output="score")
    async def score(request: Request) -> JSONResponse:
        async def later() -> None:
            seen.append((await request.json(), len(records)))

        await request.body()
        return JSONResponse({"score": 0.3}, background=BackgroundTask(later))

    app = Starlette(routes=[Route("/score", score, methods=["POST"])])
    monitor.init_app(app)
    ask(client_of, app, "POST", "/score", json=ROW)
    assert seen == [(ROW, 1)]


def test_one_decorated_endpoint_may_call_another(
    monitor: Boxkite, records: Any, client_of: Callable[..., Any]
) -> None:
    @monitor.predict(features=lambda _: [1, "blue"])
    def inner() -> float:
        return 0.1

    @monitor.predict(features=lambda _: [2, "red"], output="score")
    async def outer(_: Request) -> JSONResponse:
        return JSONResponse({"score": inner() + 0.1})

    app = Starlette(routes=[Route("/score", outer)])
    monitor.init_app(app)
    response = ask(client_of, app, "GET", "/score")
    assert rows_of(records) == [
        ({"age": 1, "colour": "blue"}, 0.1),
        ({"age": 2, "colour": "red"}, 0.2),
    ]
    assert response.headers.get_list("x-prediction-id")[0].endswith(records[1].entity_id)
