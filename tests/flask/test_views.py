"""The kinds of views that can be decorated, and the forms of what they return."""

import inspect
import io
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Blueprint, Flask, Response, abort, jsonify, request, stream_with_context
from flask.typing import ResponseReturnValue
from flask.views import MethodView
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as PlainResponse

from boxkite import current_prediction
from boxkite_flask import Boxkite

ROW = {"age": 30, "colour": "red"}


def rows_of(records: Any) -> list[tuple[Any, Any]]:
    """The features and the output of each record."""
    return [(each.features, each.output) for each in records]


def test_a_view_keeps_its_name_docstring_and_signature(monitor: Boxkite) -> None:
    def score(age: int, *, colour: str = "red") -> str:
        """Say the score."""
        return f"{age} {colour}"

    decorated = monitor.predict(score)
    assert decorated.__name__ == "score"
    assert decorated.__doc__ == "Say the score."
    assert inspect.signature(decorated) == inspect.signature(score)


def test_a_view_is_as_it_was_outside_a_request(monitor: Boxkite, records: Any) -> None:
    @monitor.predict(features=["age"], output="score")
    def score(age: int) -> dict[str, float]:
        return {"score": age / 100}

    assert score(30) == {"score": 0.3}
    assert list(records) == []


def test_a_class_is_refused(monitor: Boxkite) -> None:
    class Score(MethodView):
        pass

    with pytest.raises(TypeError, match=r"^Score is a class; decorate its methods instead$"):
        monitor.predict(Score)


def test_the_bare_decorator_takes_the_whole_body_and_answer(
    app: Flask, monitor: Boxkite, records: Any
) -> None:
    @app.post("/score")
    @monitor.predict
    def score() -> dict[str, float]:
        return {"score": request.get_json()["age"] / 100}

    response = app.test_client().post("/score", json=ROW)
    assert response.json == {"score": 0.3}
    assert rows_of(records) == [(ROW, 0.3)]


def test_views_of_a_blueprint_are_counted(app: Flask, monitor: Boxkite, records: Any) -> None:
    blueprint = Blueprint("boxkite", __name__, url_prefix="/v1")

    @blueprint.post("/score/<int:age>")
    @monitor.predict(features=lambda request: [request.view_args["age"], "red"], output="score")
    def score(age: int) -> dict[str, float]:
        return {"score": age / 100}

    app.register_blueprint(blueprint)
    assert app.test_client().post("/v1/score/30").json == {"score": 0.3}
    assert rows_of(records) == [(ROW, 0.3)]


def test_a_method_view_is_counted_through_its_decorators(
    app: Flask, monitor: Boxkite, records: Any
) -> None:
    class Score(MethodView):
        decorators = (monitor.predict(output="score"),)

        def post(self) -> dict[str, float]:
            return {"score": request.get_json()["age"] / 100}

    app.add_url_rule("/score", view_func=Score.as_view("score"))
    assert app.test_client().post("/score", json=ROW).json == {"score": 0.3}
    assert rows_of(records) == [(ROW, 0.3)]


def test_only_the_decorated_methods_of_a_method_view_are_counted(
    app: Flask, monitor: Boxkite, records: Any
) -> None:
    class Score(MethodView):
        def get(self) -> str:
            return "how to use it"

        @monitor.predict(output="score")
        def post(self) -> dict[str, float]:
            return {"score": request.get_json()["age"] / 100}

        @monitor.predict(output="score")
        async def put(self) -> dict[str, float]:
            return {"score": request.get_json()["age"] / 10}

    app.add_url_rule("/score", view_func=Score.as_view("score"))
    client = app.test_client()
    assert client.get("/score").text == "how to use it"
    assert client.post("/score", json=ROW).json == {"score": 0.3}
    assert client.put("/score", json=ROW).json == {"score": 3.0}
    assert rows_of(records) == [(ROW, 0.3), (ROW, 3.0)]


