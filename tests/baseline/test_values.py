"""Single values are converted to a number or a category, or are missing."""

import datetime as dt
import math
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest

from boxkite.baseline.values import epoch_seconds, is_missing, to_category, to_number

NEW_YORK = dt.timezone(dt.timedelta(hours=-5))


class Colour(StrEnum):
    RED = "red"


MISSING = [
    None,
    math.nan,
    np.float32("nan"),
    np.datetime64("NaT", "s"),
    np.timedelta64("NaT", "s"),
    pd.NaT,
    pd.NA,
    np.ma.masked,
    Decimal("NaN"),
    Decimal("sNaN"),
]


@pytest.mark.parametrize("value", MISSING)
def test_a_missing_value_is_neither_number_nor_category(value: Any) -> None:
    assert is_missing(value)
    assert math.isnan(to_number(value))
    assert to_category(value) is None


@pytest.mark.parametrize(
    "value", [0, "", "nan", b"", False, [], {}, np.array([]), np.array([math.nan])]
)
def test_what_is_empty_or_nested_is_not_missing(value: Any) -> None:
    assert not is_missing(value)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1, 1.0),
        (True, 1.0),
        (np.bool_(False), 0.0),
        (np.int64(-7), -7.0),
        (np.uint64(2**64 - 1), 2.0**64),
        (np.float32(0.5), 0.5),
        (np.array(3), 3.0),
        (Decimal("2.5"), 2.5),
        (Decimal("1e999"), math.inf),
        (Fraction(1, 4), 0.25),
        (10**400, math.inf),
        (-(10**400), -math.inf),
        (Fraction(-(10**400)), -math.inf),
        ("1e3", 1000.0),
        (b" 7 ", 7.0),
        ("-inf", -math.inf),
        ("9" * 1100, math.inf),
        ("1970-01-02", 86400.0),
        ("1970-01-01T00:00:01.5", 1.5),
        ("1970-01-01T01:00:00+01:00", 0.0),
        (dt.datetime.fromisoformat("1970-01-01T00:00:01"), 1.0),
        (dt.datetime(1970, 1, 1, tzinfo=NEW_YORK), 18000.0),
        (dt.date(1970, 1, 2), 86400.0),
        (dt.time(1, 0, 0, 500_000), 3600.5),
        ("01:00:00.5", 3600.5),
        (dt.timedelta(milliseconds=-1), -0.001),
        (pd.Timestamp("1970-01-01", tz="America/New_York"), 18000.0),
        (pd.Timedelta("1s"), 1.0),
        (np.datetime64("1970-01-02"), 86400.0),
        (np.datetime64(1_500_000_000, "ns"), 1.5),
        (np.datetime64("20000-01-01"), 568971820800.0),
        (np.timedelta64(90, "s"), 90.0),
    ],
)
def test_numbers_moments_and_their_texts_become_floats(value: Any, number: float) -> None:
    assert to_number(value) == number


@pytest.mark.parametrize(
    "value",
    ["", "one", b"\xff", "9" * 1101, 1j, [1], {}, object(), np.array([1.0]), np.array([math.nan])],
)
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        to_number(value)


@pytest.mark.parametrize(
    ("value", "category"),
    [
        ("red", "red"),
        (np.str_("red"), "red"),
        (Colour.RED, "red"),
        (b"red", "red"),
        ("", ""),
        ("nan", "nan"),
        ("\ud800é", "\\ud800é"),
        (1, "1"),
        (1.0, "1"),
        (-0.0, "0"),
        (np.int8(1), "1"),
        (np.float32(0.1), "0.1"),
        (Decimal("1.00"), "1"),
        (1e16, "1e+16"),
        (10**400, str(10**400)),
        (math.inf, "inf"),
        (True, "true"),
        (np.bool_(False), "false"),
        (dt.date(2013, 7, 4), "2013-07-04"),
        (pd.Timestamp("2013-07-04"), "2013-07-04T00:00:00"),
        (Fraction(1, 3), "1/3"),
    ],
)
def test_equal_values_of_any_type_share_a_category(value: Any, category: str) -> None:
    label = to_category(value)
    assert (label, type(label)) == (category, str)


@pytest.mark.parametrize(
    "value",
    [[], (), {}, set(), b"\xff", 1j, np.complex64(1j), object(), np.array([1]), np.array([])],
)
def test_what_is_no_category_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        to_category(value)


def test_a_moment_without_a_zone_is_taken_as_utc() -> None:
    naive = dt.datetime.fromisoformat("2013-07-04T12:00:00")
    assert epoch_seconds(naive) == epoch_seconds(naive.replace(tzinfo=dt.UTC)) == 1372939200.0
