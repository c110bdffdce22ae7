"""Bins of columns, under the names of 0.0.5."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxkite.utils.histogram import fast_histogram, get_bins, is_discrete

NUMBERS = st.lists(st.floats() | st.integers(-3, 3) | st.none(), max_size=200)


@given(NUMBERS, st.none() | st.booleans())
def test_every_value_is_in_one_bin(values, discrete):
    assert sum(fast_histogram(values, discrete).values()) == len(values)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=200))
def test_each_bin_holds_what_is_at_most_its_edge(values):
    counted = fast_histogram(values, discrete=False)
    below = -math.inf
    for edge, count in counted.items():
        assert count == sum(below < value <= float(edge) for value in values)
        below = float(edge)
    assert list(counted)[-1] == "+Inf"
    assert counted["+Inf"] == 0


@pytest.mark.parametrize(
    ("values", "bins", "counted"),
    [
        ([0.5, 1.5, 2.5], [1, 2, 3], {"1": 1, "2": 1, "3": 1, "+Inf": 0}),
        ([0.5, 1.5, 2.5], np.array([1.0, 2.0]), {"1.0": 1, "2.0": 1, "+Inf": 1}),
        ([-9.0, -math.inf, math.inf, None], [0.0], {"0.0": 2, "+Inf": 2}),
        ([1.0, 5.0], [1.0, math.inf], {"1.0": 1, "+Inf": 1}),
        ([1.0, 5.0], [3.0, 1.0, 3.0], {"1.0": 1, "3.0": 0, "+Inf": 1}),
    ],
)
def test_explicit_bins_hold_every_value(values, bins, counted):
    assert fast_histogram(values, discrete=False, bins=bins) == counted


@pytest.mark.parametrize(
    ("values", "counted"),
    [
        ([], {}),
        ([None, math.nan], {"nan": 2}),
        ([1, 1, 2, None], {"1.0": 2, "2.0": 1, "nan": 1}),
        ([-0.0, 0.0], {"0.0": 2}),
        ([math.inf, -math.inf], {"-inf": 1, "inf": 1}),
    ],
)
def test_discrete_values_have_a_bin_each(values, counted):
    assert fast_histogram(values, discrete=True) == counted


def test_a_continuous_column_without_finite_values_has_one_bin():
    assert fast_histogram([None, math.inf], discrete=False) == {"+Inf": 2}


@pytest.mark.parametrize(
    ("values", "discrete"),
    [
        ([], True),
        ([1.0], True),
        ([1.0, 2.0, math.nan], True),
        ([1.0, 2.0, 3.0], False),
        (["a", "b", "a"], True),
        ([1, None, 2], True),
        (np.arange(45) % 3, True),
        (np.arange(44) % 3, False),
        (np.arange(750) % 50, True),
        (np.arange(749) % 50, False),
        (np.arange(5100) % 51, False),
        (np.arange(1_000_000) % 50, True),
    ],
)
def test_a_column_is_discrete_if_its_values_are_few_and_common(values, discrete):
    assert is_discrete(values) is discrete
    assert is_discrete(values, max_samples=2) is discrete


@pytest.mark.parametrize("outlier", [1e7, 1e9, 1e20, 1e300])
def test_an_outlier_takes_no_more_bins(outlier):
    edges = get_bins(np.append(np.linspace(0, 1, 1000), outlier))
    assert len(edges) == 52
    assert (edges[0], edges[-1]) == (0.0, outlier)


def test_values_that_are_not_finite_choose_no_bins():
    assert get_bins([1.0, 2.0, None, math.inf]) == get_bins([1.0, 2.0])
    with pytest.raises(ValueError, match="no finite value"):
        get_bins([None])
