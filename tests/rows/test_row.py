"""One row of features and one output, in every form a service may hold them."""

import collections
import dataclasses
import itertools
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

from boxkite.rows.row import Positions, ShapeError, check_names, class_row, output_row, plain_row

FRAME = pd.DataFrame({"a": [1.5, 2.5], "b": ["x", "y"]})
POLARS = pl.DataFrame({"a": [1.5, 2.5], "b": ["x", "y"]})
Pair = collections.namedtuple("Pair", ["a", "b"])


class Body(pydantic.BaseModel):
    a: float
    b: str


@dataclasses.dataclass
class Data:
    a: float
    b: str


class Struct(msgspec.Struct):
    a: float
    b: str


@attrs.define
class Attrs:
    a: float
    b: str


class Gradient:
    """A tensor that records for a gradient: it gives no array of itself."""

    shape = (2,)

    def __iter__(self) -> Any:
        raise RuntimeError

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise RuntimeError("Can't call numpy() on Tensor that requires grad")

    def detach(self) -> Any:
        return self

    def cpu(self) -> Any:
        return np.array([0.5, 0.25])


@pytest.mark.parametrize(
    "features",
    [
        [1.5, "x"],
        (1.5, "x"),
        Pair(1.5, "x"),
        np.array([1.5, "x"], dtype=object),
        np.array([[1.5, "x"]], dtype=object),
        pd.Series([1.5, "x"]),
        pd.Series([1.5, "x"], index=np.array([7, 3])),
        pd.Index([1.5, "x"]),
        {"a": 1.5, "b": "x"}.values(),
        POLARS.row(0),
        (value for value in (1.5, "x")),
        collections.deque([1.5, "x"]),
        [[1.5, "x"]],
        [(1.5, "x")],
        ([1.5, "x"],),
        [np.array([1.5, "x"], dtype=object)],
    ],
    ids=lambda value: f"{type(value).__module__}.{type(value).__name__}",
)
def test_features_without_names_are_a_list(features: Any) -> None:
    assert plain_row(features) == [1.5, "x"]


@pytest.mark.parametrize(
    "features",
    [
        {"a": 1.5, "b": "x"},
        collections.OrderedDict(a=1.5, b="x"),
        collections.ChainMap({"b": "x"}, {"a": 1.5}),
        FRAME.iloc[0],
        FRAME.iloc[:1],
        FRAME.to_dict("records")[0],
        POLARS[:1],
        POLARS.row(0, named=True),
        pa.table({"a": [1.5], "b": ["x"]}),
        Body(a=1.5, b="x"),
        Data(1.5, "x"),
        Struct(1.5, "x"),
        Attrs(1.5, "x"),
        [{"a": 1.5, "b": "x"}],
        [Data(1.5, "x")],
        (Body(a=1.5, b="x"),),
        [FRAME.iloc[0]],
    ],
    ids=lambda value: f"{type(value).__module__}.{type(value).__name__}",
)
def test_features_with_names_are_a_mapping(features: Any) -> None:
    assert plain_row(features) == {"a": 1.5, "b": "x"}


@pytest.mark.parametrize(
    "numbers",
    [
        np.array([0.5, 0.25], dtype=np.float32),
        np.array([[0.5, 0.25]], dtype=np.float32),
        np.array([0.5, 9, 0.25])[::2],
        pl.Series([0.5, 0.25]),
        pa.array([0.5, 0.25]),
        pd.Series([0.5, 0.25], dtype="float32"),
        scipy.sparse.csr_array([[0.5, 0.25]]),
        Gradient(),
    ],
    ids=lambda value: f"{type(value).__module__}.{type(value).__name__}",
)
def test_numbers_in_arrays_become_floats(numbers: Any) -> None:
    row = plain_row(numbers)
    assert (row, set(map(type, row))) == ([0.5, 0.25], {float})


def test_what_is_masked_in_an_array_is_none() -> None:
    assert plain_row(np.ma.array([1, 2], mask=[False, True])) == [1, None]
    assert plain_row(np.ma.array([[1, 2]], mask=[[True, False]])) == [None, 2]


def test_moments_in_an_array_keep_their_unit() -> None:
    moments = np.array(["2013-07-04", "NaT"], dtype="datetime64[ns]")
    assert [str(each) for each in plain_row(moments)] == ["2013-07-04T00:00:00.000000000", "NaT"]


