import numpy as np
import pytest
from scipy.stats import kstwobign

from boxkite.drift.kolmogorov import quantile

TAILS = [0.01, 5e-3, 1e-3, 1e-5, 1e-7, 1e-12, 1e-30, 1e-100]


def test_quantiles_equal_scipys_for_tails_of_one_percent_or_less() -> None:
    found = [quantile(tail) for tail in TAILS]
    assert found == pytest.approx(kstwobign.isf(TAILS).tolist(), rel=1e-6)


@pytest.mark.parametrize("tail", [0.9, 0.5, 0.25, 0.1, 0.05, 0.02])
def test_quantiles_for_greater_tails_are_upper_bounds(tail: float) -> None:
    assert kstwobign.isf(tail) <= quantile(tail) <= 1.35 * kstwobign.isf(tail)


@pytest.mark.parametrize("tail", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_a_tail_outside_0_and_1_is_refused(tail: float) -> None:
    with pytest.raises(ValueError, match="`upper_tail` must be between 0 and 1, not"):
        quantile(tail)


@pytest.mark.parametrize(
    ("trained", "served"),
    [
        (2_000, 2_000),
        (100, 100),
        pytest.param(20_000, 100, marks=pytest.mark.slow),
        pytest.param(500, 20_000, marks=pytest.mark.slow),
    ],
)
def test_the_distance_exceeds_the_quantile_no_more_often_than_stated(
    trained: int, served: int
) -> None:
    random = np.random.default_rng(5)
    threshold = quantile(0.05) * np.sqrt(1 / trained + 1 / served)
    above = 0
    for _ in range(1500):
        live, baseline = np.sort(random.random(served)), np.sort(random.random(trained))
        both = np.concatenate([live, baseline])
        distance = np.searchsorted(live, both, "right") / served
        distance -= np.searchsorted(baseline, both, "right") / trained
        above += np.abs(distance).max() > threshold
    assert above / 1500 < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1500)
