"""Sources that fail, are slow or async are reported, and the response stays unchanged."""

import asyncio
import functools
import json
import logging
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from flask import Flask
from starlette.applications import Starlette
from starlette.responses import JSONResponse

import boxkite
import boxkite_flask
import boxkite_starlette
from boxkite import current_prediction
from boxkite.live.identity import Identity
from boxkite.web import source_reader, sources
from boxkite.web.context import Prediction
from boxkite.web.models import Models
from boxkite_flask.exchange import FlaskExchange

JSON = {"content-type": "application/json"}
BODY = b'{"age": 30, "colour": "red"}'
FEATURES = {"age sum": 30.0, "age count": 1.0, "colour red rows": 1.0}
COUNTED = {"predictions": 1.0, **FEATURES, "score sum": 0.5, "score count": 1.0}


def score(_: Any) -> Any:
    return {"score": 0.5}


def raising(_: Any) -> Any:
    raise LookupError("not today")


class Raising:
    def __call__(self, _: Any) -> Any:
        raise RuntimeError


async def generator() -> Any:
    yield 0.5


STREAM = "the view returned a stream; pass a callable as output=, or set current_prediction.output"
# The sources, the view, the stage that fails, and the message.
PROBLEMS: dict[str, tuple[dict[str, Any], Any, str, str]] = {
    "key that does not exist": ({"output": "result"}, score, "output",
        "no key 'result' in the returned object; it has 'score'"),
    "key below a number": ({"output": "score.value"}, score, "output",
        "no key 'value' of 'score.value' in the returned object; it has a single float"),
    "names that do not exist": ({"features": ["size"], "output": "score"}, score, "features",
        "none of 'size' in the request's JSON body; it has 'age', 'colour'"),
    "source that raises": ({"features": raising, "output": "score"}, score, "features",
        "not today"),
    "source that raises without a message": ({"features": Raising(), "output": "score"}, score,
        "features", "RuntimeError"),
    "source that returns text": ({"features": lambda _: "age", "output": "score"}, score,
        "features", "a row of features is a list or a mapping, not a single str"),
    "row of another length": ({"features": lambda _: [1], "output": "score"}, score,
        "features", "the row has 1 values, but the baseline has 2 features"),
    "columns of different lengths": (
        {"features": lambda _: {"age": [1, 2], "colour": ["red"]}, "output": "score"}, score,
        "features", "the columns have different lengths: 'age' has 2, and 'colour' has 1"),
    "several outputs for one row": ({"output": lambda _: [1, 2]}, score, "output",
        "the output has 2 values, but the baseline has 1"),
    "output of other names": ({"output": None}, lambda _: {"a": 1, "b": 2}, "output",
        "the output has none of score; it has 'a', 'b'"),
    "stream": ({"output": None}, lambda _, make: make.stream(iter(["0.5"])), "output", STREAM),
}  # fmt: skip


