"""Values of segment columns in every form that a service may pass them in."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from boxkite import Baseline
from boxkite.error_reporter import ErrorReporter
from boxkite.rows.segment_values import SegmentValues

X = {"x": np.arange(400.0), "carrier": ["UA", "DL"] * 200}
COUNTRY = ["DE", "FR"] * 200


@dataclass
class User:
    country: str


def baseline(**segments: Any) -> Baseline:
    return Baseline.fit(X, segments=segments, bins=2)


ONE = baseline(country=COUNTRY, carrier=None)
TWO = baseline(country=COUNTRY, city=COUNTRY)
NONE = Baseline.fit(X, bins=2)


@pytest.mark.parametrize(
    ("segments", "rows", "expected"),
    [
        (None, 2, [None, None]),
        ("DE", 1, [{"country": "DE"}]),
        ("DE", 2, [{"country": "DE"}] * 2),
        (["DE", "FR"], 2, [{"country": "DE"}, {"country": "FR"}]),
        (np.array(["DE", "FR"]), 2, [{"country": "DE"}, {"country": "FR"}]),
        (pd.Series(["DE", "FR"]), 2, [{"country": "DE"}, {"country": "FR"}]),
        ({"country": "DE"}, 2, [{"country": "DE"}] * 2),
        ({"country": ["DE"]}, 1, [{"country": "DE"}]),
        ({"country": ["DE", None]}, 2, [{"country": "DE"}, {"country": None}]),
        ({"country": "DE", "carrier": "UA"}, 1, [{"country": "DE", "carrier": "UA"}]),
        ([{"country": "DE"}, {}], 2, [{"country": "DE"}, {}]),
        (User("DE"), 1, [{"country": "DE"}]),
    ],
)
def test_a_value_is_for_all_rows_and_a_list_for_each(
    segments: Any, rows: int, expected: list[Any]
) -> None:
    assert SegmentValues(ONE, ErrorReporter(lambda: True)).of(segments, rows, "view") == expected


@pytest.mark.parametrize(
    ("fitted", "segments", "problem"),
    [
        (ONE, {"contry": "DE"}, "'contry', which is no segment column .* mean 'country'?"),
        (ONE, {"country": ["DE", "FR", "US"]}, "3 values of 'country', but there are 2 rows"),
        (TWO, "DE", "needs values by name, .* 'country', 'city'"),
    ],
)
def test_what_does_not_fit_is_reported_and_the_rows_have_no_segment(
    fitted: Baseline, segments: Any, problem: str
) -> None:
    reporter = ErrorReporter()
    assert SegmentValues(fitted, reporter).of(segments, 2, "view") == [None, None]
    with pytest.raises(Exception, match=problem):
        SegmentValues(fitted, ErrorReporter(lambda: True)).of(segments, 2, "view")


def test_without_segments_in_the_baseline_the_values_are_ignored() -> None:
    assert SegmentValues(NONE, ErrorReporter(lambda: True)).of({"any": 1}, 2, "view") == [None] * 2
