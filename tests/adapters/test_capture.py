"""A decorated view is counted, and its response stays the same: one table for all frameworks."""

import gc
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from boxkite import current_prediction

JSON = {"content-type": "application/json"}
BODY = {"age": 30, "colour": "red"}
FEATURES = {"age sum": 30.0, "age count": 1.0, "colour red rows": 1.0}
SCORE = {"score sum": 0.5, "score count": 1.0}
ONE = {"predictions": 1.0}
COUNTED = ONE | FEATURES | SCORE
NO_FEATURES = ONE | SCORE | {"age missing": 1.0, "colour missing": 1.0}
NO_OUTPUT = ONE | FEATURES | {"score missing": 1.0}
BAD_FEATURES = ONE | SCORE | {"age invalid": 1.0, "colour invalid": 1.0, "features errors": 1.0}
BAD_OUTPUT = ONE | FEATURES | {"score invalid": 1.0, "output errors": 1.0}


def score(_: Any) -> Any:
    return {"score": 0.5}


def returning(answer: Any) -> Callable[[Any], Any]:
    return lambda _: answer


def setting(answer: Any = None, **parts: Any) -> Callable[[Any], Any]:
    """Return a view that sets parts of the current prediction, if there is one."""

    def view(_: Any) -> Any:
        for name, value in parts.items():
            if current_prediction:
                setattr(current_prediction, name, value)
        return {"score": 0.5} if answer is None else answer

    return view


def changing_its_body(body: Any) -> Any:
    body["age"] = 99
    del body["colour"]
    return {"score": 0.5}


def failing(_: Any) -> Any:
    raise LookupError("not today")


@dataclass(frozen=True)
class Case:
    """A request body, a view, the decorator's sources and the expected counts."""

    name: str
    body: Any = field(default_factory=lambda: BODY)
    view: Callable[[Any], Any] = score
    features: Any = None
    output: Any = "score"
    counted: dict[str, float] = field(default_factory=lambda: COUNTED)