def test_names_that_are_no_text_become_text() -> None:
    assert plain_row({1: "x", None: "y"}) == {"1": "x", "None": "y"}
    assert plain_row(pd.Series([1, 2], index=["a", 7])) == {"a": 1, "7": 2}


def test_a_row_is_a_copy() -> None:
    for features in ([1, 2], {"a": 1}, np.array([1, 2])):
        row = plain_row(features)
        features[0 if not isinstance(features, dict) else "a"] = 9  # type: ignore[index]
        assert row in ([1, 2], {"a": 1})


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (None, "a row of features is a list or a mapping, not None"),
        (1, "a row of features is a list or a mapping, not a single int"),
        ("12", "a row of features is a list or a mapping, not a single str"),
        (b"12", "a row of features is a list or a mapping, not a single bytes"),
        (bytearray(b"12"), "a row of features is a list or a mapping, not a single bytearray"),
        ({1, 2}, "a row of features is a list or a mapping, not a single set"),
        (np.array(1), "a row of features is a list or a mapping, not a single ndarray"),
        (object(), "a row of features is a list or a mapping, not a single object"),
        (FRAME, "a frame of 2 rows is not one row"),
        (POLARS[:0], "a frame of 0 rows is not one row"),
        (np.zeros((2, 3)), "an array of shape (2, 3) is not one row"),
        (np.zeros((1, 1, 2)), "an array of shape (1, 1, 2) is not one row"),
        ([[1, 2], [3, 4]], "one row is expected, not 2"),
        ([{"a": 1}, {"a": 2}, Data(1, "x")], "one row is expected, not 3"),
        (itertools.count(), "the row does not end within 100000 values"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_row_is_an_error_that_says_what_it_is(features: Any, message: str) -> None:
    with pytest.raises(ShapeError) as caught:
        plain_row(features)
    assert str(caught.value) == message


@pytest.mark.parametrize("row", [[1, 2], {}, {"a": 1}, {"a": 1, "other": 2}])
def test_a_row_with_some_of_the_names_fits(row: Any) -> None:
    check_names(row, ["a", "b"])


@pytest.mark.parametrize("row", [[], [1], {}, {"other": 1}])
def test_any_row_fits_where_there_is_no_baseline(row: Any) -> None:
    check_names(row, [])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([], "the row has 0 values, but the baseline has 2 features"),
        ([1, 2, 3], "the row has 3 values, but the baseline has 2 features"),
        ([[1, 2]], "the row has 1 values, but the baseline has 2 features"),
        (
            dict.fromkeys("uvwxyz", 0),
            "the row has none of the baseline's 2 features; it has 'u', 'v', 'w', 'x', 'y'",
        ),
    ],
)
def test_a_row_that_cannot_be_of_the_baseline_is_an_error(row: Any, message: str) -> None:
    with pytest.raises(ShapeError) as caught:
        check_names(row, ["a", "b"])
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "output",
    [0.5, np.float32(0.5), np.array(0.5), np.array([0.5]), np.array([[0.5]]), [0.5], (0.5,),
     pd.Series([0.5]), pl.Series([0.5]), pa.array([0.5]), {"score": 0.5}, {"any name": 0.5},
     pd.Series({"score": 0.5, "more": 1}), pd.DataFrame({"score": [0.5], "more": [1]}),
     pa.table({"score": [0.5]}), collections.namedtuple("Score", ["score", "more"])(0.5, 1),
     collections.namedtuple("Score", ["any"])(0.5), iter([0.5]), [[0.5]]],
    ids=lambda value: f"{type(value).__module__}.{type(value).__name__}",
)  # fmt: skip
def test_one_output_is_taken_out_of_what_holds_it(output: Any) -> None:
    row = output_row(output, ["score"])
    assert (row.get("score", row) if isinstance(row, dict) else row) in (0.5, [0.5])


@pytest.mark.parametrize("output", ["late", b"late", None, ["late"], np.array(["late"])])
def test_a_label_is_one_output(output: Any) -> None:
    expected = "late" if not isinstance(output, bytes | None) else output
    assert output_row(output, ["label"]) == [expected]


