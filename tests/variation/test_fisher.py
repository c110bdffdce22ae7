import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import f, t

from boxkite.variation.fisher import quantile

TAILS = [0.5, 0.1, 1e-3, 1e-6, 1e-10]


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("numerator", [1.0, 2.5, 14.0, 60.0])
@pytest.mark.parametrize("denominator", [3.0, 9.1, 27.0, 500.0])
def test_quantiles_are_those_of_scipy(tail: float, numerator: float, denominator: float) -> None:
    # scipy itself is off by 2e-8 at the smallest tails.
    expected = f.isf(tail, numerator, denominator)
    assert quantile(tail, numerator, denominator) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("degrees", [3.0, 12.0, 671.0])
def test_one_numerator_degree_is_the_square_of_student(tail: float, degrees: float) -> None:
    assert math.sqrt(quantile(tail, 1.0, degrees)) == pytest.approx(t.isf(tail / 2, degrees), 1e-7)


@settings(deadline=None, max_examples=30)
@given(st.floats(1e-9, 0.4), st.floats(1, 50), st.floats(3, 1e6))
def test_a_smaller_tail_lies_further_out(tail: float, numerator: float, denominator: float) -> None:
    assert quantile(tail / 2, numerator, denominator) > quantile(tail, numerator, denominator)


@pytest.mark.parametrize("tail", [0.0, 1.0, -1.0, math.nan])
def test_a_tail_out_of_range_is_an_error(tail: float) -> None:
    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        quantile(tail, 1.0, 5.0)


@pytest.mark.parametrize("degrees", [(0.0, 5.0), (1.0, 0.0), (1.0, math.inf), (math.nan, 5.0)])
def test_degrees_out_of_range_are_an_error(degrees: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="must be positive and finite"):
        quantile(0.1, *degrees)
