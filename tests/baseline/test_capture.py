"""A column of any library is read as the same numbers or labels."""

import datetime as dt
from decimal import Decimal
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from boxkite.baseline.capture import (
    CategoryColumn,
    NumericColumn,
    capture_column,
)
from boxkite.errors import BaselineError

DAY = 86400.0
MIDNIGHT = dt.datetime.fromisoformat("1970-01-02")
IN_UTC = MIDNIGHT.replace(tzinfo=dt.UTC)
NAN = float("nan")
NO_CATEGORY = (
    "are neither numbers nor labels. Convert the column to numbers or text, or leave it out"
)


def captured(values: Any, *, categorical: bool = False) -> list[float] | dict[str | None, int]:
    """Return a column's floats, or its tally with what is missing under None."""
    column = capture_column("c", values, categorical=categorical)
    if isinstance(column, NumericColumn):
        return column.values.tolist()
    assert isinstance(column, CategoryColumn)
    return {**column.tally, **({None: column.missing} if column.missing else {})}


NUMBERS = {
    **{
        f"numpy {kind}": np.array([1, 0, 2], dtype=kind)
        for kind in [*np.typecodes["AllInteger"], *np.typecodes["Float"], ">f8"]
    },
    "strided": np.array([[1.0, 9.0], [0.0, 9.0], [2.0, 9.0]])[:, 0],
    "Fortran": np.asfortranarray(np.array([[1.0, 0.0, 2.0], [9.0, 9.0, 9.0]]))[0],
    "reversed": np.array([2.0, 0.0, 1.0])[::-1],
    "read-only": np.frombuffer(np.array([1.0, 0.0, 2.0]).tobytes()),
    "objects": np.array([1, 0.0, Decimal(2)], dtype=object),
    "list": [1, 0, 2],
    "tuple of decimals": (Decimal(1), Decimal("-0"), Decimal("2.0")),
    "generator": (value for value in (1.0, 0.0, 2.0)),
    "pandas": pd.Series([1, 0, 2]),
    "pandas Int64": pd.Series([1, 0, 2], dtype="Int64"),
    "pandas sparse": pd.Series(pd.arrays.SparseArray([1.0, 0.0, 2.0])),
    "pandas index": pd.Index([1, 0, 2]),
    "pandas on arrow": pd.Series([1, 0, 2], dtype=pd.ArrowDtype(pa.int32())),
    "polars": pl.Series([1, 0, 2]),
    "polars Int128": pl.Series([1, 0, 2], dtype=pl.Int128),
    "polars Decimal": pl.Series([Decimal(1), Decimal(0), Decimal(2)]),
    "pyarrow array": pa.array([1, 0, 2]),
    "pyarrow chunks": pa.chunked_array([[1, 0], [2]]),
    "pyarrow decimal": pa.chunked_array([[Decimal(1), Decimal(0), Decimal(2)]]),
    "narwhals": nw.from_native(pl.Series([1, 0, 2]), series_only=True),
}


@pytest.mark.parametrize("values", NUMBERS.values(), ids=NUMBERS.keys())
def test_numbers_of_any_type_become_floats(values: Any) -> None:
    assert captured(values) == [1.0, 0.0, 2.0]


WITH_GAPS = {
    "list": [1, None, 2],
    "NA and NaN": [1, pd.NA, 2.0],
    "masked": np.ma.array([1, 9, 2], mask=[False, True, False]),
    "masked floats": np.ma.array([1.0, 9.0, 2.0], mask=[False, True, False]),
    "objects": np.array([1, NAN, Decimal(2)], dtype=object),
    "pandas Int64": pd.Series([1, None, 2], dtype="Int64"),
    "pandas Float64": pd.Series([1, None, 2], dtype="Float64"),
    "pandas on arrow": pd.Series([1, None, 2], dtype=pd.ArrowDtype(pa.int32())),
    "pandas array": pd.array([1, None, 2]),
    "polars": pl.Series([1, None, 2]),
    "polars Decimal": pl.Series([Decimal(1), None, Decimal(2)]),
    "pyarrow": pa.array([1, None, 2]),
    "pyarrow decimal": pa.array([Decimal(1), None, Decimal(2)]),
}


@pytest.mark.parametrize("values", WITH_GAPS.values(), ids=WITH_GAPS.keys())
def test_numbers_that_are_missing_become_nan(values: Any) -> None:
    np.testing.assert_equal(captured(values), [1.0, NAN, 2.0])


