"""Rows and their outputs, taken apart."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse

from boxkite.rows.batch import Batch, TooManyRowsError, batch_of, rows_of
from boxkite.rows.row import ShapeError

NAMES = ["a", "b"]
LISTS = [[1, "x"], [2, "y"]]
FRAME = {"a": [1, 2], "b": ["x", "y"]}


@dataclasses.dataclass
class Data:
    a: int
    b: str


ROWS: dict[str, tuple[Any, Any]] = {
    "lists": (LISTS, LISTS),
    "tuples": ([(1, "x"), (2, "y")], [(1, "x"), (2, "y")]),
    "tuple of lists": (tuple(LISTS), tuple(LISTS)),
    "mappings": ([{"a": 1}, {"b": 2}], [{"a": 1}, {"b": 2}]),
    "objects": ([Data(1, "x")] * 2, [Data(1, "x")] * 2),
    "one list": ([[1, 2]], [[1, 2]]),
    "empty list": ([], []),
    "array": (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
    "array of one row": (np.array([[1, 2]]), [[1, 2]]),
    "array of no rows": (np.zeros((0, 2)), []),
    "masked array": (np.ma.array([[1, 2]], mask=[[True, False]]), [[None, 2]]),
    "records": (np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")]), [(1, 2.5)]),
    "sparse matrix": (scipy.sparse.coo_array([[0, 1.5]]), [[0, 1.5]]),
    "frame of pandas": (pd.DataFrame(FRAME), [(1, "x"), (2, "y")]),
    "frame of polars, in another order": (
        pl.DataFrame({"b": ["x", "y"], "a": [1, 2]}), [(1, "x"), (2, "y")]),
    "table with a column more": (
        pa.table({**FRAME, "c": [0, 0]}), [{"a": 1, "b": "x", "c": 0}, {"a": 2, "b": "y", "c": 0}]),
    "frame of other names": (pd.DataFrame({"c": [1]}), [{"c": 1}]),
    "columns": (FRAME, [(1, "x"), (2, "y")]),
    "columns and more": ({**FRAME, "c": "text", "d": [1]}, [(1, "x"), (2, "y")]),
    "some of the columns": ({"a": [1, 2]}, [{"a": 1}, {"a": 2}]),
    "columns of arrays": ({"a": np.array([1]), "b": pl.Series(["x"])}, [(1, "x")]),
    "columns of no values": ({"a": [], "b": []}, []),
}  # fmt: skip


@pytest.mark.parametrize("form", ROWS)
def test_several_rows_are_taken_one_by_one(form: str) -> None:
    features, rows = ROWS[form]
    assert rows_of(features, NAMES, 9) == rows


@pytest.mark.parametrize(
    "features",
    [
        [1, "x"], (1, "x"), ["red", "blue"], [None, None], [1, [2]], [[1], 2], {"a": 1, "b": "x"},
        {"a": [1], "b": "x"}, {"c": [1, 2]}, {}, np.array([1, 2]), np.zeros((2, 2, 2)), np.array(1),
        pd.Series([1, 2]), pl.Series([1, 2]), Data(1, "x"), pd.DataFrame(FRAME).iloc[0], None, 1,
        "text", object(), iter([[1], [2]]), [np.float64(1)], {1, 2},
    ],
    ids=lambda value: f"{type(value).__name__}",
)  # fmt: skip
def test_one_row_and_what_is_none_are_no_batch(features: Any) -> None:
    assert rows_of(features, NAMES, 9) is None


def test_columns_of_different_lengths_are_an_error() -> None:
    with pytest.raises(ShapeError) as caught:
        rows_of({"a": [1, 2], "b": ["x"]}, NAMES, 9)
    assert str(caught.value) == "the columns have different lengths: 'a' has 2, and 'b' has 1"


def test_moments_keep_their_unit() -> None:
    rows = rows_of(np.array([["2013-07-04"]], dtype="datetime64[ns]"), ["a"], 9)
    assert rows is not None
    assert str(rows[0][0]) == "2013-07-04T00:00:00.000000000"


@pytest.mark.parametrize(
    ("outputs", "found"),
    [
        ([0.5, 1], [0.5, 1]),
        (("no", "yes"), ("no", "yes")),
        (np.array([0.5, 1.0]), [0.5, 1.0]),
        (np.array([[0.5], [1.0]]), [[0.5], [1.0]]),
        (pd.Series([0.5, 1.0], index=["p", "q"]), [0.5, 1.0]),
        (pa.array([0.5, 1.0]), [0.5, 1.0]),
        (pd.DataFrame({"score": [0.5, 1.0]}), [(0.5,), (1.0,)]),
        ({"score": [0.5, 1.0], "id": 7}, [(0.5,), (1.0,)]),
        ({"other": [0.5, 1.0]}, [{"other": 0.5}, {"other": 1.0}]),
        ([{"score": 0.5}, None], [{"score": 0.5}, None]),
        (None, [None, None]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_as_many_outputs_go_with_the_rows(outputs: Any, found: Any) -> None:
    assert batch_of(LISTS, outputs, NAMES, ["score"], 9) == Batch(LISTS, found)


@pytest.mark.parametrize(
    ("outputs", "problem"),
    [
        ([0.5], "2 rows of features, but 1 outputs"),
        (np.array([[0.5, 1.0]]), "2 rows of features, but 1 outputs"),
    ],
    ids=["list", "array"],
)
def test_another_number_of_outputs_is_a_problem(outputs: Any, problem: str) -> None:
    batch = batch_of(LISTS, outputs, NAMES, ["score"], 9)
    assert batch is not None
    assert (batch.rows, batch.outputs, str(batch.problem)) == (LISTS, None, problem)


@pytest.mark.parametrize(
    ("output", "problem"),
    [
        (0.5, "2 rows of features, but one float"),
        ({"p": [1, 2], "q": [1, 2]}, "2 rows of features, but one dict"),
    ],
    ids=["number", "columns of other names"],
)
@pytest.mark.parametrize("max_rows", [1, 2])
def test_rows_beside_a_single_output_are_one_prediction_that_does_not_fit(
    output: Any, problem: str, max_rows: int
) -> None:
    batch = batch_of(LISTS, output, NAMES, ["score"], max_rows)
    assert batch is not None
    assert (batch.rows, batch.outputs, str(batch.problem)) == (None, None, problem)


MANY: list[Any] = [
    [[1, "x"]] * 10,
    np.zeros((10, 2)),
    np.zeros(10, dtype=[("a", float), ("b", float)]),
    pd.DataFrame({"a": range(10), "b": range(10)}),
    {"a": list(range(10)), "b": np.zeros(10)},
    scipy.sparse.csr_array(np.eye(10)),
]


@pytest.mark.parametrize("features", MANY, ids=lambda features: type(features).__name__)
@pytest.mark.parametrize("outputs", [None, [0.5], [0.5] * 10], ids=["none", "one", "ten"])
def test_more_rows_than_allowed_are_refused_in_each_form(features: Any, outputs: Any) -> None:
    problem = r"^the request has 10 rows, but MAX_ROWS is 9, so none of them is counted; raise MAX_"
    with pytest.raises(TooManyRowsError, match=problem):
        batch_of(features, outputs, NAMES, ["score"], 9)


def test_more_outputs_than_allowed_without_features_are_refused() -> None:
    with pytest.raises(TooManyRowsError, match="10 rows"):
        batch_of(None, [0.5] * 10, NAMES, ["score"], 9)


def test_the_output_of_the_only_row_may_be_as_of_one() -> None:
    assert batch_of([[1, "x"]], [0.25, 0.75], NAMES, ["p", "q"], 9) == Batch(
        [[1, "x"]], [[0.25, 0.75]]
    )
    assert batch_of([[1, "x"]], [[0.25, 0.75]], NAMES, ["p", "q"], 9) == Batch(
        [[1, "x"]], [[0.25, 0.75]]
    )


def test_an_empty_list_beside_one_output_is_a_row_that_lacks_its_values() -> None:
    assert batch_of([], 0.5, NAMES, ["score"], 9) is None
    assert batch_of([], [], NAMES, ["score"], 9) == Batch([], [])
    assert batch_of([], None, NAMES, ["score"], 9) == Batch([], [])


@pytest.mark.parametrize(
    ("outputs", "names", "number"),
    [
        ([0.5, 1], ["score"], 2),
        ([[0.25, 0.75]] * 3, ["p", "q"], 3),
        ([0.25, 0.75], ["p", "q"], None),
        ([0.5], ["score"], None),
        (0.5, ["score"], None),
        (None, ["score"], None),
        ({"score": 0.5}, ["score"], None),
        ([0.5, 1], [], None),
    ],
)
def test_without_features_the_outputs_tell_the_number_where_they_are_sure_to_be_several(
    outputs: Any, names: list[str], number: int | None
) -> None:
    batch = batch_of(None, outputs, NAMES, names, 9)
    assert batch == (None if number is None else Batch([None] * number, outputs))