CASES = [
    Case("whole body, whole answer", output=None),
    Case("whole body that is a list", body=[30, "red"]),
    Case("names", features=["age", "colour"]),
    Case("names as a tuple", features=("age", "colour")),
    Case("names in an object of the body", body={"id": 7, "row": BODY}, features=["age", "colour"]),
    Case("path to an object", body={"inputs": BODY}, features="inputs"),
    Case("path through a list", body={"inputs": [{"values": BODY}]}, features="inputs.0.values"),
    Case("path through deep objects", body={"a": {"b": {"c": BODY}}}, features="a.b.c"),
    Case("path that is a key with a dot", body={"in.puts": [30, "red"]}, features="in.puts"),
    Case("path of one index", body=[[0, "blue"], [30, "red"]], features="1"),
    Case("callable of the request", features=lambda request: [30, request.headers["x-colour"]]),
    Case("callable of the answer", output=lambda _: 0.5),
    Case("callable that returns a mapping", output=lambda _: {"score": 0.5}),
    Case("path in the answer", view=returning({"rows": [{"score": 0.5}]}), output="rows.0.score"),
    Case("answer that is a list", view=returning([0.5]), output=None),
    Case("index in a list", view=returning([0.1, 0.5]), output="1"),
    Case("names in the answer", view=returning({"id": 1, "score": 0.5}), output=["score"]),
    Case("answer with more keys", view=returning({"id": 1, "score": 0.5}), output=None),
    Case("answer with a status", view=returning(({"score": 0.5}, 201))),
    Case("features set in the view", view=setting(features=[30, "red"]), features="nothing"),
    Case("output set in the view", view=setting(output=0.5, answer={"id": 1})),
    Case("both set in the view", view=setting(features=BODY, output=0.5), features=len, output=len),
    Case("view that changes its body", view=changing_its_body),
    Case("null", body={"age": None, "colour": None}, counted=NO_FEATURES),
    Case("names, one of them absent", body={"age": 30}, features=["age", "colour"],
         counted=ONE | SCORE | {"age sum": 30.0, "age count": 1.0, "colour missing": 1.0}),
    Case("NaN and Infinity", body={"age": float("nan"), "colour": "red"},
         counted=ONE | SCORE | {"age missing": 1.0, "colour red rows": 1.0}),
    Case("values of the wrong kind", body={"age": "many", "colour": ["red"]},
         counted=ONE | SCORE | {"age invalid": 1.0, "colour invalid": 1.0}),
    Case("unseen colour", body={"age": 30, "colour": "🪁\ud800"},
         counted=ONE | SCORE | {"age sum": 30.0, "age count": 1.0, "colour __unseen__ rows": 1.0}),
    Case("row of another length", body=[30], counted=BAD_FEATURES),
    Case("row of other names", body={"size": 30}, counted=BAD_FEATURES),
    Case("body that is a number", body=30, counted=BAD_FEATURES),
    Case("output that is an object of one", view=returning({"score": {"value": 0.5}})),
    Case("output that is an object of two", view=returning({"score": {"value": 1, "id": 2}}),
         counted=BAD_OUTPUT),
    Case("output set to None", view=setting(output=None), counted=NO_OUTPUT),
    Case("output set to an unknown object", view=setting(output=object()),
         counted=ONE | FEATURES | {"score invalid": 1.0}),
    Case("features set to an unknown object", view=setting(features=object()),
         counted=BAD_FEATURES),
    Case("path to features that do not exist", features="inputs",
         counted=NO_FEATURES | {"features errors": 1.0}),
    Case("names that do not exist", features=["size", "weight"],
         counted=NO_FEATURES | {"features errors": 1.0}),
    Case("path to an output that does not exist", output="result",
         counted=NO_OUTPUT | {"output errors": 1.0}),
    Case("index beyond the list", view=returning([0.5]), output="1",
         counted=NO_OUTPUT | {"output errors": 1.0}),
    Case("features source that raises", features=failing,
         counted=NO_FEATURES | {"features errors": 1.0}),
    Case("output source that raises", output=failing, counted=NO_OUTPUT | {"output errors": 1.0}),
    Case("features source that returns text", features=lambda _: "age",
         counted=BAD_FEATURES),
    Case("output source that returns rows", output=lambda _: [[1], [2]],
         counted=BAD_OUTPUT),
    Case("status 400", view=returning(({"score": 0.5}, 400)), counted={}),
    Case("status 503", view=returning(({"score": 0.5}, 503)), counted={}),
    Case("status 503 after setting the output", view=setting(output=1, answer=({}, 503)),
         counted={}),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_sources_are_counted_and_the_response_is_unchanged(
    case: Case, serve: Callable[..., Any], counted: Callable[[str], dict[str, float]]
) -> None:
    content = json.dumps(case.body).encode()
    headers = {"content-type": "application/json", "x-colour": "red"}
    plain = serve(case.view, None)("POST", "/predict", content, **headers)
    ask = serve(case.view, {"features": case.features, "output": case.output})
    answer = ask("POST", "/predict", content, **headers)
    prediction_id = answer.headers.pop("x-prediction-id", None)
    assert answer == plain
    assert (prediction_id is not None) == bool(case.counted)
    assert counted(ask("GET", "/metrics").body.decode()) == case.counted


def test_an_exception_in_the_view_is_not_counted_and_answered_as_before(
    serve: Callable[..., Any], counted: Callable[[str], dict[str, float]]
) -> None:
    plain = serve(failing, None)("POST", "/predict", b"{}", **JSON)
    ask = serve(failing, {})
    assert ask("POST", "/predict", b"{}", **JSON) == plain
    assert plain.status == 500
    assert counted(ask("GET", "/metrics").body.decode()) == {}


def test_the_view_sees_the_id_of_the_response_header(serve: Callable[..., Any]) -> None:
    def view(_: Any) -> Any:
        return {"id": current_prediction.id, "score": 0.5}

    answer = serve(view, {"output": "score"})("POST", "/predict", b'{"age": 1}')
    assert json.loads(answer.body)["id"] == answer.headers["x-prediction-id"]


BODIES = {
    "none": b"",
    "cut": b"{",
    "many digits": b'{"age": ' + b"9" * 5_000 + b"}",
    "large": b'{"age": 1e999, "colour": "' + b"x" * 600_000 + b'"}',
    "the same name twice": b'{"age": 1, "age": 2, "colour": "red"}',
    "UTF-16": '{"age": 1, "colour": "red"}'.encode("utf-16"),
    "with a byte order mark": b'\xef\xbb\xbf{"age": 1}',
    "not UTF-8": b'{"colour": "\xff\xfe"}',
    "odd keys": b'{"": {"": {"": []}}, "a\\u0000b": "\\ud800"}',
    "a form": b"age=1&colour=red",
    "binary": b"\x00\x01\x02" * 1000,
}


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "", "json;;=\x7f"])
@pytest.mark.parametrize("features", [None, "a.b", ["age"]], ids=["whole", "path", "names"])
def test_no_body_changes_a_response(
    content_type: str, features: Any, serve: Callable[..., Any]
) -> None:
    headers = {"content-type": content_type}
    bare, ask = serve(score, None), serve(score, {"features": features})
    for name, body in BODIES.items():
        answer = ask("POST", "/predict", body, **headers)
        answer.headers.pop("x-prediction-id", None)
        assert answer == bare("POST", "/predict", body, **headers), name


