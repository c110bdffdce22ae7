"""Columns of all kinds are counted into variables, and errors name the column."""

import datetime as dt
import warnings
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxkite.baseline import Baseline, CategoryVariable, NumericVariable
from boxkite.errors import BaselineError, BaselineWarning

MOMENTS = st.datetimes() | st.datetimes(timezones=st.just(dt.UTC)) | st.dates() | st.timedeltas()
NUMBERS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.decimals()
    | MOMENTS
)
TEXTS = st.none() | st.text() | st.sampled_from(["", "nan", "__other__", "__unseen__", "\ud800"])
KINDS = [NUMBERS, TEXTS, NUMBERS | TEXTS, st.sampled_from([0, 1, 2.5, None])]
NO_CATEGORY = (
    "are neither numbers nor labels. Convert the column to numbers or text, or leave it out"
)
COLUMNS = st.one_of([st.lists(kind, min_size=1, max_size=120) for kind in KINDS])


def fit(features: Any, *arguments: Any, **options: Any) -> Baseline:
    """Fit without the warnings that a column of any make may give."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BaselineWarning)
        return Baseline.fit(features, *arguments, **options)


@given(column=COLUMNS, max_categories=st.integers(1, 4))
def test_the_cells_and_the_missing_sum_to_the_rows(column: list[Any], max_categories: int) -> None:
    baseline = fit({"c": column}, max_categories=max_categories)
    (variable,) = baseline.variables
    assert int(variable.counts.sum()) + variable.missing == baseline.rows == len(column)


@given(column=st.lists(st.floats(allow_infinity=False), min_size=1, max_size=120))
def test_no_bin_of_a_column_that_varies_is_empty(column: list[float]) -> None:
    (variable,) = fit({"c": column}).variables
    distinct = {value for value in column if value == value}
    assert (variable.counts > 0).all() or len(distinct) < 2


@given(column=COLUMNS, data=st.data())
def test_the_order_of_the_rows_does_not_matter(column: list[Any], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(column))
    assert fit({"c": shuffled}).as_text() == fit({"c": column}).as_text()


TABLE = {
    "float32": np.array([0.1, 2.5, 7.0, 2.5], dtype=np.float32),
    "count": np.array([3, 1, 2, 2], dtype=np.int16),
    "flag": np.array([True, False, True, True]),
    "text": np.array(["red", "blue", "red", "red"]),
    "moment": np.array(["2013-01-01", "2013-07-04", "2013-07-04", "2013-12-31"], dtype="M8[us]"),
}
PAIRS = list(TABLE.items())
MAKES: dict[str, Callable[[], Any]] = {
    "pairs": lambda: PAIRS,
    "generator": lambda: iter(PAIRS),
    "lists": lambda: {name: values.tolist() for name, values in PAIRS},
    "pandas": lambda: pd.DataFrame(TABLE),
    "pandas nullable": lambda: pd.DataFrame(TABLE).convert_dtypes(),
    "pandas categories": lambda: pd.DataFrame(TABLE).astype({"text": "category"}),
    "polars": lambda: pl.DataFrame(TABLE),
    "lazy polars": lambda: pl.LazyFrame(TABLE),
    "pyarrow": lambda: pa.table(TABLE),
    "structured array": lambda: (
        pd.DataFrame(TABLE).astype({"text": object}).to_records(index=False)
    ),
}


@pytest.mark.parametrize("make", MAKES.values(), ids=MAKES.keys())
def test_the_same_rows_in_any_table_give_the_same_file(make: Callable[[], Any]) -> None:
    assert fit(make()).as_text() == fit(TABLE).as_text()


@pytest.mark.parametrize("dtype", ["f4", "f8", "i1", "u8", "?"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_an_array_with_names_counts_as_its_columns(dtype: str, order: Any) -> None:
    array = np.array([[0, 1], [1, 1], [1, 0]], dtype=dtype, order=order)
    assert fit(array, names=["a", "b"]) == fit({"a": array[:, 0], "b": array[:, 1].copy()})
    columns = {name: np.array(values, dtype) for name, values in {"a": [0, 1], "b": [1, 0]}.items()}
    assert fit(array[::2], names=["a", "b"]) == fit(columns)


NAN = float("nan")


@pytest.mark.parametrize(
    ("values", "options", "bins", "missing"),
    [
        ([5.0] * 30, {}, {"4.999995": 0, "5.000005": 30, "+Inf": 0}, 0),
        ([0, 1, 1, 1] * 10, {}, {"0.5": 10, "+Inf": 30}, 0),
        ([1, 2, 3] * 100, {}, {"1.5": 100, "2.5": 100, "+Inf": 100}, 0),
        (range(40), {"bins": 4}, {"9.5": 10, "19.5": 10, "29.5": 10, "+Inf": 10}, 0),
        (range(25), {}, {"12.5": 13, "+Inf": 12}, 0),
        ([1, 2, 3], {"bins": [1.5, 9]}, {"1.5": 1, "9.0": 2, "+Inf": 0}, 0),
        ([1, 2, 3], {"bins": {"c": [2]}}, {"2.0": 2, "+Inf": 1}, 0),
        (
            [np.inf, -np.inf, 0, NAN, None],
            {"bins": [-1, 1]},
            {"-1.0": 1, "1.0": 1, "+Inf": 1},
            2,
        ),
        ([np.inf, -np.inf], {}, {"+Inf": 2}, 0),
        (
            [Decimal("0.1"), 10**400, None],
            {},
            {"0.0999999": 0, "0.1000001": 1, "+Inf": 1},
            1,
        ),
    ],
)
def test_the_bins_of_numeric_columns(
    values: Any, options: dict[str, Any], bins: dict[str, int], missing: int
) -> None:
    (variable,) = fit({"c": values}, **options).variables
    assert isinstance(variable, NumericVariable)
    assert dict(zip(variable.upper_bounds, variable.counts.tolist(), strict=True)) == bins
    assert variable.missing == missing


@pytest.mark.parametrize(
    ("features", "output", "positions"),
    [
        ({"a": [1], "b": [2]}, [3], ["feature 0 a", "feature 1 b", "output 0 output"]),
        ({"a": [1]}, pd.Series([3], name="y"), ["feature 0 a", "output 0 y"]),
        ({"a": [1]}, {"a": [3]}, ["feature 0 a", "output 0 a"]),
        (
            np.ones((1, 1)),
            np.ones((1, 2)),
            ["feature 0 x0", "output 0 output_0", "output 1 output_1"],
        ),
    ],
)
def test_variables_stand_by_role_and_position(
    features: Any, output: Any, positions: list[str]
) -> None:
    baseline = fit(features, output)
    places = [f"{each.role} {each.position} {each.name}" for each in baseline.variables]
    assert places == positions
    assert baseline.features + baseline.outputs == baseline.variables


def test_columns_are_taken_as_categories_where_asked() -> None:
    by_text = fit({"c": ["1", "2", "1"]})
    assert fit({"c": [1.0, 2.0, 1.0]}, categorical="c") == by_text
    assert fit({"c": np.array([1, 2, 1], dtype=np.int8)}, categorical=["c"]) == by_text


@pytest.mark.parametrize(
    ("values", "kind", "missing"),
    [([None, None], NumericVariable, 2), (pl.Series(["a", None])[1:], CategoryVariable, 1)],
)
def test_a_column_without_a_value_is_counted_and_warned_of(
    values: Any, kind: type, missing: int
) -> None:
    with pytest.warns(BaselineWarning) as caught:
        (variable,) = Baseline.fit({"c": values}).variables
    assert [str(each.message) for each in caught] == ["feature 'c' has no value in any row"]
    assert caught[0].filename == __file__
    assert (type(variable), variable.missing, int(variable.counts.sum())) == (kind, missing, 0)


def test_a_column_of_ids_is_warned_of() -> None:
    ids = [f"id {row}" for row in range(1000)]
    with pytest.warns(BaselineWarning) as caught:
        Baseline.fit({"c": ids, "fewer": ids[:400] * 2 + ids[:200]})
    assert len(caught) == 1
    assert str(caught[0].message) == (
        "1,000 of 1,000 values of 'c' are different. If they are ids, exclude the column (--drop), "
        "or let it raise no alert (--no-alert): ids have no distribution to compare"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"features": {}}, "there are no columns to count. Pass a table with at least one column"),
        (
            {"features": pd.DataFrame(index=[1, 2])},
            "there are no columns to count. Pass a table with at least one column",
        ),
        ({"features": {"c": []}}, "the table is empty. A baseline needs at least one row"),
        (
            {"features": pl.DataFrame(schema={"c": pl.String})},
            "the table is empty. A baseline needs at least one row",
        ),
        (
            {"features": {"a": [1, 2], "b": [1] * 3000}},
            (
                "feature 'a' has 2 rows, but feature 'b' has 3,000. "
                "All columns need the same number of rows"
            ),
        ),
        (
            {"features": {"a": [1, 2]}, "output": ["x"]},
            (
                "feature 'a' has 2 rows, but output 'output' has 1. "
                "All columns need the same number of rows"
            ),
        ),
        (
            {"features": [("a", [1]), ("a", [2])]},
            "two columns have the name 'a'. Rename one",
        ),
        (
            {"features": pd.DataFrame([[1, 2]], columns=["a", "a"])},
            "two columns have the name 'a'. Rename one",
        ),
        ({"features": {"c": [[1], [2]]}}, "column 'c': values of type list " + NO_CATEGORY),
        (
            {"features": {"c": [1]}, "bins": 1},
            "column 'c': bins is 1, but must be at least 2",
        ),
        (
            {"features": {"c": [1]}, "bins": [2, 1]},
            "column 'c': the bin edge 2 stands before 1. Bin edges must ascend, without repetition",
        ),
        ({"features": {"c": [1]}, "bins": {"d": 5}}, "bins= names columns that do not exist: 'd'"),
        (
            {"features": {"size": [1]}, "bins": {"siez": 5}},
            "bins= names columns that do not exist: 'siez'. Did you mean 'size'?",
        ),
        (
            {"features": {"c": [1]}, "categorical": ["d", "e"]},
            "categorical= names columns that do not exist: 'd', 'e'",
        ),
        (
            {"features": {"c": ["a"]}, "max_categories": 0},
            "max_categories is 0, but must be at least 1",
        ),
    ],
)
def test_what_cannot_be_counted_is_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(BaselineError) as caught:
        Baseline.fit(**arguments)
    assert str(caught.value) == message


def test_every_row_of_a_large_column_counts_and_two_fits_give_the_same_bytes() -> None:
    values = np.random.default_rng(3).normal(size=300_000)
    values[7] = 1e20
    texts = [fit({"c": values}).as_text() for _ in range(2)]
    assert texts[0] == texts[1]
    (variable,) = fit({"c": values}).variables
    assert isinstance(variable, NumericVariable)
    assert (variable.rows, variable.maximum) == (300_000, 1e20)
    assert set(variable.counts.tolist()) == {15_000}


def test_many_columns_keep_their_order() -> None:
    columns = {f"c{i}": [float(i)] * (i + 1) + [0.0] * (50 - i) for i in range(50)}
    variables = fit(columns).variables
    sums = [each.sum for each in variables if isinstance(each, NumericVariable)]
    assert sums == [float(i * (i + 1)) for i in range(50)]
