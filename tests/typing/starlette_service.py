"""A Starlette service as its author writes it."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from boxkite import current_prediction
from boxkite_starlette import Boxkite

monitor = Boxkite(model="scores")


async def row_of(request: Request) -> list[str]:
    return (await request.body()).decode().split(",")


@monitor.predict(features=row_of, output="score")
async def score(request: Request) -> JSONResponse:
    body = await request.json()
    return JSONResponse({"score": body["age"] / 100, "id": current_prediction.id})


@monitor.predict
def score_in_a_thread(request: Request) -> JSONResponse:
    current_prediction.features = [request.query_params["age"], "red"]
    return JSONResponse(0.3)


@monitor.predict(features=["age"])
async def stream(_: Request) -> StreamingResponse:
    async def parts() -> AsyncIterator[str]:
        yield "0.3"

    current_prediction.output = 0.3
    return StreamingResponse(parts())


class Score(HTTPEndpoint):
    @monitor.predict(output="score")
    async def post(self, request: Request) -> JSONResponse:
        return JSONResponse(await request.json())


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncGenerator[None, None]:
    yield


endpoint: Callable[[Request], Awaitable[JSONResponse]] = score
app = Starlette(
    routes=[
        Route("/score", score, methods=["POST"]),
        Route("/thread", score_in_a_thread),
        Route("/stream", stream),
        Route("/class", Score),
    ],
    lifespan=lifespan,
)
monitor.init_app(app)