@pytest.mark.parametrize("end", [b"", b"]" * 100_000], ids=["cut", "whole"])
@pytest.mark.parametrize("features", [None, "a.b", ["age"]], ids=["whole", "path", "names"])
def test_a_body_nested_too_deep_changes_no_response(
    end: bytes, features: Any, serve: Callable[..., Any]
) -> None:
    # Finalize monitors of earlier tests now. A finalizer that runs while the parser has used up
    # the stack would raise RecursionError.
    gc.collect()
    bare, ask = serve(score, None), serve(score, {"features": features})
    plain = bare("POST", "/predict", b"[" * 100_000 + end, **JSON)
    answer = ask("POST", "/predict", b"[" * 100_000 + end, **JSON)
    answer.headers.pop("x-prediction-id", None)
    assert answer == plain


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
def test_json_under_another_content_type_is_counted(
    content_type: str, serve: Callable[..., Any], counted: Callable[[str], dict[str, float]]
) -> None:
    ask = serve(score, {"output": "score"})
    content = b' \n{"age": 30, "colour": "red"}'
    assert ask("POST", "/predict", content, **{"content-type": content_type}).status == 200
    assert counted(ask("GET", "/metrics").body.decode()) == COUNTED


@pytest.mark.parametrize(
    ("part", "source", "problem"),
    [
        ("output", "result", "no key 'result' in the returned object; it has 'score'"),
        (
            "features",
            "rows.0",
            "no key 'rows' of 'rows.0' in the request's JSON body; it has 'age', 'colour'",
        ),
        ("features", ["size"], "none of 'size' in the request's JSON body; it has 'age', 'colour'"),
        ("features", failing, "not today"),
    ],
    ids=["output path", "features path", "names", "callable"],
)
def test_an_error_is_logged_once_a_minute_and_names_the_view_and_the_source(
    part: str,
    source: Any,
    problem: str,
    serve: Callable[..., Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    ask = serve(score, {part: source})
    with caplog.at_level(logging.WARNING, "boxkite"):
        for _ in range(3):
            ask("POST", "/predict", b'{"age": 30, "colour": "red"}', **JSON)
    told = [each.getMessage() for each in caplog.records if "view 'predict'" in each.getMessage()]
    assert told == [f"boxkite {part}: view 'predict': {problem} (1 so far)"]


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [("/metrics", "GET", 200), ("/metrics", "HEAD", 200), ("/metrics", "POST", 405),
     ("/metrics/x", "GET", 404)],
)  # fmt: skip
def test_metrics_answer_get_and_head_at_their_path_only(
    path: str, method: str, status: int, serve: Callable[..., Any]
) -> None:
    answer = serve(score, {})(method, path)
    assert answer.status == status
    if method == "HEAD":
        assert answer.body == b""
