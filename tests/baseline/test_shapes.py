"""Where the bars of a variable stand, and how high they are."""

import math

import numpy as np
import pytest

from boxkite import Baseline
from boxkite.baseline.figures import Sketch, sketch
from boxkite.baseline.shapes import axis, bars

NUMERIC = Baseline.fit({"x": [0.5, 1.5, 1.5, 3.0]}, bins={"x": [1.0, 2.0]}).variables[0]
CATEGORY = Baseline.fit({"c": ["a"] * 3 + ["b"]}).variables[0]


def test_bins_are_drawn_by_their_density_from_the_least_to_the_greatest_value() -> None:
    first, second, last = bars(NUMERIC, [0, 1, 3])
    assert [each.label for each in (first, second, last)] == ["(-∞, 1]", "(1, 2]", "(2, ∞]"]
    assert [(each.trained, each.live) for each in (first, second, last)] == [(1, 0), (2, 1), (1, 3)]
    assert [each.left for each in (first, second, last)] == pytest.approx([0, 0.2, 0.6])
    assert [each.width for each in (first, second, last)] == pytest.approx([0.2, 0.4, 0.4])
    # A quarter of the rows in 0.5, one half in 1, a quarter in 1: densities of 0.5, 0.5 and 0.25.
    assert [each.trained_height for each in (first, second, last)] == pytest.approx(
        [2 / 3, 2 / 3, 1 / 3]
    )
    assert [each.live_height for each in (first, second, last)] == pytest.approx([0, 1 / 3, 1])


def test_an_open_bin_is_drawn_no_wider_than_two_others() -> None:
    variable = Baseline.fit({"x": [1.0, 2.0, 3.0, 1e9]}, bins={"x": [1.5, 2.5, 3.5]}).variables[0]
    assert [each.width for each in bars(variable, [1, 1, 1, 1])] == pytest.approx(
        [0.5 / 4.5, 1 / 4.5, 1 / 4.5, 2 / 4.5]
    )
    assert axis(variable) == ("1", "5.5 … 1e+09")


def test_categories_are_drawn_by_their_fraction_the_commonest_of_either_side_first() -> None:
    found = bars(CATEGORY, [0, 1, 9])
    assert [(each.label, each.trained, each.live) for each in found] == [
        ("__unseen__", 0, 9),
        ("a", 3, 0),
        ("b", 1, 1),
    ]
    assert [each.trained_height for each in found] == pytest.approx([0, 0.75 / 0.9, 0.25 / 0.9])
    assert [each.live_height for each in found] == pytest.approx([1, 0, 0.1 / 0.9])


def test_nothing_counted_has_no_height() -> None:
    for variable in (NUMERIC, CATEGORY):
        assert {each.live_height for each in bars(variable, [0, 0, 0])} == {0.0}


def test_a_variable_without_any_value_can_be_drawn() -> None:
    with pytest.warns(match="no value"):
        empty = Baseline.fit({"x": [math.nan, math.nan], "y": [1, 2]}).variables[0]
    drawn = bars(empty, np.zeros(len(empty.counts), dtype=np.int64))
    assert [(each.left, each.width, each.live_height) for each in drawn] == [(0.0, 1.0, 0.0)]


@pytest.mark.parametrize(
    ("live", "width", "expected"),
    [
        ([1, 2, 1], 5, Sketch("███▄▄", "███▄▄")),
        ([0, 1, 3], 5, Sketch("▆▆▆▃▃", " ▃▃██")),
        ([0, 0, 0], 5, Sketch("███▄▄", "     ")),
    ],
)
def test_bins_are_sketched_where_they_lie(live: list[int], width: int, expected: Sketch) -> None:
    assert sketch(bars(NUMERIC, live), "numeric", width) == expected


def test_categories_are_sketched_a_block_each() -> None:
    assert sketch(bars(CATEGORY, [2, 2, 0]), "category", 8) == Sketch("█▃ ", "▆▆ ")
    assert sketch(bars(CATEGORY, [2, 2, 0]), "category", 1) == Sketch("█", "▆")
