"""What passes through the middleware: other scopes untouched, bodies bounded, nothing crossed."""

import asyncio
import contextvars
import gc
import random
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from boxkite import NoPredictionError, current_prediction
from boxkite_starlette import Boxkite
from boxkite_starlette.body import KeptBody
from boxkite_starlette.exchange import current_exchange
from boxkite_starlette.middleware import BoxkiteMiddleware

MIB = 2**20


@pytest.mark.parametrize("kind", ["websocket", "lifespan", "something else"])
def test_other_scopes_pass_untouched(kind: str, monitor: Boxkite) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope, receive, send))

    async def receive() -> Any: ...

    async def send(message: Any) -> None: ...

    service = Starlette()
    monitor.init_app(service)
    scope = {"type": kind}
    asyncio.run(BoxkiteMiddleware(app, service.state.boxkite_models)(scope, receive, send))
    ((seen_scope, seen_receive, seen_send),) = seen
    assert (seen_scope is scope, seen_receive is receive, seen_send is send) == (True, True, True)
    assert scope == {"type": kind}


def test_the_lifespan_runs_as_it_would_without(monitor: Boxkite) -> None:
    events: list[str] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, Any]]:
        events.append("begin")
        yield {"model": 1}
        events.append("end")

    async def drive() -> list[str]:
        messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
        sent: list[str] = []

        async def receive() -> Any:
            return next(messages)

        async def send(message: Any) -> None:
            sent.append(message["type"])

        app = Starlette(lifespan=lifespan)
        monitor.init_app(app)
        await app({"type": "lifespan", "app": app, "state": {}}, receive, send)
        return sent

    assert asyncio.run(drive()) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert events == ["begin", "end"]


def request_scope(path: str, content_type: str) -> dict[str, Any]:
    """The scope of a POST request."""
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": b"",
        "headers": [(b"content-type", content_type.encode())],
        "client": None,
        "server": None,
    }


async def post(
    app: Any, path: str, chunks: Any, content_type: str = "application/json"
) -> list[dict[str, Any]]:
    """Send a request by its chunks; returns the messages of the response."""
    waiting = iter(chunks)
    sent: list[dict[str, Any]] = []

    async def receive() -> Any:
        await asyncio.sleep(0)
        chunk = next(waiting, None)
        return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(request_scope(path, content_type), receive, send)
    return sent


def upload_service(monitor: Boxkite) -> Starlette:
    """A service that counts the bytes of what is sent to it, and keeps none."""

    @monitor.predict(output="size")
    async def size(request: Request) -> JSONResponse:
        total = 0
        async for chunk in request.stream():
            total += len(chunk)
        return JSONResponse({"size": total})

    app = Starlette(routes=[Route("/size", size, methods=["POST"])])
    monitor.init_app(app)
    return app


@pytest.mark.parametrize(
    ("start", "content_type", "kept"),
    [
        (b"\x89PNG", "image/png", 1),
        (b"a,b", "text/csv", 1),
        (b"\n \n--boundary", "multipart/form-data", 1),
        (b'{"age": "', "application/json", 17),
        (b"[1, ", "text/plain", 17),
    ],
)
def test_an_upload_is_not_kept_or_kept_within_bounds(
    start: bytes, content_type: str, kept: int, monitor: Boxkite
) -> None:
    app = upload_service(monitor)

    def chunks() -> Any:
        yield start
        for _ in range(64):
            yield b"{" * MIB

    asyncio.run(post(app, "/size", [b"{}"]))
    peaks = []
    for _ in range(3):
        tracemalloc.start()
        try:
            sent = asyncio.run(post(app, "/size", chunks(), content_type))
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        assert sent[1]["body"] == b'{"size":%d}' % (64 * MIB + len(start))
    # Other threads of the process take memory too, but hardly each time.
    assert min(peaks) < (2 * kept + 4) * MIB


