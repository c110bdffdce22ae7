"""Sums of floats depend neither on the order of the values nor on how they are split into parts."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxkite.baseline.exact_sum import ExactSum

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def total(values: list[float]) -> ExactSum:
    return ExactSum.of(np.array(values, dtype=np.float64))


@given(st.lists(st.tuples(FINITE, st.integers(0, 3))), st.randoms(use_true_random=False))
def test_parts_in_any_order_give_the_same_sum(
    rows: list[tuple[float, int]], random: object
) -> None:
    parts = [total([value for value, part in rows if part == number]) for number in range(4)]
    random.shuffle(parts)
    merged = parts[0] + (parts[1] + parts[2]) + parts[3]
    assert merged == total([value for value, _ in reversed(rows)])


@given(st.lists(st.floats(-1e9, 1e9).map(lambda each: round(each, 6)), max_size=50))
def test_the_sum_is_the_nearest_float(values: list[float]) -> None:
    # Not bit for bit: of a value near zero, less than 2**-96 of the greatest value is cut off.
    exact = sum(map(Fraction, values))
    cut = len(values) * Fraction(max(map(abs, values), default=0.0)) / 2**95
    assert abs(Fraction(float(total(values))) - exact) <= cut + abs(exact) / 2**53


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], 0.0),
        ([0.0, -0.0], 0.0),
        ([0.1] * 10, 1.0),
        ([1e16, 1.0, -1e16], 1.0),
        ([1e308, 1e308, -1e308], 1e308),
        ([1e308, 1e308], math.inf),
        ([-1e308, -1e308], -math.inf),
        ([1e300, 1.0], 1e300),
        ([-7.0, 2.0], -5.0),
        ([5e-324, 1e-310], 1e-310 + 5e-324),
        ([5e-324] * 3, 1.5e-323),
    ],
)
def test_a_sum_is_rounded_once(values: list[float], expected: float) -> None:
    assert float(total(values)) == expected


def test_many_values_add_up_exactly() -> None:
    values = np.random.default_rng(0).normal(size=200_000)
    assert float(ExactSum.of(values)) == math.fsum(values.tolist())
