"""Labels below the picture of a distribution."""

import numpy as np
import pytest

from boxkite import Baseline
from boxkite.baseline.variable import Variable
from boxkite.drawing.axis import Label, category_labels, number_labels
from boxkite.drawing.shapes import bars


def numeric(values: object, edges: list[float]) -> Variable:
    return Baseline.fit({"x": values}, bins={"x": edges}).variables[0]


def texts(variable: Variable) -> list[str]:
    return [each.text for each in number_labels(variable)]


def test_numbers_are_round_and_stand_where_they_are_drawn() -> None:
    variable = numeric(np.linspace(0, 10, 101) + 0.01, [2.0, 4.0, 6.0, 8.0])
    assert number_labels(variable) == [
        Label("0.01", 0.0, "start"),
        *(Label(str(n), pytest.approx((n - 0.01) / 10)) for n in (2, 4, 6, 8)),
        Label("10", 1.0, "end"),
    ]


def test_ends_are_the_extreme_values_and_cut_bins_have_no_numbers_inside() -> None:
    values = [-1e3, *np.linspace(0.2, 4, 200), 1e9]
    assert texts(numeric(values, [0.1, 0.5, 1.5, 2.5, 3.5, 4.5])) == [
        "-1000", "1", "2", "3", "4", "1e+09",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "ends"),
    [
        ([0.1166, 10.0, 3573.2], ["0.12", "3570"]),
        ([0.1 + 0.2, 0.5, 0.7], ["0.3", "0.7"]),
        ([0.1279, 0.4, 0.7892], ["0.13", "0.79"]),
        ([-30.0, 0.5, 1301.0], ["-30", "1301"]),
        ([1234567.25, 1234567.5, 1234568.75], ["1234567.25", "1234568.75"]),
    ],
)
def test_the_ends_have_the_digits_that_can_be_seen(values: list[float], ends: list[str]) -> None:
    found = texts(numeric(values, [values[1]]))
    assert [found[0], found[-1]] == ends


DAYS = np.datetime64("2013-01-01") + np.arange(365)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        pytest.param(DAYS, ["2013-01-01", "2013-07", "2013-12-31"], id="year"),
        pytest.param(DAYS[:20], ["2013-01-01", "2013-01-10", "2013-01-20"], id="days"),
        pytest.param(
            np.datetime64("2013-01-01T08:00") + np.arange(500).astype("timedelta64[m]"),
            ["2013-01-01 08:00", "12:00", "2013-01-01 16:19"],
            id="minutes",
        ),
        pytest.param(
            np.datetime64("2013-01-01T08:00:07") + np.arange(50).astype("timedelta64[D]"),
            ["2013-01-01", "2013-02", "2013-02-19"],
            id="times of many days",
        ),
        pytest.param(
            np.arange(500).astype("timedelta64[m]"),
            ["0 s", "3 h", "8 h 19 min"],
            id="durations",
        ),
    ],
)
def test_dates_and_durations_are_read_as_such(values: np.ndarray, found: list[str]) -> None:
    (variable,) = Baseline.fit({"x": values}).variables
    assert texts(variable) == found


def test_numbers_that_would_overlap_are_left_out() -> None:
    variable = numeric([123456.0, 123456.5, 123457.0], [123456.2, 123456.7])
    assert texts(variable) == ["123456", "123456.4", "123457"]


def test_large_numbers_have_enough_digits_to_differ() -> None:
    variable = numeric(1e12 + np.arange(100.0), [1e12 + 30, 1e12 + 60])
    assert texts(variable) == ["1000000000000", "1000000000099"]
    assert texts(numeric(np.arange(100) * 1e-9, [3e-8, 6e-8])) == [
        "0", "2e-08", "4e-08", "6e-08", "9.9e-08",
    ]  # fmt: skip


def test_a_constant_is_labelled_between_its_neighbours() -> None:
    (variable,) = Baseline.fit({"x": [3.0] * 100}).variables
    found = {each.text: each.place for each in number_labels(variable)}
    assert found["3"] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("end", [1e308, 5e-324])
def test_numbers_at_the_ends_of_floats_have_no_axis(end: float) -> None:
    variable = numeric([-end, end], [-0.8 * end, 0.8 * end])
    assert number_labels(variable) == []
    assert np.isfinite([each.trained_height for each in bars(variable, [1, 2, 3])]).all()


def test_a_variable_without_values_has_no_axis() -> None:
    with pytest.warns(match="no value"):
        empty = Baseline.fit({"x": [np.nan], "y": [1]}).variables[0]
    assert number_labels(empty) == []


def categories(*labels: str) -> list[tuple[str, str, bool]]:
    variable = Baseline.fit({"c": list(labels)}).variables[0]
    found = category_labels(bars(variable, [0] * len(variable.counts)))
    return [(each.text, each.anchor, each.upright) for each in found]


def test_few_categories_are_named_below_their_bars() -> None:
    assert categories("yes", "no", "a long name of a category\n") == [
        ("a long na…", "middle", False),
        ("no", "middle", False),
        ("yes", "middle", False),
        ("__unseen__", "middle", False),
    ]


def test_many_categories_are_named_upright() -> None:
    found = categories(*(f"airport {n}" for n in range(9)))
    assert found[0] == ("airport 0", "start", True)
    assert len(found) == 10


def test_many_short_names_are_not_upright() -> None:
    assert {upright for _, _, upright in categories(*"abcde")[:-1]} == {True}
    variable = Baseline.fit({"c": list("abcdefgh")}).variables[0]
    drawn = bars(variable, [0] * 9)[:-1]  # without __unseen__
    assert {each.upright for each in category_labels(drawn)} == {False}


def test_without_bars_there_are_no_labels() -> None:
    assert category_labels([]) == []
