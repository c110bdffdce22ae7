"""What a bin or category is called in a sentence."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxkite import Baseline
from boxkite.baseline import Variable
from boxkite.drawing.cell_words import cell_words

RANDOM = np.random.default_rng(0)
GAMMA = RANDOM.gamma(2, 1, 4000)
OFTEN = RANDOM.random(4000) < 0.3


def fitted(values: object, bins: object = 20) -> Variable:
    (variable,) = Baseline.fit({"x": values}, bins=bins).variables  # type: ignore[arg-type]
    return variable


def words(values: object, bins: object = 20) -> list[str]:
    variable = fitted(values, bins)
    return [cell_words(variable, cell) for cell in range(len(variable.counts))]


@pytest.mark.parametrize(
    ("values", "names"),
    [
        pytest.param([0, 1, 2, 3] * 100, ["0", "1", "2", "3"], id="whole numbers"),
        pytest.param([False, True, True] * 100, ["false", "true"], id="booleans"),
        pytest.param(
            np.datetime64("2013-02-28") + np.arange(400) % 2,
            ["2013-02-28", "2013-03-01"],
            id="dates",
        ),
        pytest.param([7] * 100, ["values below 7", "7", "values above 7"], id="constant"),
        pytest.param(
            [3.25] * 100,
            ["values below 3.25", "3.25", "values above 3.25"],
            id="constant fraction",
        ),
    ],
)
def test_a_bin_of_one_value_is_called_by_it(values: object, names: list[str]) -> None:
    assert words(values) == names


def test_bins_of_several_whole_numbers_are_ranges() -> None:
    assert words(range(1000), bins=4) == [
        "values from 0 to 249",
        "values from 250 to 499",
        "values from 500 to 749",
        "values from 750 to 999",
    ]


@pytest.mark.parametrize(
    ("values", "cell", "name"),
    [
        pytest.param(np.where(OFTEN, 0, GAMMA), 0, "0", id="least"),
        pytest.param(np.minimum(GAMMA, 3.5), -1, "3.5", id="greatest"),
        pytest.param(np.where(OFTEN, 0, GAMMA - 2), None, "0", id="zero in the middle"),
        pytest.param(np.where(OFTEN, 99.99, 98 + GAMMA), None, "about 99.99", id="other"),
    ],
)
def test_a_bin_with_one_heavy_value_is_called_by_it(
    values: np.ndarray, cell: int | None, name: str
) -> None:
    variable = fitted(values)
    heaviest = int(variable.counts.argmax()) if cell is None else cell % len(variable.counts)
    assert cell_words(variable, heaviest) == name


def test_bins_of_several_dates_are_ranges() -> None:
    assert words(np.datetime64("2013-01-01") + np.arange(365), bins=2) == [
        "values from 2013-01-01 to 2013-07-02",
        "values from 2013-07-03 to 2013-12-31",
    ]


def test_bins_of_times_and_durations_are_called_by_their_edges() -> None:
    minutes = np.arange(101).astype("timedelta64[m]")
    assert words(minutes, bins=2)[1] == "values above 50 min 30 s"
    assert words(np.datetime64("2013-01-01T08:00") + minutes, bins=2)[0].startswith(
        "values up to 2013-01-01 08:50"
    )


def test_other_bins_are_called_by_their_edges() -> None:
    assert words([0.5, 1.5, 1.7, 3.2] * 50, bins={"x": [1.0, 2.0]}) == [
        "values up to 1",
        "values above 1 and up to 2",
        "values above 2",
    ]


def test_whole_edges_do_not_make_whole_numbers() -> None:
    values = np.append(RANDOM.random(1000) * 100, [0.0, 100.0])
    assert words(values, bins={"x": [10.0, 20.0]}) == [
        "values up to 10",
        "values above 10 and up to 20",
        "values above 20",
    ]


@given(st.floats(0.1, 4.0), st.integers(0, 5))
def test_no_bin_of_a_smooth_distribution_counts_as_one_value(spread: float, seed: int) -> None:
    normal = np.random.default_rng(seed).normal(size=2000)
    for values in (normal, np.exp(spread * normal)):
        assert all(name.startswith("values") for name in words(values))


def test_outside_the_range_of_training_the_outer_bins_are_open() -> None:
    variable = fitted([0, 1, 2] * 100)
    names = [cell_words(variable, cell, outside=True) for cell in range(3)]
    assert names == ["values up to 0", "1", "values above 1"]


def test_categories_are_quoted_and_reserved_ones_explained() -> None:
    labels = ["a"] * 50 + ["b\nc"] * 40 + ["d"] * 10
    variable = Baseline.fit({"x": labels}, max_categories=2).variables[0]
    assert [cell_words(variable, cell) for cell in range(4)] == [
        "'a'",
        "'b\\nc'",
        "rarer categories",
        "categories that training never saw",
    ]


def test_a_variable_without_values_has_one_name() -> None:
    with pytest.warns(match="no value"):
        assert words([math.nan] * 10) == ["any value"]
