"""Batches: a request with several rows is one prediction per row, in every form and framework."""

import dataclasses
import json
import logging
from collections.abc import Callable
from typing import Any

import attrs
import msgspec
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pydantic
import pytest
import scipy.sparse

import boxkite
from boxkite import current_prediction

JSON = {"content-type": "application/json"}
AGES, COLOURS, SCORES = [30, 40, 50], ["red", "blue", "red"], [0.25, 0.5, 0.75]
LISTS = [list(row) for row in zip(AGES, COLOURS, strict=True)]
OBJECTS = [{"age": age, "colour": colour} for age, colour in LISTS]
FRAME = {"age": AGES, "colour": COLOURS}
FEATURES = {"age sum": 120.0, "age count": 3.0, "colour red rows": 2.0, "colour blue rows": 1.0}
COUNTED = {"predictions": 3.0, **FEATURES, "score sum": 1.5, "score count": 3.0}
BAD_OUTPUT = {"predictions": 3.0, **FEATURES, "score invalid": 3.0, "output errors": 1.0}


class RowModel(pydantic.BaseModel):
    age: int
    colour: str


@dataclasses.dataclass
class RowData:
    age: int
    colour: str


class RowStruct(msgspec.Struct):
    age: int
    colour: str


@attrs.define
class RowAttrs:
    age: int
    colour: str


class Columns(pydantic.BaseModel):
    age: list[int]
    colour: list[str]


def scores(_: Any) -> Any:
    return {"scores": SCORES}


def returning(answer: Any) -> Callable[[Any], Any]:
    return lambda _: answer


BODIES: dict[str, tuple[Any, Any]] = {
    "list of lists": (LISTS, None),
    "list of objects": (OBJECTS, None),
    "list of objects, names": (OBJECTS, ["colour", "age"]),
    "path to lists": ({"instances": LISTS}, "instances"),
    "path to objects": ({"instances": OBJECTS}, "instances"),
    "path into objects": ({"instances": [{"values": row} for row in LISTS]}, "instances.values"),
    "path into a list of objects": ([{"values": row} for row in OBJECTS], "values"),
    "names in a list in an object": ({"id": 7, "instances": OBJECTS}, ["age", "colour"]),
    "names of the service's own": (
        [{"a": row[0], "c": row[1]} for row in LISTS], ["a", "c"]),
    "columns": (FRAME, None),
    "columns and more": (FRAME | {"id": 7, "tags": [1, 2]}, None),
    "path to columns": ({"inputs": FRAME}, "inputs"),
    "callable": (LISTS, lambda _: np.array(LISTS, dtype=object)),
}  # fmt: skip


@pytest.mark.parametrize("form", BODIES)
def test_each_row_of_a_batch_in_the_body_is_a_prediction(
    form: str, serve: Callable[..., Any], counted: Callable[[str], dict[str, float]]
) -> None:
    body, source = BODIES[form]
    content = json.dumps(body).encode()
    plain = serve(scores, None)("POST", "/predict", content, **JSON)
    ask = serve(scores, {"features": source, "output": "scores"})
    answer = ask("POST", "/predict", content, **JSON)
    assert answer.headers.pop("x-prediction-count") == "3"
    assert answer.headers.pop("x-prediction-id")
    assert answer == plain
    assert counted(ask("GET", "/metrics").body.decode()) == COUNTED


CAPTURED: dict[str, Any] = {
    "array": np.array(LISTS, dtype=object),
    "list of arrays": [np.array(row, dtype=object) for row in LISTS],
    "list of tuples": [tuple(row) for row in LISTS],
    "tuple of lists": tuple(LISTS),
    "records of numpy": np.array(
        [tuple(row) for row in LISTS], dtype=[("age", "i4"), ("colour", "U4")]),
    "frame of pandas": pd.DataFrame(FRAME),
    "frame of polars": pl.DataFrame(FRAME),
    "table of pyarrow": pa.table(FRAME),
    "rows of a frame": [row for _, row in pd.DataFrame(FRAME).iterrows()],
    "Pydantic models": [RowModel(**row) for row in OBJECTS],
    "dataclasses": [RowData(**row) for row in OBJECTS],
    "msgspec structs": [RowStruct(**row) for row in OBJECTS],
    "attrs classes": [RowAttrs(**row) for row in OBJECTS],
    "Pydantic model of columns": Columns(**FRAME),
    "mapping of arrays": {"age": np.array(AGES), "colour": pd.Series(COLOURS)},
    "mapping of series": {"age": pl.Series(AGES), "colour": pa.array(COLOURS)},
}  # fmt: skip


