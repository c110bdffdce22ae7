"""Requests of model servers are counted row by row, and by name wherever they have names."""

import json
from typing import Any

import pytest

from boxkite import Baseline, Monitor
from boxkite.web.inference_protocols import request_table, table_of
from boxkite.web.lookup import Lookup
from boxkite.web.sources import Source

BASELINE = Baseline.fit({"a": [1.0, 2.0], "b": ["x", "y"]}, {"score": [1.0, 2.0]})
NUMBERS = Baseline.fit({"a": [1.0, 2.0]}, {"score": [1.0, 2.0]})
TWO = [{"a": 1.0, "b": "x"}, {"a": 2.0, "b": "y"}]


def tensor(name: str, shape: list[int], datatype: str, data: Any) -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": datatype, "data": data}


A, B = tensor("a", [2], "FP64", [1.0, 2.0]), tensor("b", [2], "BYTES", ["x", "y"])
V2: dict[str, Any] = {
    "columns": {"inputs": [A, B]},
    "another order": {"id": "7", "inputs": [B, A], "outputs": [{"name": "score"}]},
    "columns of one": {
        "inputs": [
            tensor("a", [2, 1], "FP64", [[1.0], [2.0]]), tensor("b", [2, 1], "BYTES", ["x", "y"])]},
    "pandas of MLServer": {
        "parameters": {"content_type": "pd"},
        "inputs": [{**A, "parameters": {"content_type": "np"}}, B]},
    "more tensors": {"inputs": [tensor("id", [2], "INT64", [7, 8]), A, B]},
}  # fmt: skip
MLFLOW: dict[str, Any] = {
    "split": {"dataframe_split": {"columns": ["a", "b"], "data": [[1.0, "x"], [2.0, "y"]]}},
    "split, another order": {
        "dataframe_split": {
            "index": [0, 1], "columns": ["b", "a"], "data": [["x", 1.0], ["y", 2.0]]},
        "params": {"t": 1}},
    "split, more columns": {
        "dataframe_split": {"columns": ["b", "id", "a"], "data": [["x", 7, 1.0], ["y", 8, 2.0]]}},
    "split of pandas": {"columns": ["b", "a"], "data": [["x", 1.0], ["y", 2.0]], "index": [0, 1]},
    "records": {"dataframe_records": TWO},
    "instances by name": {"instances": TWO, "signature_name": "serving_default"},
    "inputs by column": {"inputs": {"b": ["x", "y"], "a": [1.0, 2.0]}},
}  # fmt: skip
BY_POSITION: dict[str, Any] = {
    "instances": {"instances": [[1.0, "x"], [2.0, "y"]]},
    "inputs": {"inputs": [[1.0, "x"], [2.0, "y"]], "params": {}},
    "SageMaker": {"instances": [{"features": [1.0, "x"]}, {"features": [2.0, "y"]}]},
    "SageMaker, dense": {
        "instances": [
            {"data": {"features": {"values": row}}} for row in ([1.0, "x"], [2.0, "y"])]},
    "one tensor": {"inputs": [tensor("input__0", [2, 2], "BYTES", [1.0, "x", 2.0, "y"])]},
    "one nested tensor": {"inputs": [tensor("predict", [2, 2], "X", [[1.0, "x"], [2.0, "y"]])]},
}  # fmt: skip
ALL = {**V2, **MLFLOW, **BY_POSITION}


def counted(body: Any, source: Source = None, baseline: Baseline = BASELINE) -> dict[str, Any]:
    """Return the cells that the rows of a body are counted in, as a service would count them."""
    assert source is None or not callable(source)
    monitor = Monitor(baseline, "none:", registry=None)
    rows = Lookup("features", source).find(json.loads(json.dumps(body)), baseline)
    ids = monitor.log_predictions(rows)
    found = {
        variable.name: (tally.cells.tolist(), tally.missing, tally.invalid, tally.sum)
        for variable, tally in monitor.drift().counts
    }
    return {"rows": len(ids), **found, "errors": sum(monitor.reporter.counts().values())}


EXPECTED = counted(TWO)


def test_the_expected_counts_are_those_of_two_rows() -> None:
    (a, *_, total), (b, *_) = EXPECTED["a"], EXPECTED["b"]
    assert (EXPECTED["rows"], sum(a), sum(b), total, EXPECTED["errors"]) == (2, 2, 2, 3.0, 0)


@pytest.mark.parametrize("form", ALL)
def test_a_request_is_recognised(form: str) -> None:
    assert counted(ALL[form]) == EXPECTED


@pytest.mark.parametrize("form", [*V2, *MLFLOW])
def test_names_are_picked_from_a_request(form: str) -> None:
    assert counted(ALL[form], ["b", "a"]) == EXPECTED