def test_a_body_beyond_the_bound_is_named(
    monitor: Boxkite, caplog: pytest.LogCaptureFixture
) -> None:
    app = upload_service(monitor)
    asyncio.run(post(app, "/size", [b"[", *[b"1" * MIB] * 17, b"]"]))
    (told,) = [each.getMessage() for each in caplog.records]
    assert told == (
        "boxkite features: view 'size': the request body is larger than 16 MiB; "
        "set current_prediction.features (1 so far)"
    )


def test_a_body_of_many_small_chunks_is_put_together(monitor: Boxkite, records: Any) -> None:
    content = b'  {"age": 30, "colour": "red"}' + b" " * 200_000
    chunks = [content[i : i + 1] for i in range(len(content))]
    sent = asyncio.run(post(upload_service(monitor), "/size", chunks, "text/plain"))
    assert sent[1]["body"] == b'{"size":%d}' % len(content)
    assert [each.features for each in records] == [{"age": 30, "colour": "red"}]


def test_a_stream_is_passed_on_chunk_by_chunk_before_its_body_is_read(monitor: Boxkite) -> None:
    events: list[str] = []

    @monitor.predict(output=lambda _: 0.3)
    async def predict() -> None: ...

    async def echo(_: Any, receive: Any, send: Any) -> None:
        await predict()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        more = True
        while more:
            message = await receive()
            events.append("received")
            more = message["more_body"]
            await send({"type": "http.response.body", "body": message["body"], "more_body": more})
            events.append("sent")

    service = Starlette()
    monitor.init_app(service)
    chunks = [b'{"age": 30', b"}", b"\x00" * MIB]
    sent = asyncio.run(post(BoxkiteMiddleware(echo, service.state.boxkite_models), "/", chunks))
    assert [each["body"] for each in sent[1:]] == [*chunks, b""]
    assert events == ["received", "sent"] * 4
    assert service.state.boxkite.reporter.counts()["features"] == 1


def test_the_messages_of_the_application_are_not_changed(monitor: Boxkite) -> None:
    start = {"type": "http.response.start", "status": 200, "headers": ((b"a", b"b"),)}
    bare = {"type": "http.response.start", "status": 200}
    body = {"type": "http.response.body", "body": b"{}"}

    @monitor.predict(features=lambda _: [30, "red"], output=lambda _: 0.3)
    async def predict() -> None: ...

    async def raw(scope: Any, _: Any, send: Any) -> None:
        await predict()
        await send(bare if scope["path"] == "/bare" else start)
        await send(body)

    service = Starlette()
    monitor.init_app(service)
    app = BoxkiteMiddleware(raw, service.state.boxkite_models)
    for path, headers in (("/", [(b"a", b"b")]), ("/bare", [])):
        first, second = asyncio.run(post(app, path, []))
        identity = first["headers"].pop()
        assert identity[0] == b"x-prediction-id"
        assert first == {"type": "http.response.start", "status": 200, "headers": headers}
        assert second is body
    assert start["headers"] == ((b"a", b"b"),)
    assert "headers" not in bare


