"""The edges between the bins of a numeric variable."""

import math
import sys
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from boxkite.baseline.edges import checked_edges, equal_mass_edges, freedman_diaconis_edges
from boxkite.baseline.ordered_values import SortedValues

FINITE = st.floats(allow_nan=False, allow_infinity=False)
TIED = st.lists(st.sampled_from([-1.0, 0.0, 1.0, 2.5, 1e300]) | FINITE, min_size=1, max_size=80)


@pytest.mark.parametrize(
    ("values", "bins", "edges"),
    [
        ([], 20, []),
        ([3.0], 2, [2.999997, 3.000003]),
        ([0.0, -0.0], 2, [-1e-6, 1e-6]),
        ([np.finfo(float).min], 2, [-1.79769134e308]),
        ([0.0, 1.0], 2, [0.5]),
        ([0.0, 0.0, 0.0, 1.0], 20, [0.5]),
        (range(8), 4, [1.5, 3.5, 5.5]),
        ([1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 3.0, 4.0], 4, [1.5, 2.5]),
        ([1, 2, 3, 4], 100, [1.5, 2.5, 3.5]),
        ([0.1, 0.30000000000000004, 0.7], 3, [0.2, 0.5]),
        ([1.0, math.nextafter(1.0, 2.0)], 2, [1.0]),
        ([-sys.float_info.max, sys.float_info.max], 2, [0.0]),
    ],
)
def test_edges_of_small_columns(values: list[float], bins: int, edges: list[float]) -> None:
    assert equal_mass_edges(SortedValues(np.asarray(values, dtype=float)), bins).tolist() == edges


def test_a_column_without_ties_gets_the_bins_asked_for_of_equal_mass() -> None:
    ordered = np.sort(np.random.default_rng(1).normal(size=10_000))
    edges = equal_mass_edges(SortedValues(ordered), 20)
    counts = np.diff(np.searchsorted(ordered, edges, "right"), prepend=0)
    assert counts.tolist() == [500] * 19


@pytest.mark.parametrize("narrowed", [np.float32, lambda value: float(f"{value:.6g}")])
def test_a_value_that_lost_digits_on_its_way_is_in_its_bin(narrowed: Any) -> None:
    values = np.random.default_rng(2).integers(-50, 50, 5000) / 10 + 0.1 * 3 - 0.3
    edges = equal_mass_edges(SortedValues.of(values), 20)
    there = [float(narrowed(value)) for value in values]
    assert (np.searchsorted(edges, there) == np.searchsorted(edges, values)).all()


@given(values=TIED, bins=st.integers(2, 30))
def test_no_bin_is_empty_unless_the_column_is_constant(values: list[float], bins: int) -> None:
    ordered = np.sort(values)
    edges = equal_mass_edges(SortedValues(ordered), bins)
    ends = np.searchsorted(ordered, edges, side="right")
    counts = np.diff(ends, prepend=0, append=len(ordered))
    assert (np.diff(edges) > 0).all()
    assert (counts > 0).all() or ordered[0] == ordered[-1]


@given(values=TIED, bins=st.integers(2, 30))
def test_a_value_of_more_than_one_bins_mass_is_alone(values: list[float], bins: int) -> None:
    edges = equal_mass_edges(SortedValues.of(np.array(values)), bins)
    cells = np.searchsorted(edges, values, side="left")
    for value, rows in Counter(values).items():
        if rows > max(1, len(values) / bins):
            cell = np.searchsorted(edges, value, side="left")
            assert {values[i] for i in np.flatnonzero(cells == cell)} == {value}


@pytest.mark.parametrize("edges", [[], 3.0, [[1.0]], [math.inf], [math.nan], [2, 1], [1, 1]])
def test_edges_that_cut_no_line_are_refused(edges: list[float]) -> None:
    with pytest.raises(ValueError, match=r"^bin edges of shape |^the bin edge "):
        checked_edges(edges)


def test_edges_of_a_user_are_kept() -> None:
    assert checked_edges([-1, -0.0, 2]).tolist() == [-1.0, 0.0, 2.0]


@pytest.mark.parametrize(
    ("values", "edges"),
    [
        ([5.0, 5.0], [4.5, 5.5]),
        ([0.0, 1.0], [0.0, 0.5, 1.0]),
        ([0.0, 0.0, 0.0, 9.0], [0.0, 2.25, 4.5, 6.75, 9.0]),
    ],
)
def test_equal_width_edges_of_small_columns(values: list[float], edges: list[float]) -> None:
    assert freedman_diaconis_edges(np.array(values)).tolist() == edges


@given(st.lists(FINITE, min_size=1, max_size=200))
@example([0.0, 0.0, sys.float_info.max])
@example([1.5e-323, sys.float_info.max])
@example([1e300])
def test_equal_width_edges_are_few_and_span_the_values(values: list[float]) -> None:
    edges = freedman_diaconis_edges(np.array(values))
    assert 1 <= len(edges) <= 52
    assert np.isfinite(edges).all()
    assert edges[0] <= min(values)
    assert max(values) <= edges[-1]
    assert (np.diff(edges) > 0).all()


@pytest.mark.parametrize("outlier", [1e9, 1e20, 1e300])
def test_an_outlier_costs_no_memory(outlier: float) -> None:
    values = np.append(np.random.default_rng(2).random(1000), outlier)
    edges = freedman_diaconis_edges(values)
    assert len(edges) == 51
    assert edges[-1] == outlier