@pytest.mark.parametrize("form", CAPTURED)
def test_a_view_that_sets_a_batch_sees_an_id_per_row(
    form: str, serve: Callable[..., Any], counted: Callable[[str], dict[str, float]]
) -> None:
    def view(_: Any) -> Any:
        before = current_prediction.ids
        current_prediction.features = CAPTURED[form]
        return {"before": before, "ids": current_prediction.ids, "scores": SCORES}

    ask = serve(view, {"output": "scores"})
    answer = ask("POST", "/predict", b"{}", **JSON)
    said = json.loads(answer.body)
    assert said["before"] == said["ids"][:1] == [answer.headers["x-prediction-id"]]
    assert len(set(said["ids"])) == 3
    assert answer.headers["x-prediction-count"] == "3"
    assert counted(ask("GET", "/metrics").body.decode()) == COUNTED


@dataclasses.dataclass
class Estimate:
    score: float


OUTPUTS: dict[str, tuple[Any, Any]] = {
    "list": (SCORES, None),
    "path to a list": ({"predictions": SCORES}, "predictions"),
    "objects": ([{"score": score} for score in SCORES], None),
    "path in objects": ([{"score": score, "id": 7} for score in SCORES], "score"),
    "path to objects": ({"predictions": [{"score": each} for each in SCORES]}, "predictions.score"),
    "names in objects": ([{"score": score, "id": 7} for score in SCORES], ["score"]),
    "dataclasses": ([Estimate(score) for score in SCORES], "score"),
    "lists of one": ([[score] for score in SCORES], None),
    "column": ({"score": SCORES}, None),
    "column and more": ({"score": SCORES, "model": "a"}, None),
    "only column": ({"estimates": SCORES}, None),
    "array": (np.array(SCORES), None),
    "array of one column": (np.array(SCORES)[:, None], None),
    "narrow array": (np.array(SCORES, dtype=np.float32), None),
    "series": (pd.Series(SCORES, index=[7, 8, 9]), None),
    "series of polars": (pl.Series(SCORES), None),
    "array of pyarrow": (pa.array(SCORES), None),
    "frame": (pd.DataFrame({"score": SCORES}), None),
    "frame of another name": (pl.DataFrame({"estimate": SCORES}), None),
    "text that spells numbers": ([str(score) for score in SCORES], None),
}


@pytest.mark.parametrize("form", OUTPUTS)
def test_the_outputs_of_a_batch_are_read_in_each_form(
    form: str, serve: Callable[..., Any], counted: Callable[[str], dict[str, float]]
) -> None:
    returned, source = OUTPUTS[form]
    ask = serve(returning(returned), {"output": source})
    answer = ask("POST", "/predict", json.dumps(LISTS).encode(), **JSON)
    assert (answer.status, answer.headers["x-prediction-count"]) == (200, "3")
    assert counted(ask("GET", "/metrics").body.decode()) == COUNTED


MISMATCHES: dict[str, tuple[Any, Any, str]] = {
    "too few": (SCORES[:2], None, "3 rows of features, but 2 outputs"),
    "too many": (SCORES * 2, None, "3 rows of features, but 6 outputs"),
    "none": ([], None, "3 rows of features, but 0 outputs"),
}