@pytest.mark.parametrize(
    "output",
    [[0.25, 0.75], (0.25, 0.75), np.array([0.25, 0.75]), np.array([[0.25, 0.75]]),
     pd.Series([0.25, 0.75], index=["no", "yes"]), pl.DataFrame({"no": [0.25], "yes": [0.75]})],
    ids=lambda value: f"{type(value).__module__}.{type(value).__name__}",
)  # fmt: skip
def test_several_outputs_are_taken_in_their_order(output: Any) -> None:
    assert output_row(output, ["p0", "p1"]) == [0.25, 0.75]


def test_several_outputs_by_name_stay_by_name() -> None:
    assert output_row({"p1": 0.75, "more": 1}, ["p0", "p1"]) == {"p1": 0.75, "more": 1}


@pytest.mark.parametrize(
    ("output", "names", "message"),
    [
        (0.5, ["p0", "p1"], "the output has 1 values, but the baseline has 2"),
        ("late", ["p0", "p1"], "the output has 1 values, but the baseline has 2"),
        ([1, 2, 3], ["p0", "p1"], "the output has 3 values, but the baseline has 2"),
        ([], ["score"], "the output has 0 values, but the baseline has 1"),
        ([[1]] * 2, ["score"], "one row is expected, not 2"),
        (np.array([1, 2]), ["score"], "the output has 2 values, but the baseline has 1"),
        (np.zeros((2, 3)), ["score"], "an array of shape (2, 3) is not one row"),
        ({}, ["score"], "the output has none of score; it has nothing"),
        ({"a": 1, "b": 2}, ["p0", "p1"], "the output has none of p0, p1; it has 'a', 'b'"),
        ({"a": 1, "b": 2}, ["score"], "the output has none of score; it has 'a', 'b'"),
    ],
)
def test_an_output_that_does_not_fit_is_an_error(
    output: Any, names: list[str], message: str
) -> None:
    with pytest.raises(ShapeError) as caught:
        output_row(output, names)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"a": 1, "b": 2, "c": 3}, [1, 2, 3]),
        ({"c": 3, "a": 1, "b": None}, [1, None, 3]),
        ({"a": 1, "b": 2}, {"a": 1, "b": 2}),
        ({"a": 1, "b": 2, "x": 3}, {"a": 1, "b": 2, "x": 3}),
        ({"a": 1, "b": 2, "c": 3, "x": 4}, {"a": 1, "b": 2, "c": 3, "x": 4}),
        ([3, 2, 1], [3, 2, 1]),
        ({}, {}),
    ],
)
def test_a_row_of_just_the_names_of_training_goes_by_position(row: Any, expected: Any) -> None:
    assert Positions(["a", "b", "c"]).of(row) == expected


@pytest.mark.parametrize("names", [[], ["a"]])
def test_with_fewer_than_two_names_rows_stay_as_they_are(names: list[str]) -> None:
    assert [Positions(names).of(row) for row in ({}, {"a": 1}, [1])] == [{}, {"a": 1}, [1]]


@pytest.mark.parametrize(
    ("output", "row"),
    [
        ([0.25, 0.75], [0.25, 0.75, "yes"]),
        (np.array([[0.25, 0.75]]), [0.25, 0.75, "yes"]),
        ({"yes": 0.75, "no": 0.25}, {"yes": 0.75, "no": 0.25, "class": "yes"}),
        ({"yes": 0.75}, {"yes": 0.75, "class": None}),
        ([0.25, 0.75, "no"], [0.25, 0.75, "no"]),
        ({"yes": 0.75, "no": 0.25, "class": "no"}, {"yes": 0.75, "no": 0.25, "class": "no"}),
        ({"class": "no"}, {"class": "no"}),
        ([0.25, "much"], [0.25, "much", None]),
    ],
)
def test_class_probabilities_are_followed_by_the_class_that_won(output: Any, row: Any) -> None:
    assert class_row(output, ("no", "yes")) == row


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ([0.25], "the output has 1 values, but the baseline has 2"),
        ("yes", "the output has 1 values, but the baseline has 2"),
        ([0.5, 0.25, 0.25], "the output has 3 values, but the baseline has 2"),
        ([0.5, 0.5, "maybe"], "the output has 3 values, but the baseline has 2"),
        ({"maybe": 1.0}, "the output has none of no, yes; it has 'maybe'"),
    ],
)
def test_other_probabilities_than_of_the_classes_are_an_error(output: Any, message: str) -> None:
    with pytest.raises(ShapeError) as caught:
        class_row(output, ("no", "yes"))
    assert str(caught.value) == message
