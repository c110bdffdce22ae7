"""Place and height of the bars of a variable."""

import math

import numpy as np
import pytest

from boxkite import Baseline
from boxkite.drawing.drawn_bins import drawn_bins
from boxkite.drawing.shapes import bars, drawn_kind
from boxkite.drawing.svg import Sketch, picture, sketch

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


def test_outer_bins_of_whole_numbers_have_room_for_whole_values() -> None:
    days = [day for day in range(7) for _ in range(10 + day)]
    variable = Baseline.fit({"day": days}).variables[0]
    drawn = bars(variable, variable.counts)
    assert drawn_kind(variable) == "value"
    assert [each.label for each in drawn] == list("0123456")
    assert [each.width for each in drawn] == pytest.approx([1 / 7] * 7)
    assert [each.trained_height for each in drawn] == pytest.approx(
        [rows / 16 for rows in range(10, 17)]
    )
    uniform = Baseline.fit({"age": [*range(30)] * 20}).variables[0]
    assert drawn_kind(uniform) == "numeric"
    assert [each.trained_height for each in bars(uniform, uniform.counts)] == pytest.approx(
        [1.0] * len(uniform.counts)
    )


def test_booleans_are_two_bars() -> None:
    variable = Baseline.fit({"yes": [True] * 3 + [False]}).variables[0]
    drawn = bars(variable, [1, 1])
    assert drawn_kind(variable) == "value"
    assert [(each.label, each.trained_height) for each in drawn] == [
        ("false", pytest.approx(1 / 3)),
        ("true", 1.0),
    ]


def test_a_bell_is_drawn_to_its_ends_on_one_scale() -> None:
    normal = np.random.default_rng(1).normal(size=5000)
    variable = Baseline.fit({"x": normal}).variables[0]
    drawn = drawn_bins(variable)
    assert (drawn.edges[0], drawn.edges[-1]) == (normal.min(), normal.max())
    assert not drawn.is_cut.any()
    heights = [each.trained_height for each in bars(variable, variable.counts)]
    assert max(heights[0], heights[-1]) < 0.2


def test_a_long_tail_is_cut_with_a_mark() -> None:
    values = [*np.linspace(0.1, 10, 1000), 1e9]
    variable = Baseline.fit({"x": values}, bins={"x": [2.0, 4.0, 6.0, 8.0]}).variables[0]
    drawn = drawn_bins(variable)
    assert drawn.edges.tolist() == [0.1, 2.0, 4.0, 6.0, 8.0, 1e9]
    assert drawn.widths == pytest.approx([1.9 / 11.9] + [2 / 11.9] * 3 + [4 / 11.9], rel=1e-3)
    found = bars(variable, variable.counts)
    assert [each.is_cut for each in found] == [False] * 4 + [True]
    svg = picture(found, drawn_kind(variable), "x")
    assert svg.count('<path class="cut"') == 1
    assert svg.count("; not drawn to scale</title>") == 1


def test_a_spike_is_widened_with_a_mark_to_leave_height_for_the_others() -> None:
    rows = [0.0] * 700 + [float(i) for i in range(1, 301)]
    variable = Baseline.fit({"x": rows}, bins={"x": [0.5, 100.5, 200.5]}).variables[0]
    # Seven tenths of the rows would be 210 times as dense. A limit of 6 takes 0.7 / 6 of the width.
    widths = np.array([0.7 / 6, *([100 / 301] * 3)])
    drawn = drawn_bins(variable)
    assert drawn.edges.tolist() == [-0.5, 0.5, 100.5, 200.5, 300.5]
    assert drawn.widths == pytest.approx(widths / widths.sum(), rel=1e-3)
    assert drawn.is_cut.tolist() == [True, False, False, False]
    heights = [0.7, 0.1, 0.1, 0.1] / widths
    found = [each.live_height for each in bars(variable, [700, 100, 100, 100])]
    assert found == pytest.approx(heights / heights[0], rel=1e-3)


def test_a_narrow_bin_can_be_seen() -> None:
    edges = [1.0, 1.0001, 100.0]
    variable = Baseline.fit({"x": [0.5, 50.0, 150.0]}, bins={"x": edges}).variables[0]
    assert bars(variable, [0, 0, 0, 0])[1].width == pytest.approx(1 / 120, rel=0.1)


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


def test_two_close_edges_do_not_lengthen_the_other_labels() -> None:
    edges = [0.1, 0.3, 0.1 + 0.2, 0.7]
    variable = Baseline.fit({"x": [0.0, 1.0]}, bins={"x": edges}).variables[0]
    assert [each.label for each in bars(variable, [0] * 5)] == [
        "(-∞, 0.1]",
        "(0.1, 0.29999999999999999]",
        "(0.29999999999999999, 0.30000000000000004]",
        "(0.30000000000000004, 0.7]",
        "(0.7, ∞]",
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
