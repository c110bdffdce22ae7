import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chi2

from boxkite.drift import population_stability_index
from boxkite.drift.null_distribution import critical_value

EQUAL = (50_000,) * 20


def raised(
    counts: tuple[int, ...], tail: float, *, least_rows: float, floor: float = 0.05, unseen: int = 0
) -> float:
    """Return the critical value divided by the chi-square quantile."""
    found = critical_value(counts, tail, least_rows=least_rows, floor=floor, unseen=unseen)
    return float(found / chi2.isf(tail, len(counts) - 1))


@pytest.mark.parametrize("tail", [0.05, 1e-4, 1e-7, 1e-10])
@pytest.mark.parametrize("cells", [2, 20, 200])
def test_with_many_rows_per_cell_it_is_the_chi_square_quantile(cells: int, tail: float) -> None:
    counts = (1_000_000,) * cells
    assert raised(counts, tail, least_rows=3000 * cells, floor=0.0) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("tail", [0.3, 1e-5, 1e-11, 1e-15, 1e-250])
def test_it_is_never_less_than_the_chi_square_quantile(tail: float) -> None:
    assert 1 - 1e-9 < raised(EQUAL, tail, least_rows=100) < 1.5


def test_fewer_rows_need_a_higher_critical_value() -> None:
    few, some, many = (raised(EQUAL, 1e-6, least_rows=rows) for rows in (200, 1_000, 10_000))
    assert few > some > many == pytest.approx(1, rel=1e-9)


def test_it_is_not_raised_if_the_effect_floor_decides() -> None:
    assert raised(EQUAL, 1e-6, least_rows=200, floor=1.0) == pytest.approx(1, rel=1e-9)


def test_values_seen_once_at_training_raise_it_until_it_is_nan() -> None:
    counts = (600_000, 300_000, 90_000, 9_000, 0)
    none, some = (raised(counts, 1e-6, least_rows=25, unseen=once) for once in (0, 300))
    assert 1 <= none < some
    assert math.isnan(raised(counts, 1e-6, least_rows=25, unseen=60_000))


def test_empty_cells_raise_it_if_live_rows_may_outnumber_training_rows() -> None:
    few, many = (raised((rows, rows, 0), 0.01, least_rows=15) for rows in (100, 1_000_000))
    assert few > many


# Smoothing makes a cell that is always empty add ln(m / n) / 2.
@pytest.mark.parametrize("live_rows", [300, 10_000, 10_000_000])
def test_a_baseline_smaller_than_the_window_exceeds_it_no_more_often_than_stated(
    live_rows: int,
) -> None:
    random = np.random.default_rng(12)
    fractions = np.array([*np.linspace(1, 3, 10) / 20, 0.0])
    expected = tuple(np.rint(300 * fractions).astype(int).tolist())
    critical = critical_value(expected, 0.01, least_rows=55, floor=0.05)
    threshold = critical * (1 / 300 + 1 / live_rows)
    drawn = zip(
        random.multinomial(live_rows, fractions, 20_000),
        random.multinomial(300, fractions, 20_000),
        strict=True,
    )
    assert sum(population_stability_index(*each) > threshold for each in drawn) <= 0.012 * 20_000


def empirical(
    counts: NDArray[np.int64], fractions: NDArray[np.float64], rows: int, tail: float, draws: int
) -> float:
    """Return how often rows without drift exceed the critical value, divided by `tail`."""
    random = np.random.default_rng(12)
    critical = critical_value(
        tuple(counts.tolist()), tail, least_rows=5.0 * len(counts), floor=0.05
    )
    threshold = critical * (1 / counts.sum() + 1 / rows)
    live = random.multinomial(rows, fractions, draws)
    passed = sum(population_stability_index(each, counts) > threshold for each in live)
    return float(passed / draws / tail)


# With known fractions and a million training rows, all chance is in the live rows.
@pytest.mark.parametrize("rows", [100, 200, 400, 1_000, 5_000])
def test_bins_of_equal_mass_exceed_it_no_more_often_than_stated(rows: int) -> None:
    passed = empirical(np.array(EQUAL), np.full(20, 0.05), rows, 0.01, draws=20_000)
    assert 0.5 < passed <= 1.2


SPARSE = np.array([1_000_000, *[2] * 40])


@pytest.mark.parametrize("rows", [210, 1_000, 20_000])
def test_sparse_categories_exceed_it_no_more_often_than_stated(rows: int) -> None:
    fractions = SPARSE / SPARSE.sum()
    assert empirical(SPARSE, fractions, rows, 0.01, draws=5_000) <= 1.2


def test_sparse_categories_would_always_exceed_the_chi_square_quantile() -> None:
    random = np.random.default_rng(12)
    live = random.multinomial(210, SPARSE / SPARSE.sum())
    threshold = chi2.isf(1e-6, 40) * (1 / SPARSE.sum() + 1 / 210)
    assert population_stability_index(live, SPARSE) > threshold
