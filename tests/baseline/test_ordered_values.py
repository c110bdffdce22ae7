"""A sorted column answers what bins and counts are made of."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxkite.baseline.ordered_values import SortedValues

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def test_infinities_and_missing_values_have_no_rank() -> None:
    values = SortedValues.of(np.array([math.nan, 3.0, -math.inf, 1.0, 1.0, math.inf, math.nan]))
    assert (values.missing, values.below, values.above, len(values)) == (2, 1, 1, 3)
    assert values.at(np.array([0, 2])).tolist() == [1.0, 3.0]
    assert values.rank(np.array([1.0, 2.0]), "left").tolist() == [0, 2]
    assert values.rank(np.array([1.0, 2.0]), "right").tolist() == [2, 2]
    assert (values.distinct(), values.is_whole()) == (2, True)


@given(values=st.lists(FINITE, max_size=40), seed=st.integers(0, 9))
def test_a_sum_is_exact_to_a_tiny_part_of_its_greatest_value(
    values: list[float], seed: int
) -> None:
    total = SortedValues.of(np.array(values)).sum()
    shuffled = np.random.default_rng(seed).permutation(values)
    assert repr(total) == repr(SortedValues.of(shuffled).sum())
    exact = sum(map(Fraction, values))
    if math.isfinite(total):
        greatest = max(map(abs, map(Fraction, values)), default=Fraction(0))
        assert abs(Fraction(total) - exact) <= max(greatest * len(values), abs(exact)) / 2**52
    else:
        assert abs(exact) > np.finfo(float).max * (1 - 2**-53)


@pytest.mark.parametrize("values", [[0.1] * 1000, [5e-324, 1e-310], [0.1, 0.2, 0.3]])
def test_a_sum_is_that_of_exact_arithmetic(values: list[float]) -> None:
    assert SortedValues.of(np.array(values)).sum() == pytest.approx(math.fsum(values), rel=1e-15)