def test_a_callable_object_is_counted_under_its_class(
    app: Flask, monitor: Boxkite, records: Any
) -> None:
    class Scorer:
        async def __call__(self) -> dict[str, float]:
            current_prediction.features = ROW
            return {"score": 0.3}

    app.add_url_rule("/score", "score", monitor.predict(output="score")(Scorer()))
    assert app.test_client().get("/score").json == {"score": 0.3}
    assert rows_of(records) == [(ROW, 0.3)]


class Named:
    """Two functions of a model, marked as those that give features and output."""

    def __init__(self, monitor: Boxkite) -> None:
        self.prepared = monitor.features(lambda age: [age + 1, "blue"])
        self.score = monitor.output(lambda row: row[0] / 100)


def test_marked_functions_give_features_and_output(
    app: Flask, monitor: Boxkite, records: Any
) -> None:
    model = Named(monitor)

    @app.get("/score/<int:age>")
    @monitor.predict
    def score(age: int) -> str:
        return f"{model.score(model.prepared(age)):.2f} is the score"

    assert app.test_client().get("/score/30").text == "0.31 is the score"
    assert rows_of(records) == [({"age": 31, "colour": "blue"}, 0.31)]


def numbers() -> Iterator[str]:
    yield "0."
    yield "3"


@pytest.mark.parametrize(
    ("returned", "output"),
    [
        ({"score": 0.3}, 0.3),
        ([0.3], 0.3),
        (({"score": 0.3}, 201), 0.3),
        (({"score": 0.3}, {"X-Model": "a"}), 0.3),
        (({"score": 0.3}, 202, {"X-Model": "a"}), 0.3),
        (([0.3], [("X-Model", "a")]), 0.3),
        (Response('{"score": 0.3}', mimetype="application/json"), 0.3),
        ((Response('{"score": 0.3}', mimetype="application/json"), 202), 0.3),
        (Response('{"score": 0.3}', mimetype="text/plain"), 0.3),
        (PlainResponse('{"score": 0.3}', mimetype="application/json"), 0.3),
        ("0.3", 0.3),
        (b"0.3", 0.3),
        ('{"score": 0.3}', 0.3),
        (("0.3", 200), 0.3),
        ("high", "high"),
    ],
)
def test_an_answer_is_understood_in_each_form(
    returned: ResponseReturnValue,
    output: Any,
    app: Flask,
    monitor: Boxkite,
    records: Any,
) -> None:
    def score() -> ResponseReturnValue:
        return returned

    app.get("/plain")(score)
    app.add_url_rule("/score", "score_", monitor.predict(features=lambda _: ROW)(score))
    client = app.test_client()
    plain, response = client.get("/plain"), client.get("/score")
    del response.headers["X-Prediction-Id"]
    assert (response.status, response.headers, response.data) == (
        plain.status,
        plain.headers,
        plain.data,
    )
    assert rows_of(records) == [(ROW, output)]


def test_jsonify_is_understood(app: Flask, monitor: Boxkite, records: Any) -> None:
    @app.post("/score")
    @monitor.predict(output="scores.1")
    def score() -> Response:
        request.get_json()
        return jsonify(scores=[0.1, 0.3])

    app.test_client().post("/score", json=ROW)
    assert rows_of(records) == [(ROW, 0.3)]


@pytest.mark.parametrize(
    "returned",
    [
        pytest.param(lambda: numbers(), id="generator"),
        pytest.param(lambda: (numbers(), 200), id="generator and status"),
        pytest.param(lambda: Response(numbers()), id="streamed response"),
        pytest.param(lambda: Response("<p>0.3</p>"), id="HTML response"),
    ],
)
def test_what_is_not_json_needs_a_callable(
    returned: Any, app: Flask, monitor: Boxkite, records: Any
) -> None:
    app.add_url_rule("/whole", "whole", monitor.predict(features=lambda _: ROW)(returned))
    by_callable = monitor.predict(features=lambda _: ROW, output=lambda _: 0.3)
    app.add_url_rule("/callable", "callable", by_callable(returned))
    client = app.test_client()
    assert client.get("/whole").text == client.get("/callable").text
    assert rows_of(records) == [(ROW, None), (ROW, 0.3)]
    assert app.extensions["boxkite"].reporter.counts()["output"] == 1


