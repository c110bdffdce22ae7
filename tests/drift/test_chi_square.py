import pytest
from scipy.stats import chi2

from boxkite.drift.chi_square import quantile

TAILS = [0.9, 0.5, 0.3, 0.1, 0.05, 1e-2, 1e-3, 1e-4, 1e-6, 1e-9, 1e-12, 1e-15, 1e-30, 1e-100]
DEGREES = [1, 2, 3, 4, 5, 7, 10, 19, 20, 50, 99, 100, 500, 1000, 2000, 100_000]


@pytest.mark.parametrize("degrees", DEGREES)
def test_quantiles_equal_scipys(degrees: int) -> None:
    found = [quantile(tail, degrees) for tail in TAILS]
    assert found == pytest.approx(chi2.isf(TAILS, degrees).tolist(), rel=1e-9)


@pytest.mark.parametrize("tail", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_a_tail_outside_0_and_1_is_refused(tail: float) -> None:
    with pytest.raises(ValueError, match="`upper_tail` must be between 0 and 1, not"):
        quantile(tail, 3)


@pytest.mark.parametrize("degrees", [0, -1])
def test_fewer_than_one_degree_of_freedom_is_refused(degrees: int) -> None:
    with pytest.raises(ValueError, match=f"`degrees` must be at least 1, not {degrees}"):
        quantile(0.1, degrees)