BOOLEANS = {
    "list": [True, False, None],
    "objects": np.array([True, False, None], dtype=object),
    "masked": np.ma.array([True, False, False], mask=[False, False, True]),
    "pandas objects": pd.Series([True, False, None], dtype=object),
    "pandas boolean": pd.Series([True, False, None], dtype="boolean"),
    "polars": pl.Series([True, False, None]),
    "pyarrow": pa.chunked_array([[True, False, None]]),
}


@pytest.mark.parametrize("values", BOOLEANS.values(), ids=BOOLEANS.keys())
def test_booleans_become_zeros_and_ones(values: Any) -> None:
    np.testing.assert_equal(captured(values), [1.0, 0.0, NAN])
    assert captured(values, categorical=True) == {"true": 1, "false": 1, None: 1}


MOMENTS = {
    "datetimes": [MIDNIGHT, None],
    "datetimes with a zone": [IN_UTC.astimezone(dt.timezone(dt.timedelta(hours=3))), None],
    "dates": [MIDNIGHT.date(), None],
    "durations": [dt.timedelta(days=1), None],
    "numpy days": np.array(["1970-01-02", "NaT"], dtype="M8[D]"),
    "numpy nanoseconds": np.array(["1970-01-02", "NaT"], dtype="M8[ns]"),
    "numpy durations": np.array([24, "NaT"], dtype="m8[h]"),
    "masked": np.ma.array(["1970-01-02", "1970-01-09"], mask=[False, True], dtype="M8[s]"),
    "pandas": pd.Series([MIDNIGHT, None]),
    "pandas with a zone": pd.Series([IN_UTC, None]).dt.tz_convert("America/New_York"),
    "pandas dates": pd.Series([MIDNIGHT.date(), None]),
    "pandas durations": pd.Series([dt.timedelta(days=1), None]),
    "polars": pl.Series([MIDNIGHT, None]),
    "polars with a zone": pl.Series([IN_UTC, None]).dt.convert_time_zone("Asia/Tokyo"),
    "polars dates": pl.Series([MIDNIGHT.date(), None]),
    "polars durations": pl.Series([dt.timedelta(days=1), None]),
    "pyarrow seconds": pa.array([MIDNIGHT, None], pa.timestamp("s")),
    "pyarrow with a zone": pa.array([IN_UTC, None], pa.timestamp("ns", "Asia/Tokyo")),
    "pyarrow dates": pa.array([MIDNIGHT.date(), None]),
    "pyarrow durations": pa.array([dt.timedelta(days=1), None]),
}


@pytest.mark.parametrize("values", MOMENTS.values(), ids=MOMENTS.keys())
def test_moments_and_durations_become_seconds(values: Any) -> None:
    np.testing.assert_equal(captured(values), [DAY, NAN])


@pytest.mark.parametrize("name", ["dates", "polars dates", "pyarrow dates", "pandas dates"])
def test_dates_as_categories_read_as_they_will_at_serving(name: str) -> None:
    assert captured(MOMENTS[name], categorical=True) == {"1970-01-02": 1, None: 1}


@pytest.mark.parametrize("name", ["datetimes", "numpy nanoseconds", "pandas", "polars"])
def test_moments_as_categories_read_as_they_will_at_serving(name: str) -> None:
    assert captured(MOMENTS[name], categorical=True) == {"1970-01-02T00:00:00": 1, None: 1}


TEXT = ["b", "a", None, "b"]
TEXTS = {
    "list": TEXT,
    "objects": np.array(TEXT, dtype=object),
    "NA and NaN": ["b", "a", NAN, "b"],
    "numpy strings": np.ma.array(["b", "a", "", "b"], mask=[False, False, True, False]),
    "numpy variable width": np.array(
        ["b", "a", NAN, "b"], dtype=np.dtypes.StringDType(na_object=NAN)
    ),
    "pandas str": pd.Series(TEXT),
    "pandas string": pd.Series(TEXT, dtype="string"),
    "pandas objects": pd.Series(TEXT, dtype=object),
    "pandas on arrow": pd.Series(TEXT, dtype=pd.ArrowDtype(pa.string())),
    "pandas category": pd.Series(pd.Categorical(TEXT, categories=["a", "b", "unused"])),
    "polars": pl.Series(TEXT),
    "polars Categorical": pl.Series(TEXT, dtype=pl.Categorical),
    "polars Enum": pl.Series(TEXT, dtype=pl.Enum(["a", "b", "unused"])),
    "pyarrow": pa.array(TEXT),
    "pyarrow large": pa.array(TEXT, pa.large_string()),
    "pyarrow view": pa.array(TEXT, pa.string_view()),
    "pyarrow dictionary": pa.array(TEXT).dictionary_encode(),
    "pyarrow binary": pa.array([b"b", b"a", None, b"b"]),
}