def test_a_stream_takes_its_output_from_the_context(
    app: Flask, monitor: Boxkite, records: Any
) -> None:
    @app.get("/score")
    @monitor.predict
    def score() -> Response:
        current_prediction.features, current_prediction.output = ROW, 0.3
        return Response(numbers())

    assert app.test_client().get("/score").data == b"0.3"
    assert rows_of(records) == [(ROW, 0.3)]


def test_a_stream_that_keeps_its_request_has_the_body(
    app: Flask, monitor: Boxkite, records: Any
) -> None:
    @monitor.predict(features=["age", "colour"])
    def steps() -> Iterator[str]:
        request.get_json()
        yield "0.3"
        current_prediction.output = 0.3

    @app.post("/score")
    def score() -> Response:
        return Response(stream_with_context(steps()))

    with app.test_client() as client:
        response = client.post("/score", json={"age": 30, "colour": "red"})
        assert response.data == b"0.3"
    assert rows_of(records) == [(ROW, 0.3)]


def test_a_body_that_the_view_streams_is_left_to_it(
    app: Flask, monitor: Boxkite, records: Any
) -> None:
    @app.post("/score")
    @monitor.predict(output=lambda _: 0.3)
    def score() -> ResponseReturnValue:
        return stream_with_context(iter(lambda: request.stream.read(1000), b""))

    content = b'{"age": 30}' * 1000
    response = app.test_client().post("/score", data=content)
    assert response.data == content
    assert rows_of(records) == [({}, 0.3)]
    assert app.extensions["boxkite"].reporter.counts()["features"] == 1


class NeverRead(io.RawIOBase):
    """A body that fails whoever reads it."""

    def readable(self) -> bool:
        return True

    def readinto(self, _: Any) -> int:
        raise AssertionError("the body was read")


def test_a_body_that_the_view_does_not_read_is_not_read(app: Flask, monitor: Boxkite) -> None:
    @app.post("/score")
    @monitor.predict(output="score")
    def score() -> dict[str, float]:
        return {"score": 0.3}

    environment = {"wsgi.input": NeverRead(), "CONTENT_LENGTH": "1000000"}
    response = app.test_client().post("/score", environ_overrides=environment)
    assert response.json == {"score": 0.3}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * 100_000, id="cut"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="deep"),
        pytest.param(b'{"age":' * 50_000 + b"1" + b"}" * 50_000, id="deep objects"),
        pytest.param(b"\xff", id="no text"),
        pytest.param(b'"\\ud800"', id="half a pair"),
        pytest.param(b'{"age": ' + b"9" * 10_000 + b"}", id="digits"),
    ],
)
def test_a_view_that_only_looks_at_the_bytes_answers_whatever_they_are(
    body: bytes, app: Flask, monitor: Boxkite
) -> None:
    @app.post("/size")
    @monitor.predict(output="score")
    def size() -> dict[str, float]:
        return {"score": len(request.get_data()) / 1e6}

    response = app.test_client().post("/size", data=body)
    assert response.json == {"score": len(body) / 1e6}
    assert "X-Prediction-Id" in response.headers


def test_a_form_is_counted_through_a_callable(app: Flask, monitor: Boxkite, records: Any) -> None:
    @app.post("/score")
    @monitor.predict(
        features=lambda request: [request.form.get("age", type=int), request.form["colour"]],
        output="score",
    )
    def score() -> dict[str, float]:
        return {"score": int(request.form["age"]) / 100}

    assert app.test_client().post("/score", data=ROW).json == {"score": 0.3}
    assert rows_of(records) == [(ROW, 0.3)]


def test_the_prediction_id_is_the_one_that_the_view_knew(
    app: Flask, monitor: Boxkite, records: Any
) -> None:
    @app.post("/score")
    @monitor.predict(output=lambda _: 0.3)
    def score() -> str:
        return current_prediction.id

    response = app.test_client().post("/score", json=ROW)
    assert response.headers["X-Prediction-Id"] == response.text
    assert response.text.startswith("unknown-server/")
    assert response.text.endswith(f"/{records[0].entity_id}")


