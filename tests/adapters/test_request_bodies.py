"""Bodies that are compressed, damaged or too large: one line tells why they were not read."""

import asyncio
import gzip
import json
import sys
import threading
import zlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import brotli
import flask
import httpx
import pytest
import zstandard
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse

import boxkite
import boxkite_flask
import boxkite_starlette
from boxkite import signals

Ask = Callable[..., dict[str, float]]
BODY = b'{"age": 30, "colour": "red"}'
ONE = {"predictions": 1.0, "score sum": 0.5, "score count": 1.0}
READ = {**ONE, "age sum": 30.0, "age count": 1.0, "colour red rows": 1.0}
UNREAD = {**ONE, "age missing": 1.0, "colour missing": 1.0, "features errors": 1.0}
FIX = "pass a callable as features=, or set current_prediction.features"


@pytest.fixture(params=["flask", "starlette"])
def ask(request: pytest.FixtureRequest, score_baseline: boxkite.Baseline, counted: Any) -> Ask:
    """Give a function that sends bytes to a view, which ignores them, and returns the counts."""
    options: dict[str, Any] = {"baseline": score_baseline, "registry": None, "log": "none:"}
    post = _flask(options) if request.param == "flask" else _starlette(options)

    def sent(content: bytes, encoding: str | None = None) -> Any:
        headers = {"Content-Type": "application/json"}
        if encoding is not None:
            headers["Content-Encoding"] = encoding
        answer, metrics = post(content, headers)
        assert answer == {"score": 0.5}
        return counted(metrics)

    return sent


def _flask(options: dict[str, Any]) -> Callable[..., Any]:
    app = flask.Flask("service")
    monitor = boxkite_flask.Boxkite(app, **options)

    @app.post("/predict")
    @monitor.predict(output="score")
    def predict() -> dict[str, float]:
        flask.request.get_data()
        return {"score": 0.5}

    def post(content: bytes, headers: dict[str, str]) -> Any:
        client = app.test_client()
        answer = client.post("/predict", data=content, headers=headers)
        return answer.json, client.get("/metrics").text

    return post


def _starlette(options: dict[str, Any]) -> Callable[..., Any]:
    app = Starlette()
    monitor = boxkite_starlette.Boxkite(app, **options)

    @monitor.predict(output="score")
    async def predict(request: Request) -> JSONResponse:
        await request.body()
        return JSONResponse({"score": 0.5})

    app.add_route("/predict", predict, methods=["POST"])

    async def post(content: bytes, headers: dict[str, str]) -> Any:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            answer = await client.post("/predict", content=content, headers=headers)
            return answer.json(), (await client.get("/metrics")).text

    return lambda content, headers: asyncio.run(post(content, headers))