@pytest.mark.parametrize("values", TEXTS.values(), ids=TEXTS.keys())
@pytest.mark.parametrize("categorical", [False, True])
def test_texts_of_any_type_are_counted_by_label(values: Any, categorical: bool) -> None:
    assert captured(values, categorical=categorical) == {"a": 1, "b": 2, None: 1}


CODES: dict[str, Any] = {
    "list": [1, 2, None],
    "masked": np.ma.array([1, 2, 9], mask=[False, False, True]),
    "floats": np.array([1.0, 2.0, NAN]),
    "pandas": pd.Series([1, 2, None]),
    "pandas Int64": pd.Series([1, 2, None], dtype="Int64"),
    "pandas category": pd.Series([1, 2, None], dtype="category"),
    "polars": pl.Series([1, 2, None]),
    "pyarrow dictionary": pa.array([1, 2, None]).dictionary_encode(),
}


@pytest.mark.parametrize("values", CODES.values(), ids=CODES.keys())
def test_numbers_taken_as_categories_read_the_same_whatever_their_type(values: Any) -> None:
    assert captured(values, categorical=True) == {"1": 1, "2": 1, None: 1}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], []),
        ([None, None], [NAN, NAN]),
        (pl.Series([None, None]), [NAN, NAN]),
        (pa.array([None, None]), [NAN, NAN]),
        ([10**400, -(10**400), Decimal("1e999")], [np.inf, -np.inf, np.inf]),
        (np.array(["1e4000"], dtype=np.longdouble), [np.inf]),
        ([MIDNIGHT, IN_UTC, 1], [DAY, DAY, 1.0]),
        ([1, "a", 2.5, None, True, 1.0], {"1": 2, "a": 1, "2.5": 1, "true": 1, None: 1}),
        (["1", "2"], {"1": 1, "2": 1}),
        ([np.str_("1"), np.str_("2")], {"1": 1, "2": 1}),
        (pd.Series([1, "a", None], dtype=object), {"1": 1, "a": 1, None: 1}),
        (pd.Series(pd.period_range("2013-01", "2013-02", freq="M")), {"2013-01": 1, "2013-02": 1}),
        (["\ud800"], {"\\ud800": 1}),
    ],
)
def test_odd_columns_have_a_defined_result(values: Any, expected: Any) -> None:
    np.testing.assert_equal(captured(values), expected)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([[1], [2]], "values of type list " + NO_CATEGORY),
        ([{}, {}], "values of type dict " + NO_CATEGORY),
        ([np.array([1.0]), np.array([NAN])], "arrays of shape (1,) " + NO_CATEGORY),
        ([object()], "values of type object " + NO_CATEGORY),
        ([1j], "values of type complex " + NO_CATEGORY),
        (
            np.array([1j]),
            (
                "values of type complex128 are neither numbers nor labels. Convert the column to "
                "numbers or text, or leave it out"
            ),
        ),
        (
            np.ones((3, 2)),
            "an array of shape (3, 2) is not one column. Pass one value for each row",
        ),
        (np.array(5), "an array of shape () is not one column. Pass one value for each row"),
        (5, "'int' object is not iterable"),
        ("abc", "a str is not a column. Pass a list of values"),
        ({"a": 1}, "a dict is not a column. Pass a list of values"),
        (pd.Series([[1], [2]]), "values of type list " + NO_CATEGORY),
        (pl.Series([[1], [2]]), "values of type list " + NO_CATEGORY),
        (pl.Series([{"a": 1}]), "values of type dict " + NO_CATEGORY),
        (pa.array([[1], [2]]), "values of type list " + NO_CATEGORY),
        ([b"\xff"], "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ],
)
def test_what_is_no_column_is_an_error_that_names_it(values: Any, reason: str) -> None:
    with pytest.raises(BaselineError) as caught:
        capture_column("a name", values, categorical=False)
    assert str(caught.value) == f"column 'a name': {reason}"
