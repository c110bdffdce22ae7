import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy, ks_2samp

from boxkite.drift import (
    jensen_shannon,
    kolmogorov_smirnov,
    kullback_leibler,
    population_stability_index,
)
from boxkite.variation.deviation import smoothed_fractions as smoothed

Counts = NDArray[np.int64]

SMOOTHED = [population_stability_index, kullback_leibler, jensen_shannon]


def pair(live: list[int], baseline: list[int]) -> tuple[Counts, Counts]:
    return np.array(live, dtype=np.int64), np.array(baseline, dtype=np.int64)


PAIRS = [
    pair([5, 5], [5, 5]),
    pair([0, 0, 7], [100, 0, 3]),
    pair([10, 20, 30, 0], [1000, 2000, 3000, 4000]),
    pair([1] * 50, list(range(50))),
    pair([2**50, 1, 0], [3, 2**52, 9]),
]


@st.composite
def any_pair(draw: st.DrawFn) -> tuple[Counts, Counts]:
    cells = draw(st.integers(1, 30))
    counts = st.lists(st.integers(0, 10**9), min_size=cells, max_size=cells)
    return pair(draw(counts), draw(counts))


def test_smoothing_adds_half_a_count_to_each_cell() -> None:
    live, _ = pair([0, 1, 2], [1, 1, 1])
    assert smoothed(live).tolist() == pytest.approx([0.5 / 4.5, 1.5 / 4.5, 2.5 / 4.5], rel=1e-15)


@pytest.mark.parametrize(("live", "baseline"), PAIRS)
def test_kullback_leibler_equals_scipys_entropy(live: Counts, baseline: Counts) -> None:
    expected = entropy(smoothed(live), smoothed(baseline))
    assert kullback_leibler(live, baseline) == pytest.approx(expected, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(("live", "baseline"), PAIRS)
def test_population_stability_index_equals_scipys_entropy_in_both_directions(
    live: Counts, baseline: Counts
) -> None:
    p, q = smoothed(live), smoothed(baseline)
    expected = entropy(p, q) + entropy(q, p)
    found = population_stability_index(live, baseline)
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(("live", "baseline"), PAIRS)
def test_jensen_shannon_equals_scipys(live: Counts, baseline: Counts) -> None:
    expected = jensenshannon(smoothed(live), smoothed(baseline))
    assert jensen_shannon(live, baseline) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(("live", "baseline"), PAIRS[:4])
def test_kolmogorov_smirnov_equals_scipys_over_the_cells(live: Counts, baseline: Counts) -> None:
    cells = np.arange(len(live))
    expected = ks_2samp(np.repeat(cells, live), np.repeat(cells, baseline), method="asymp")
    found = kolmogorov_smirnov(live, baseline)
    assert found == pytest.approx(expected.statistic, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(
    ("live", "baseline"), [pair([0, 0], [1, 2]), pair([1, 2], [0, 0]), pair([0], [0])]
)
def test_kolmogorov_smirnov_without_rows_is_nan(live: Counts, baseline: Counts) -> None:
    assert math.isnan(kolmogorov_smirnov(live, baseline))


@given(any_pair())
def test_statistics_of_equal_counts_are_0(counts: tuple[Counts, Counts]) -> None:
    same, _ = counts
    assert [statistic(same, same) for statistic in SMOOTHED] == [0.0, 0.0, 0.0]


@given(any_pair())
def test_statistics_lie_in_their_ranges(counts: tuple[Counts, Counts]) -> None:
    live, baseline = counts
    psi, kl, js = (statistic(live, baseline) for statistic in SMOOTHED)
    assert 0 <= psi < math.inf
    assert -1e-12 <= kl <= psi + 1e-12
    assert 0 <= js <= math.sqrt(math.log(2))
    if live.sum() and baseline.sum():
        assert 0 <= kolmogorov_smirnov(live, baseline) <= 1


@given(any_pair())
def test_psi_is_four_times_the_square_of_ks_or_more(counts: tuple[Counts, Counts]) -> None:
    """It follows from Pinsker's inequality, applied in both directions."""
    p, q = (smoothed(each) for each in counts)
    distance = float(np.abs(np.cumsum(p - q)).max())
    assert population_stability_index(*counts) >= 4 * distance**2 - 1e-12


@given(any_pair(), st.randoms())
def test_smoothed_statistics_do_not_depend_on_the_order_of_cells(
    counts: tuple[Counts, Counts], random: Random
) -> None:
    order = list(range(len(counts[0])))
    random.shuffle(order)
    for statistic in SMOOTHED:
        shuffled = statistic(counts[0][order], counts[1][order])
        assert shuffled == pytest.approx(statistic(*counts), rel=1e-9, abs=1e-7)