def test_the_context_never_crosses_interleaved_requests_and_is_reset(
    monitor: Boxkite, records: Any
) -> None:
    pause = random.Random(7)

    @monitor.predict(output="score")
    async def by_context(request: Request) -> JSONResponse:
        age = (await request.json())["age"]
        current_prediction.features = [age, "red"]
        await asyncio.sleep(pause.random() / 100)
        assert current_prediction.features == [age, "red"]
        if age % 10 == 3:
            raise ValueError("no model")
        return JSONResponse({"score": age / 1000, "id": current_prediction.id})

    @monitor.predict(output="score")
    def in_thread(request: Request) -> JSONResponse:
        age = int(request.query_params.get("age", "0"))
        current_prediction.features = [age, "blue"]
        return JSONResponse({"score": age / 1000, "id": current_prediction.id})

    async def plain(_: Request) -> PlainTextResponse:
        await asyncio.sleep(pause.random() / 100)
        return PlainTextResponse(str(bool(current_prediction)))

    paths = {"/context": by_context, "/thread": in_thread, "/plain": plain}
    app = Starlette(routes=[Route(p, e, methods=["POST"]) for p, e in paths.items()])
    monitor.init_app(app)

    async def one(age: int, path: str) -> Any:
        try:
            return await asyncio.wait_for(post(app, path, [b'{"age": %d}' % age]), timeout=60)
        except ValueError:
            return None

    async def drive() -> list[Any]:
        tasks = [one(age, path) for age in range(200) for path in ("/context", "/plain")]
        tasks += [one(age, "/thread") for age in range(40)]
        found = await asyncio.gather(*tasks)
        assert (current_exchange.get(), bool(current_prediction)) == (None, False)
        return found

    answers = asyncio.run(drive())
    assert {each[1]["body"] for each in answers[1:400:2]} == {b"False"}
    counted = {(*each.features.values(), each.output) for each in records}
    expected = {(age, "red", age / 1000) for age in range(200) if age % 10 != 3}
    assert counted == expected | {(0, "blue", 0.0)}
    assert len(records) == 180 + 40


def test_a_request_that_is_cancelled_is_no_prediction_and_leaves_no_context(
    monitor: Boxkite, records: Any
) -> None:
    started = asyncio.Event()

    @monitor.predict
    async def slow(_: Request) -> JSONResponse:
        started.set()
        await asyncio.sleep(3600)
        return JSONResponse({"score": 0.3})

    app = Starlette(routes=[Route("/slow", slow, methods=["POST"])])
    monitor.init_app(app)

    async def drive() -> bool:
        task = asyncio.create_task(post(app, "/slow", [b"{}"]))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return current_exchange.get() is None

    assert asyncio.run(drive())
    assert list(records) == []
    with pytest.raises(NoPredictionError):
        _ = current_prediction.id


def test_it_works_inside_and_outside_of_other_middleware(monitor: Boxkite, records: Any) -> None:
    class Passing(BaseHTTPMiddleware):
        async def dispatch(self, request: Request, call_next: Callable[..., Any]) -> Any:
            response = await call_next(request)
            response.headers["x-passed"] = "yes"
            return response

    @monitor.predict(output="score")
    async def score(request: Request) -> JSONResponse:
        return JSONResponse({"score": (await request.json())["age"] / 100})

    app = Starlette(routes=[Route("/score", score, methods=["POST"])])
    app.add_middleware(Passing)
    monitor.init_app(app)
    app.add_middleware(Passing)
    sent = asyncio.run(post(app, "/score", [b'{"age": 30, ', b'"colour": "red"}']))
    assert [name for name, _ in sent[0]["headers"]].count(b"x-prediction-id") == 1
    assert [(each.features, each.output) for each in records] == [
        ({"age": 30, "colour": "red"}, 0.3)
    ]


def test_the_next_request_of_a_connection_does_not_keep_the_body_of_the_last(
    monitor: Boxkite,
) -> None:
    """uvicorn starts it in the context of the last one, if that one resumed reading."""
    contexts = [contextvars.copy_context()]

    async def predict(request: Request) -> JSONResponse:
        contexts.append(contextvars.copy_context())
        outer = current_exchange.get()
        assert outer is not None
        return JSONResponse({"outer": outer.outer is not None, "size": len(await request.body())})

    app = Starlette()
    monitor.init_app(app)
    app.add_route("/predict", predict, methods=["POST"])
    for _ in range(3):
        sent = contexts[-1].run(asyncio.run, post(app, "/predict", [b"{" + b" " * MIB]))
        assert sent[1]["body"] == b'{"outer":false,"size":%d}' % (MIB + 1)
    gc.collect()
    assert [each for each in gc.get_objects() if type(each) is KeptBody] == []