@pytest.mark.parametrize("form", ALL)
def test_a_protocol_is_chosen_by_name(form: str) -> None:
    keys = ("dataframe_split", "dataframe_records", "instances", "inputs")
    key = next((key for key in keys if key in ALL[form]), None)
    if key is not None:
        assert counted(ALL[form], key) == EXPECTED
    if form in V2 or "tensor" in form:
        assert counted(ALL[form], "v2") == EXPECTED
        assert counted({"request": ALL[form]}, "request.inputs") == EXPECTED


ONE_COLUMN: dict[str, Any] = {
    "instances": {"instances": [1.0, 2.0]},
    "inputs": {"inputs": [1.0, 2.0]},
    "tensor": {"inputs": [tensor("x", [2], "FP64", [1.0, 2.0])]},
    "known tensor": {"inputs": [tensor("a", [2], "FP64", [1.0, 2.0])]},
}


@pytest.mark.parametrize("form", ONE_COLUMN)
def test_each_value_is_a_row_if_there_is_one_feature(form: str) -> None:
    assert counted(ONE_COLUMN[form], None, NUMBERS) == counted([[1.0], [2.0]], None, NUMBERS)


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": [tensor("x", [2], "BYTES", [1.0, "x"])]},
        {"instances": [1.0, "x"]},
        {"dataframe_split": {"columns": ["a", "b"], "data": [[1.0, "x"]]}},
        {"inputs": [tensor("a", [1], "FP64", 1.0), tensor("b", [1], "BYTES", "x")]},
    ],
    ids=["tensor", "instances", "split", "values"],
)
def test_one_row_is_one_prediction(body: Any) -> None:
    assert counted(body) == counted(TWO[0])


@pytest.mark.parametrize(
    "columns", [{"a": [1.0, 2.0], "b": ["x", "y"]}, {"t": {"b": ["x", "y"], "a": [1.0, 2.0]}}]
)
def test_names_of_columns_are_not_rows(columns: Any) -> None:
    """As rows by position, the columns would be mixed up."""
    for names in (["a", "b"], ["b", "a"]):
        assert counted(columns, names) == EXPECTED


def test_names_of_the_services_own_may_have_columns() -> None:
    assert counted({"first": [1.0, 2.0], "second": ["x", "y"]}, ["first", "second"]) == EXPECTED


@pytest.mark.parametrize(
    ("body", "source", "problem"),
    [
        ({"columns": ["a", "b"], "data": [[1.0]]}, None, "a row of `data` has 1 values for 2 `col"),
        ({"columns": ["a"], "data": [1.0]}, None, "a row of `data` has 1 values for 1 `columns`"),
        ({"inputs": [{k: v for k, v in A.items() if k != "data"}]}, None,
         "the tensor 'a' has no `data`; boxkite cannot read binary tensors"),
        ({"inputs": [tensor("x", [3, 2], "FP64", [1.0])]}, None, "the shape [3, 2] of a tenso"),
        ({"inputs": [tensor("x", [-1, 2], "FP64", [1.0])]}, None, "the shape [-1, 2] of a tensor"),
        ({"inputs": [[1.0]]}, "v2", "no list of tensors under 'inputs', each with `name`, `shape`"),
        ([1.0], "v2", "no list of tensors under 'inputs'"),
        ({}, "v2", "no list of tensors under 'inputs'"),
    ],
)  # fmt: skip
def test_a_damaged_request_says_what_is_wrong(body: Any, source: Any, problem: str) -> None:
    with pytest.raises((ValueError, LookupError)) as caught:
        Lookup("features", source).find(body, BASELINE)
    assert str(caught.value).startswith(problem)


@pytest.mark.parametrize(
    "body",
    [
        {"a": 1.0, "inputs": [[2.0, "x"]]},
        {"columns": 3, "data": 4},
        {"outputs": [1]},
        {"instances": {"a": 1.0}, "a": 2.0},
    ],
)
def test_an_object_that_only_looks_like_a_protocol_is_left_alone(body: Any) -> None:
    assert request_table(body, ["a", "b"]) == body
    assert table_of({"columns": [1], "data": [[2]], "a": 3}, ["a"])["a"] == 3
    assert table_of([{"a": 1, "features": 2}], ["a"]) == [{"a": 1, "features": 2}]


@pytest.mark.parametrize("source", [None, "v2"])
def test_the_outputs_of_a_v2_response_are_read(source: str | None) -> None:
    scores = {"model_name": "m", "outputs": [tensor("score", [2], "FP64", [1.0, 2.0])]}
    assert Lookup("output", source).find(scores, BASELINE) == {"score": [1.0, 2.0]}
    scores["outputs"][0]["name"] = "predict"  # type: ignore[index]
    assert Lookup("output", source).find(scores, BASELINE) == [[1.0], [2.0]]
    plain = {"outputs": 1.0, "score": 2.0}
    assert Lookup("output", None).find(plain, BASELINE) is plain
