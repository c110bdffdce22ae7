"""Place and height of the bars of a variable."""

import math

import numpy as np
import pytest

from boxkite import Baseline
from boxkite.drawing.shapes import bars, drawn_bins
from boxkite.drawing.svg import Sketch, sketch

NUMERIC = Baseline.fit({"x": [0.5, 1.5, 1.5, 3.0]}, bins={"x": [1.0, 2.0]}).variables[0]
CATEGORY = Baseline.fit({"c": ["a"] * 3 + ["b"]}).variables[0]


def test_bins_are_drawn_by_density_from_the_smallest_to_the_largest_value() -> None:
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


def test_an_open_bin_is_drawn_at_most_twice_as_wide_as_its_neighbour() -> None:
    variable = Baseline.fit({"x": [1.0, 2.0, 3.0, 1e9]}, bins={"x": [1.5, 2.5, 3.5]}).variables[0]
    assert [each.width for each in bars(variable, [1, 1, 1, 1])] == pytest.approx(
        [0.5 / 4.5, 1 / 4.5, 1 / 4.5, 2 / 4.5]
    )
    assert drawn_bins(variable)[0].tolist() == [1.0, 1.5, 2.5, 3.5, 5.5]


def test_a_bin_around_one_value_is_widened_to_leave_height_for_the_others() -> None:
    rows = [0.0] * 700 + [float(i) for i in range(1, 301)]
    variable = Baseline.fit({"x": rows}, bins={"x": [0.5, 100.5, 200.5]}).variables[0]
    # Seven tenths of the rows would be 420 times as dense. A limit of 5 takes 0.14 of the width.
    widths = np.array([0.7 / 5, *([100 / 300] * 2), 99.5 / 300])
    edges, places = drawn_bins(variable)
    assert edges.tolist() == [0.0, 0.5, 100.5, 200.5, 300.0]
    assert np.diff(places) == pytest.approx(widths / widths.sum(), rel=1e-3)
    drawn = bars(variable, [700, 100, 100, 100])
    heights = [0.7, 0.1, 0.1, 0.1] / widths
    assert [each.live_height for each in drawn] == pytest.approx(heights / heights[0], rel=1e-3)


def test_a_narrow_bin_can_be_seen() -> None:
    edges = [1.0, 1.0001, 100.0]
    variable = Baseline.fit({"x": [0.5, 50.0, 150.0]}, bins={"x": edges}).variables[0]
    assert bars(variable, [0, 0, 0, 0])[1].width == pytest.approx(1 / 60, rel=0.1)


def test_a_constant_stands_in_the_middle() -> None:
    (variable,) = Baseline.fit({"x": [3.0] * 100}).variables
    below, at, above = bars(variable, [0, 90, 10])
    assert [each.width for each in (below, at, above)] == pytest.approx([1 / 3] * 3, rel=0.01)
    assert (below.live_height, at.trained_height) == (0.0, 1.0)
    assert above.live_height == pytest.approx(0.1, rel=0.01)


def test_labels_have_enough_digits_to_differ() -> None:
    edges = [1e12 + 1, 1e12 + 2.5, 1e12 + 4]
    variable = Baseline.fit({"x": [1e12, 1e12 + 5]}, bins={"x": edges}).variables[0]
    assert [each.label for each in bars(variable, [0, 0, 0, 0])] == [
        "(-∞, 1000000000001]",
        "(1000000000001, 1000000000002]",
        "(1000000000002, 1000000000004]",
        "(1000000000004, ∞]",
    ]


def test_categories_are_sorted_by_their_fraction_on_either_side() -> None:
    found = bars(CATEGORY, [0, 1, 9])
    assert [(each.label, each.trained, each.live) for each in found] == [
        ("__unseen__", 0, 9),
        ("a", 3, 0),
        ("b", 1, 1),
    ]
    assert [each.trained_height for each in found] == pytest.approx([0, 0.75 / 0.9, 0.25 / 0.9])
    assert [each.live_height for each in found] == pytest.approx([1, 0, 0.1 / 0.9])


def test_only_the_most_common_categories_have_bars() -> None:
    labels = [f"c{n:02}" for n in range(30) for _ in range(30 - n)]
    variable = Baseline.fit({"c": labels}).variables[0]
    live = [0] * 29 + [1, 0]
    assert [each.label for each in bars(variable, live)] == [
        "c29",
        *(f"c{n:02}" for n in range(19)),
    ]
    assert len(bars(variable, live, most_categories=31)) == 31


def test_without_counts_bars_have_no_height() -> None:
    for variable in (NUMERIC, CATEGORY):
        assert {each.live_height for each in bars(variable, [0, 0, 0])} == {0.0}


def test_a_variable_without_values_can_be_drawn() -> None:
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


def test_each_category_is_sketched_as_one_block() -> None:
    assert sketch(bars(CATEGORY, [2, 2, 0]), "category", 8) == Sketch("█▃ ", "▆▆ ")
    assert sketch(bars(CATEGORY, [2, 2, 0]), "category", 1) == Sketch("█", "▆")