def test_errors_are_no_predictions_whatever_answers_them(
    app: Flask, monitor: Boxkite, records: Any
) -> None:
    @app.errorhandler(ValueError)
    def recovered(error: ValueError) -> ResponseReturnValue:
        return {"score": 0.0, "because": str(error)}, 200

    @app.get("/score/<how>")
    @monitor.predict(features=lambda _: ROW)
    def score(how: str) -> ResponseReturnValue:
        if how == "abort":
            abort(400)
        if how == "abort with a response":
            abort(Response('{"score": 0.3}', 200))
        if how == "raise":
            raise ValueError("no model")
        if how == "raise HTTP":
            raise NotFound
        if how == "response":
            return Response("{}", 409)
        return {"score": 0.3}, 409 if how == "tuple" else 200

    client = app.test_client()
    answers = {
        how: client.get(f"/score/{how}")
        for how in ("abort", "abort with a response", "raise", "raise HTTP", "tuple", "response")
    }
    assert {how: answer.status_code for how, answer in answers.items()} == {
        "abort": 400,
        "abort with a response": 200,
        "raise": 200,
        "raise HTTP": 404,
        "tuple": 409,
        "response": 409,
    }
    assert not any("X-Prediction-Id" in answer.headers for answer in answers.values())
    assert list(records) == []
    assert client.get("/score/well").status_code == 200
    assert rows_of(records) == [(ROW, 0.3)]


def test_one_decorated_view_may_call_another(app: Flask, monitor: Boxkite, records: Any) -> None:
    @monitor.predict(features=lambda _: [1, "blue"], output="score")
    def inner() -> dict[str, float]:
        return {"score": 0.1}

    @app.get("/score")
    @monitor.predict(features=lambda _: [2, "red"], output="score")
    def outer() -> dict[str, float]:
        return {"score": inner()["score"] + 0.1}

    response = app.test_client().get("/score")
    assert rows_of(records) == [
        ({"age": 1, "colour": "blue"}, 0.1),
        ({"age": 2, "colour": "red"}, 0.2),
    ]
    assert response.headers.getlist("X-Prediction-Id")[0].endswith(records[1].entity_id)


def test_trouble_is_raised_under_testing(app: Flask, monitor: Boxkite) -> None:
    app.testing = True

    @app.get("/score")
    @monitor.predict(features=lambda _: ROW, output="result")
    def score() -> dict[str, float]:
        return {"score": 0.3}

    problem = "no key 'result' in the returned object; it has 'score'"
    with pytest.raises(LookupError, match=f"^{problem}$"):
        app.test_client().get("/score")


def test_a_view_that_is_a_generator_is_a_prediction_once_it_has_ended(
    app: Flask, monitor: Boxkite, records: Any
) -> None:
    @app.post("/score/<int:age>")
    @monitor.predict
    def score(age: int) -> Iterator[str]:
        current_prediction.features = [age, "red"]
        yield "0."
        current_prediction.output = age / 100
        yield "3"

    response = app.test_client().post("/score/30")
    assert response.text == "0.3"
    (record,) = records
    assert response.headers["X-Prediction-Id"] == record.prediction_id
    assert (record.features, record.output) == (ROW, 0.3)


def test_a_generator_whose_body_nobody_kept_is_reported(
    app: Flask, monitor: Boxkite, records: Any, caplog: pytest.LogCaptureFixture
) -> None:
    @app.post("/score")
    @monitor.predict
    def score() -> Iterator[str]:
        current_prediction.output = 0.3
        yield "0.3"

    assert app.test_client().post("/score", json=ROW).text == "0.3"
    assert rows_of(records) == [({}, 0.3)]
    (message,) = caplog.messages
    assert message == (
        "boxkite features: view 'score': the request body of a stream is gone when it ends; "
        "set current_prediction.features in the view (1 so far)"
    )