@pytest.mark.parametrize("form", MISMATCHES)
def test_rows_and_outputs_that_differ_in_number_are_counted_and_reported(
    form: str,
    serve: Callable[..., Any],
    counted: Callable[[str], dict[str, float]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    returned, source, problem = MISMATCHES[form]
    content = json.dumps(LISTS).encode()
    plain = serve(returning(returned), None)("POST", "/predict", content, **JSON)
    ask = serve(returning(returned), {"output": source})
    with caplog.at_level(logging.WARNING, "boxkite"):
        answer = ask("POST", "/predict", content, **JSON)
    assert answer.headers.pop("x-prediction-count") == "3"
    assert answer.headers.pop("x-prediction-id")
    assert answer == plain
    told = [each.getMessage() for each in caplog.records if "view 'predict'" in each.getMessage()]
    assert told == [f"boxkite output: view 'predict': {problem} (1 so far)"]
    assert counted(ask("GET", "/metrics").body.decode()) == BAD_OUTPUT


@pytest.mark.parametrize("rows", [3, 400], ids=["few", "many"])
def test_many_rows_beside_a_single_output_are_one_invalid_prediction(
    rows: int,
    serve: Callable[..., Any],
    counted: Callable[[str], dict[str, float]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    ask = serve(returning({"score": 0.5}), {"features": "inputs", "output": "score"}, max_rows=100)
    content = json.dumps({"inputs": [[30, "red"]] * rows}).encode()
    answer = ask("POST", "/predict", content, **JSON)
    assert (answer.status, json.loads(answer.body)) == (200, {"score": 0.5})
    assert "x-prediction-count" not in answer.headers
    told = [each.getMessage() for each in caplog.records if "view 'predict'" in each.getMessage()]
    problem = f"{rows} rows of features, but one float"
    assert told == [f"boxkite output: view 'predict': {problem} (1 so far)"]
    assert counted(ask("GET", "/metrics").body.decode()) == {
        "predictions": 1.0, "age invalid": 1.0, "colour invalid": 1.0,
        "score sum": 0.5, "score count": 1.0, "output errors": 1.0,
    }  # fmt: skip


def test_a_request_with_more_rows_than_allowed_is_served_and_none_is_counted(
    serve: Callable[..., Any],
    counted: Callable[[str], dict[str, float]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    ask = serve(scores, {"features": "inputs", "output": "scores"}, max_rows=2)
    content = json.dumps({"inputs": LISTS}).encode()
    for _ in range(2):
        answer = ask("POST", "/predict", content, **JSON)
        assert (answer.status, json.loads(answer.body)) == (200, {"scores": SCORES})
        assert answer.headers["x-prediction-count"] == "0"
    told = [each.getMessage() for each in caplog.records if "view 'predict'" in each.getMessage()]
    problem = "the request has 3 rows, but MAX_ROWS is 2, so none of them is counted"
    fix = "raise MAX_ROWS, or split the request"
    assert told == [f"boxkite features: view 'predict': {problem}; {fix} (1 so far)"]
    assert counted(ask("GET", "/metrics").body.decode()) == {"features errors": 2.0}


EMPTY: dict[str, tuple[Any, Any, Any]] = {
    "list": ([], None, []),
    "path": ({"instances": []}, "instances", {"scores": []}),
    "names": ([], ["age", "colour"], []),
    "names in an object": ({"instances": []}, ["age", "colour"], {"scores": []}),
    "path into objects": ({"instances": []}, "instances.values", {"scores": []}),
    "columns": ({"age": [], "colour": []}, None, []),
    "array": ([], lambda _: np.zeros((0, 2)), {"scores": []}),
    "frame": ([], lambda _: pd.DataFrame({"age": [], "colour": []}), {"scores": []}),
}


@pytest.mark.parametrize("form", EMPTY)
def test_an_empty_batch_is_neither_a_prediction_nor_an_error(
    form: str, serve: Callable[..., Any], counted: Callable[[str], dict[str, float]]
) -> None:
    body, features, returned = EMPTY[form]
    output = "scores" if isinstance(returned, dict) else None
    ask = serve(returning(returned), {"features": features, "output": output})
    answer = ask("POST", "/predict", json.dumps(body).encode(), **JSON)
    assert (answer.status, answer.headers["x-prediction-count"]) == (200, "0")
    assert "x-prediction-id" not in answer.headers
    assert counted(ask("GET", "/metrics").body.decode()) == {}


def test_rows_that_do_not_fit_are_counted_as_missing_or_invalid(
    serve: Callable[..., Any], counted: Callable[[str], dict[str, float]]
) -> None:
    rows = [[30, "red"], [40], ["many", None]]
    ask = serve(scores, {"output": "scores"})
    assert ask("POST", "/predict", json.dumps(rows).encode(), **JSON).status == 200
    assert counted(ask("GET", "/metrics").body.decode()) == {
        "predictions": 3.0, "age sum": 30.0, "age count": 1.0, "age invalid": 2.0,
        "colour red rows": 1.0, "colour invalid": 1.0, "colour missing": 1.0,
        "score sum": 1.5, "score count": 3.0, "features errors": 1.0,
    }  # fmt: skip


def test_a_row_without_the_key_that_others_have_is_missing(
    serve: Callable[..., Any], counted: Callable[[str], dict[str, float]]
) -> None:
    body = {"rows": [{"values": [30, "red"]}, {"error": "cut"}]}
    view = returning([{"score": 0.25}, {"problem": "no features"}])
    ask = serve(view, {"features": "rows.values", "output": "score"})
    assert ask("POST", "/predict", json.dumps(body).encode(), **JSON).status == 200
    assert counted(ask("GET", "/metrics").body.decode()) == {
        "predictions": 2.0, "age sum": 30.0, "age count": 1.0, "age missing": 1.0,
        "colour red rows": 1.0, "colour missing": 1.0,
        "score sum": 0.25, "score count": 1.0, "score missing": 1.0,
    }  # fmt: skip


def test_without_features_the_number_of_outputs_is_the_number_of_predictions(
    serve: Callable[..., Any], counted: Callable[[str], dict[str, float]]
) -> None:
    ask = serve(scores, {"features": lambda _: None, "output": "scores"})
    assert ask("POST", "/predict", b"{}", **JSON).headers["x-prediction-count"] == "3"
    assert counted(ask("GET", "/metrics").body.decode()) == {
        "predictions": 3.0, "age missing": 3.0, "colour missing": 3.0,
        "score sum": 1.5, "score count": 3.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    "matrix",
    [scipy.sparse.csr_array([[1.0, 0.0], [0.0, 2.0]]), np.array([["1", "0"], ["0", "2"]])],
    ids=["sparse", "text"],
)
def test_a_matrix_is_rows_by_position(
    matrix: Any, serve: Callable[..., Any], counted: Callable[[str], dict[str, float]]
) -> None:
    baseline = boxkite.Baseline.fit({"a": range(9), "b": range(9)}, {"score": range(9)})
    ask = serve(returning([0, 1]), {"features": lambda _: matrix}, baseline=baseline)
    assert ask("POST", "/predict", b"{}", **JSON).headers["x-prediction-count"] == "2"
    assert counted(ask("GET", "/metrics").body.decode()) == {
        "predictions": 2.0, "a sum": 1.0, "a count": 2.0, "b sum": 2.0, "b count": 2.0,
        "score sum": 1.0, "score count": 2.0,
    }  # fmt: skip


CLASSES = ["no", "yes"]
PROBABILITIES = [[0.25, 0.75], [0.5, 0.5]]
BY_CLASS = [dict(zip(CLASSES, row, strict=True)) for row in PROBABILITIES]
CLASSIFIED = {"a sum": 3.0, "a count": 2.0, "no sum": 0.75, "no count": 2.0, "yes sum": 1.25,
              "yes count": 2.0, "class no rows": 1.0, "class yes rows": 1.0}  # fmt: skip


@pytest.mark.parametrize(
    ("returned", "output"),
    [
        (PROBABILITIES, None),
        ({"probabilities": PROBABILITIES}, "probabilities"),
        (np.array(PROBABILITIES), None),
        (BY_CLASS, None),
        ([{"id": 7, "p": row} for row in PROBABILITIES], "p"),
        ([{"id": 7, "p": row} for row in BY_CLASS], "p"),
        ({"no": [0.25, 0.5], "yes": [0.75, 0.5]}, None),
        ([{"id": 7, **row} for row in BY_CLASS], ["yes", "no"]),
        (pl.DataFrame({"yes": [0.75, 0.5], "no": [0.25, 0.5]}), None),
        ([BY_CLASS[0] | {"class": "yes"}, BY_CLASS[1] | {"class": "no"}], None),
    ],
    ids=["lists", "path", "array", "by class", "path in objects", "by class in objects", "columns",
         "names in objects", "frame", "with the class"],
)  # fmt: skip
def test_class_probabilities_are_counted_with_the_predicted_class(
    returned: Any,
    output: Any,
    serve: Callable[..., Any],
    counted: Callable[[str], dict[str, float]],
) -> None:
    random = np.random.default_rng(2013)
    baseline = boxkite.Baseline.fit(
        {"a": random.normal(size=100)}, random.dirichlet([1, 1], 100), classes=CLASSES
    )
    ask = serve(returning(returned), {"output": output}, baseline=baseline)
    ask("POST", "/predict", b"[[1.0], [2.0]]", **JSON)
    assert counted(ask("GET", "/metrics").body.decode()) == {"predictions": 2.0, **CLASSIFIED}


def test_the_ids_count_up_and_match_the_log(serve: Callable[..., Any], records: Any) -> None:
    def view(rows: Any) -> Any:
        current_prediction.features = rows
        return {"ids": current_prediction.ids, "scores": SCORES}

    ask = serve(view, {"output": "scores"}, log=records, log_request_body=True)
    said = json.loads(ask("POST", "/predict", json.dumps(LISTS).encode(), **JSON).body)
    assert [each.prediction_id for each in records] == said["ids"]
    digits = [int(each.entity_id.rpartition("-")[2], 16) for each in records]
    assert [(each - digits[0]) % 16**12 for each in digits] == [0, 1, 2]
    assert [each.features for each in records] == OBJECTS
    assert [each.output for each in records] == SCORES
    assert [each.request_body for each in records] == [LISTS, msgspec.UNSET, msgspec.UNSET]
