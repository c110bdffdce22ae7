"""The distribution of one variable is counted, compared and merged."""

import math
from typing import Any

import numpy as np
import pytest

from boxkite.baseline import CategoryVariable, NumericVariable
from boxkite.baseline.category_tail import label_hash
from boxkite.baseline.merging import merge_variables
from boxkite.baseline.ordered_values import SortedValues
from boxkite.errors import BaselineError

ORDERED = [-math.inf, -1.0, 0.0, 1.0, 1.0, 7.0, math.inf, math.nan, math.nan]

OTHER_BINS = (
    "feature 'x' has different bins in the two baselines. Fit all parts after the first with "
    "like=, or with boxkite baseline --like"
)


def numeric(values: list[float], edges: list[float]) -> NumericVariable:
    return NumericVariable.from_ordered(
        SortedValues.of(np.array(values)),
        np.array(edges),
        name="x",
        role="feature",
        position=0,
    )


def category(tally: dict[str, int], max_categories: int = 9, missing: int = 0) -> CategoryVariable:
    return CategoryVariable.from_tally(
        tally, max_categories, missing=missing, name="c", role="feature", position=0
    )


def test_bins_hold_their_upper_edge_and_infinities_stand_in_the_outer_bins() -> None:
    variable = numeric(ORDERED, [-1.0, 1.0])
    assert variable.upper_bounds == ("-1.0", "1.0", "+Inf")
    assert variable.counts.tolist() == [2, 3, 2]
    assert (variable.missing, variable.rows) == (2, 9)
    assert (variable.sum, variable.minimum, variable.maximum) == (8.0, -1.0, 7.0)


@pytest.mark.parametrize(
    ("values", "total"),
    [
        ([], 0.0),
        ([-0.0], 0.0),
        ([-1e308, -1e308, 1e308, 1e308], 0.0),
        ([1e308, 1e308], math.inf),
        ([-1e308, -1e308], -math.inf),
    ],
)
def test_a_sum_leaves_the_range_of_floats_only_if_it_is_beyond_it(
    values: list[float], total: float
) -> None:
    assert repr(numeric(values, []).sum) == repr(total)


@pytest.mark.parametrize(
    ("tally", "max_categories", "cells"),
    [
        ({}, 2, {"__unseen__": 0}),
        ({"b": 1, "a": 1}, 2, {"a": 1, "b": 1, "__unseen__": 0}),
        ({"b": 1, "c": 3, "a": 1}, 1, {"c": 3, "__other__": 2, "__unseen__": 0}),
        (
            {"__unseen__": 5, "__other__": 4, "nan": 1},
            3,
            {"nan": 1, "__other__": 9, "__unseen__": 0},
        ),
    ],
)
def test_the_commonest_categories_are_kept_and_the_rest_counted_together(
    tally: dict[str, int], max_categories: int, cells: dict[str, int]
) -> None:
    variable = category(tally, max_categories)
    tail = {label_hash(label) for label in tally.keys() - (cells.keys() - {"__other__"})}
    tail |= {label_hash(label) for label in tally if label in ("__other__", "__unseen__")}
    assert dict(zip(variable.categories, variable.counts.tolist(), strict=True)) == cells
    assert (variable.tail, variable.has_tail) == (tail, bool(tail))
    assert variable.index == {label: place for place, label in enumerate(cells)}


def test_a_label_hash_is_the_same_in_every_process() -> None:
    assert [label_hash(label) for label in ("", "red", "é")] == [309448485, 3333378283, 2504344770]


@pytest.mark.parametrize(
    ("change", "equal"),
    [
        ({}, True),
        ({"edges": [-1.0, 2.0]}, False),
        ({"values": [*ORDERED[1:], math.nan]}, False),
    ],
)
def test_variables_are_equal_if_all_of_their_fields_are(
    change: dict[str, Any], equal: bool
) -> None:
    variable = numeric(ORDERED, [-1.0, 1.0])
    other = numeric(**{"values": ORDERED, "edges": [-1.0, 1.0], **change})
    assert (variable == other) is equal
    assert len({variable, other}) == (1 if equal else 2)


def test_a_numeric_variable_without_values_equals_its_like() -> None:
    assert numeric([math.nan], []) == numeric([math.nan], [])


def test_a_variable_equals_none_of_another_kind() -> None:
    assert numeric([1.0], [1.0]) != category({"a": 1})


def test_merging_numeric_variables_counts_the_rows_of_both() -> None:
    edges = [-1.0, 1.0]
    parts = merge_variables(numeric(ORDERED, edges), numeric([-9.0, 2.0, math.nan], edges))
    finite = [-9.0, *ORDERED[1:5], 2.0, *ORDERED[5:6]]
    assert parts == numeric([-math.inf, *finite, math.inf, *[math.nan] * 3], edges)


def test_merging_categories_goes_by_name_and_keeps_both_tails() -> None:
    merged = merge_variables(
        category({"a": 5, "b": 4, "c": 1}, 2), category({"a": 4, "b": 5, "d": 2}, 2, missing=1)
    )
    assert isinstance(merged, CategoryVariable)
    assert merged.categories == ("a", "b", "__other__", "__unseen__")
    assert (merged.counts.tolist(), merged.missing) == ([9, 9, 3, 0], 1)
    assert merged.tail == {label_hash("c"), label_hash("d")}


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        (
            numeric([1.0], [1.0]),
            numeric([1.0], [2.0]),
            OTHER_BINS,
        ),
        (
            category({"a": 2, "b": 1}, 1),
            category({"b": 1}),
            (
                "feature 'c': the category 'b' has a count of its own in one baseline, but the "
                "other counts it with the rare ones. Fit all parts after the first with like=, or "
                "with boxkite baseline --like"
            ),
        ),
        (
            category({"a": 1}),
            numeric([1.0], [1.0]),
            (
                "feature 'c' is numeric in one baseline and a category in the other. Fit all parts "
                "after the first with like=, or with boxkite baseline --like"
            ),
        ),
    ],
    ids=["bins", "categories", "kinds"],
)
def test_variables_of_different_cells_do_not_merge(one: Any, other: Any, message: str) -> None:
    with pytest.raises(BaselineError) as caught:
        merge_variables(one, other)
    assert str(caught.value) == message