def raw_deflate(content: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(content) + stream.flush()


ENCODED: dict[str, tuple[str, bytes]] = {
    "gzip": ("gzip", gzip.compress(BODY)),
    "gzip in two members": ("GZIP", gzip.compress(BODY[:9]) + gzip.compress(BODY[9:])),
    "deflate": ("deflate", zlib.compress(BODY)),
    "deflate without a header": ("deflate", raw_deflate(BODY)),
    "zstd": ("zstd", zstandard.compress(BODY)),
    "brotli": ("br", brotli.compress(BODY)),
    "two": ("deflate, gzip", gzip.compress(zlib.compress(BODY))),
    "identity": ("identity", BODY),
    "decompressed by a middleware": ("gzip", BODY),
    "another alphabet": ("gzip", gzip.compress(BODY.decode().encode("utf-16"))),
}


@pytest.mark.parametrize("form", ENCODED)
def test_a_compressed_body_is_read(form: str, ask: Ask) -> None:
    encoding, content = ENCODED[form]
    assert ask(content, encoding) == READ


BOMB = b'{"age": 30, "padding": "%s"}' % (b"0" * 2**24)
UNREADABLE: dict[str, tuple[str | None, bytes, str]] = {
    "gzip bomb": (
        "gzip", gzip.compress(BOMB), "the 'gzip' request body is larger than 1048576 bytes"),
    "deflate bomb": (
        "deflate", zlib.compress(BOMB), "the 'deflate' request body is larger than 1048576 bytes"),
    "zstd bomb": (
        "zstd", zstandard.compress(BOMB), "the 'zstd' request body is larger than 1048576 bytes"),
    "bomb in a bomb": (
        "gzip, gzip", gzip.compress(gzip.compress(BOMB)),
        "the 'gzip' request body is larger than 1048576 bytes"),
    "cut": ("gzip", gzip.compress(BODY)[:-9], "the request body is not 'gzip': it ends too early"),
    "cut deflate": ("deflate", raw_deflate(BODY)[:-4],
                    "the request body is not 'deflate': it ends too early"),
    "no gzip": ("gzip", b"\x81\xa3age", "the request body is not 'gzip': Error -3 while"),
    "brotli bomb": (
        "br", brotli.compress(BOMB), "the 'br' request body is larger than 1048576 bytes"),
    "cut brotli": (
        "br", brotli.compress(BODY)[:-3], "the request body is not 'br': it ends too early"),
    "no brotli": ("br", b"\x81\xa3age", "the request body is not 'br': brotli: decoder failed"),
    "unknown": ("aws-chunked", b"\x81\xa3",
                "boxkite cannot read the Content-Encoding 'aws-chunked'"),
    "many": ("gzip, gzip, gzip", b"\x1f",
             "the request body has 3 encodings; boxkite reads at most 2"),
    "large": (
        None, b'{"age": "%s"}' % (b"x" * 2**20),
        "the request body has 1048587 bytes, but BODY_MAX_BYTES is 1048576; raise it, or "),
    "lists": (None, b'{"age": [%s[]]}' % (b"[]," * 20_000),
              "the request body has more than 20000 lists and objects"),
    "lists in gzip": ("gzip", gzip.compress(b'{"age": [%s[]]}' % (b"[]," * 20_000)),
                      "the request body has more than 20000 lists and objects"),
    "deep": (None, b'{"age": %s1%s}' % (b"[" * 15_000, b"]" * 15_000),
             "the request body is nested too deep"),
    "no JSON": (None, b"30,red", "the view read no JSON body"),
}  # fmt: skip
if sys.version_info >= (3, 14):
    del UNREADABLE["deep"]  # it can be read


@pytest.mark.parametrize("form", UNREADABLE)
def test_a_body_that_cannot_be_read_is_reported_with_the_reason(
    form: str, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    encoding, content, problem = UNREADABLE[form]
    assert ask(content, encoding) == UNREAD
    (told,) = [each.getMessage() for each in caplog.records if "view 'p" in each.getMessage()]
    assert told.startswith(f"boxkite features: view 'predict': {problem}")
    assert told.endswith(f"{FIX} (1 so far)")


class OldDecompressor:
    def process(self, data: bytes) -> bytes:
        return brotli.decompress(data)


@pytest.mark.parametrize(
    ("library", "problem"),
    [
        (None, "install the package brotli to read it"),
        (SimpleNamespace(Decompressor=OldDecompressor), "install brotli 1.2 or later to read it"),
    ],
    ids=["missing", "old"],
)
def test_brotli_without_a_limit_is_not_read(
    library: Any,
    problem: str,
    ask: Ask,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setitem(sys.modules, "brotli", library)
    assert ask(brotli.compress(BODY), "br") == UNREAD
    assert f"the request body is compressed with 'br': {problem}; {FIX}" in caplog.text


ROWS = json.dumps([{"age": 30, "colour": "red"}] * 1000).encode()


@pytest.mark.parametrize("path", ["/answer", "/stream"])
@pytest.mark.parametrize(
    ("content", "encoding", "in_loop"),
    [
        (BODY, None, True),
        (BODY + b" " * 2**13, None, False),
        (ROWS, None, False),
        (gzip.compress(ROWS), "gzip", False),
    ],
    ids=["small", "large", "many rows", "compressed"],
)
def test_a_body_that_could_take_long_is_counted_outside_the_event_loop(
    path: str,
    content: bytes,
    encoding: str | None,
    in_loop: bool,
    score_baseline: boxkite.Baseline,
) -> None:
    app, threads = Starlette(), list[int]()
    monitor = boxkite_starlette.Boxkite(app, baseline=score_baseline, registry=None, log="none:")

    @monitor.predict(output=lambda _: [0.5] * (1000 if len(content) != len(BODY) else 1))
    async def generate(body: bytes) -> Any:
        yield body

    @monitor.predict(output=lambda _: None)
    async def answer(request: Request) -> JSONResponse:
        threads.append(threading.get_ident())
        await request.body()
        return JSONResponse({})

    async def stream(request: Request) -> StreamingResponse:
        threads.append(threading.get_ident())
        return StreamingResponse(generate(await request.body()))

    def logged(_: Any, **__: Any) -> None:
        threads.append(threading.get_ident())

    app.add_route("/answer", answer, methods=["POST"])
    app.add_route("/stream", stream, methods=["POST"])
    headers = {"content-encoding": encoding} if encoding else {}

    async def post() -> int:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            return (await client.post(path, content=content, headers=headers)).status_code

    with signals.prediction_logged.connected_to(logged):
        assert asyncio.run(post()) == 200
    assert len(threads) > 1
    assert (len(set(threads)) == 1) == in_loop