@pytest.mark.parametrize("problem", PROBLEMS)
def test_an_error_is_reported_once_a_minute_and_counted_each_time(
    problem: str,
    serve: Callable[..., Any],
    counted: Callable[[str], dict[str, float]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    given, view, stage, message = PROBLEMS[problem]
    plain = serve(view, None)("POST", "/predict", BODY, **JSON)
    ask = serve(view, given)
    with caplog.at_level(logging.WARNING, "boxkite"):
        answers = [ask("POST", "/predict", BODY, **JSON) for _ in range(3)]
    for answer in answers:
        assert answer.headers.pop("x-prediction-id")
        assert answer == plain
    told = [each.getMessage() for each in caplog.records if "view 'predict'" in each.getMessage()]
    assert told == [f"boxkite {stage}: view 'predict': {message} (1 so far)"]
    found = counted(ask("GET", "/metrics").body.decode())
    assert (found["predictions"], found[f"{stage} errors"]) == (3.0, 3.0)


def test_an_iterator_that_the_view_shares_is_not_read(
    serve: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    def view(_: Any, make: Any) -> Any:
        parts = iter(["0.", "5"])
        if current_prediction:
            current_prediction.output = parts
        return make.stream(parts)

    with caplog.at_level(logging.WARNING, "boxkite"):
        answer = serve(view, {})("POST", "/predict", BODY, **JSON)
    assert answer.body == b"0.5"
    told = [each.getMessage() for each in caplog.records if "view 'predict'" in each.getMessage()]
    problem = "the view set an iterator, which can be read only once; set a list instead"
    assert told == [f"boxkite output: view 'predict': {problem} (1 so far)"]


def test_an_object_that_cannot_be_read_does_not_break_the_view(
    serve: Callable[..., Any], counted: Callable[[str], dict[str, float]]
) -> None:
    class Hostile(dict[str, Any]):
        def __getattribute__(self, name: str) -> Any:
            raise RuntimeError(name)

        def __iter__(self) -> Any:
            raise RuntimeError

    def view(_: Any) -> Any:
        if current_prediction:
            current_prediction.features = Hostile(age=1)
        return {"score": 0.5}

    ask = serve(view, {"output": "score"})
    assert json.loads(ask("POST", "/predict", BODY, **JSON).body) == {"score": 0.5}
    assert counted(ask("GET", "/metrics").body.decode())["predictions"] == 1.0


def test_a_slow_callable_is_reported_once_a_minute_and_its_value_used(
    serve: Callable[..., Any],
    counted: Callable[[str], dict[str, float]],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(source_reader, "_SLOW_SECONDS", 0.001)

    def slow(_: Any) -> Any:
        time.sleep(0.002)
        return [30, "red"]

    ask = serve(score, {"features": slow, "output": "score"})
    with caplog.at_level(logging.WARNING, "boxkite"):
        for _ in range(2):
            ask("POST", "/predict", BODY, **JSON)
    (told,) = [
        each.getMessage() for each in caplog.records if "view 'predict'" in each.getMessage()
    ]
    assert told.startswith("boxkite features: view 'predict': the response waited 0.0")
    assert counted(ask("GET", "/metrics").body.decode()) == {
        **{name: 2 * value for name, value in COUNTED.items()}, "features errors": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize("failure", [KeyboardInterrupt, SystemExit])
def test_an_exception_that_ends_the_program_is_raised(
    failure: type[BaseException], score_baseline: boxkite.Baseline
) -> None:
    def source(_: Any) -> Any:
        raise failure

    monitor = boxkite.Monitor(score_baseline, registry=None)
    capture = sources.Capture(source, None, "view")
    with Flask("service").test_request_context("/"):
        exchange = FlaskExchange(Models(object))
        prediction = Prediction(Identity.new("server"))
        pending = sources.PendingPrediction(exchange, monitor, capture, prediction)
        with pytest.raises(failure):
            pending.log()


def test_an_error_is_raised_if_the_app_is_testing(score_baseline: boxkite.Baseline) -> None:
    app = Flask("service")
    app.testing = True
    monitor = boxkite_flask.Boxkite(app, baseline=score_baseline, registry=None)
    app.get("/")(monitor.predict(features=raising)(lambda: {"score": 0.5}))
    with pytest.raises(LookupError, match=r"^not today$"):
        app.test_client().get("/")


async def features_of(request: Any) -> Any:
    await asyncio.sleep(0)
    body = await request.json()
    return [body["age"], body["colour"]]


async def output_of(_: Any) -> Any:
    await asyncio.sleep(0)
    return 0.5


class AsyncSource:
    async def __call__(self, request: Any) -> Any:
        return await features_of(request)


ASYNC = {
    "function": features_of,
    "partial function": functools.partial(features_of),
    "callable object": AsyncSource(),
    "function that returns a coroutine": lambda request: features_of(request),
}


@pytest.mark.parametrize("form", ASYNC)
def test_async_sources_are_awaited_before_the_response_starts(
    form: str,
    serve: Callable[..., Any],
    framework: str,
    counted: Callable[[str], dict[str, float]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    given = {"features": ASYNC[form], "output": output_of}
    if framework == "flask":
        with pytest.raises(
            TypeError, match="is async, but this framework's adapter cannot await it"
        ):
            serve(score, given)
        return
    plain = serve(score, None)("POST", "/predict", BODY, **JSON)
    ask = serve(score, given)
    answer = ask("POST", "/predict", BODY, **JSON)
    assert answer.headers.pop("x-prediction-id")
    assert answer == plain
    assert counted(ask("GET", "/metrics").body.decode()) == COUNTED
    assert [each for each in caplog.records if "view 'predict'" in each.getMessage()] == []


@pytest.mark.parametrize("part", ["features", "output"])
@pytest.mark.parametrize("extension", [boxkite_flask.Boxkite, boxkite_starlette.Boxkite])
def test_an_async_generator_is_refused_as_a_source(part: str, extension: Any) -> None:
    with pytest.raises(TypeError, match=f"^{part}=generator is an async generator; "):
        extension().predict(**{part: generator})(score)


async def csv_of(request: Any) -> Any:
    return (await request.body()).decode().split(",")


@pytest.mark.parametrize(
    ("content", "reads", "problem"),
    [
        (b"30,red", True, None),
        (b"30," + b"x" * 300_000, True, "the request body is larger than 256 KiB"),
        (b"30,red", False, "the endpoint did not read the whole request body"),
    ],
    ids=["read", "large", "not read"],
)
def test_an_async_source_can_re_read_the_body_that_the_endpoint_already_read(
    content: bytes,
    reads: bool,
    problem: str | None,
    score_baseline: boxkite.Baseline,
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = Starlette()
    monitor = boxkite_starlette.Boxkite(app, baseline=score_baseline, registry=None)

    @monitor.predict(features=csv_of, output="score")
    async def predict(request: Any) -> JSONResponse:
        assert not reads or await request.body() == content
        return JSONResponse({"score": 0.5})

    app.add_route("/predict", predict, methods=["POST"])

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            return await client.post("/predict", content=content)

    assert asyncio.run(ask()).json() == {"score": 0.5}
    told = [each.getMessage() for each in caplog.records if "view 'predict'" in each.getMessage()]
    whole = f"boxkite features: view 'predict': {problem}; set current_prediction.features"
    assert told == ([f"{whole} (1 so far)"] if problem else [])
    comparison = app.state.boxkite.drift()
    assert [each.rows for each in comparison] == ([0, 0, 1] if problem else [1, 1, 1])
