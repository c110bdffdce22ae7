import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from boxkite import Baseline
from boxkite.baseline.tally import Tally
from boxkite.drift import estimate_design_effect

CELLS = np.full(10, 0.1)


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    random = np.random.default_rng(1)
    return Baseline.fit({"x": random.normal(size=5000), "y": random.normal(size=5000)}, bins=10)


def blocks(repeats: int, number: int = 200) -> list[list[Tally]]:
    """Return blocks that repeat each row of x `repeats` times and each row of y once."""
    random = np.random.default_rng(2)
    return [
        [
            Tally(random.multinomial(300, CELLS) * repeats),
            Tally(random.multinomial(300 * repeats, CELLS)),
        ]
        for _ in range(number)
    ]


@pytest.mark.parametrize("repeats", [2, 5, 20])
def test_rows_repeated_k_times_have_the_design_effect_k(baseline: Baseline, repeats: int) -> None:
    repeated, independent = estimate_design_effect(baseline, blocks(repeats))
    assert repeated == pytest.approx(repeats, rel=0.1)
    assert 1 <= independent < 1.1


def moving(number: int = 300) -> list[NDArray[np.int64]]:
    """Return blocks of independent rows whose distribution shifts from block to block."""
    random = np.random.default_rng(4)
    edges = np.concatenate([[-np.inf], norm.ppf(np.arange(1, 10) / 10), [np.inf]])
    return [
        random.multinomial(1000, np.diff(norm.cdf(edges - each)))
        for each in random.normal(0, 0.1, number)
    ]


def test_a_shift_of_all_numbers_counts_as_much_as_it_moves_ks(baseline: Baseline) -> None:
    found = moving()
    effect, _ = estimate_design_effect(baseline, [[Tally(x), Tally(x)] for x in found])
    cells = np.array(found)
    expected = cells.sum(axis=0) / cells.sum() * 1000
    assert ((cells - expected) ** 2 / expected).sum() / (299 * 9) < 3
    # A shift of a block's mean changes the fraction below the median by shift * density.
    assert effect == pytest.approx(1 + 1000 * (0.1 * norm.pdf(0)) ** 2 / 0.25, rel=0.15)


def test_categories_have_no_cumulative_dispersion() -> None:
    baseline = Baseline.fit({"c": [f"c{i % 10}" for i in range(5000)]})
    blocks = [[Tally(np.append(x, 0))] for x in moving()]
    (effect,) = estimate_design_effect(baseline, blocks)
    assert effect < 3


def test_identical_blocks_have_the_design_effect_1(baseline: Baseline) -> None:
    alike = [[Tally(np.full(10, 50)), Tally(np.full(10, 7))]] * 30
    assert estimate_design_effect(baseline, alike) == (1.0, 1.0)


def test_constant_drift_from_the_baseline_has_no_effect(baseline: Baseline) -> None:
    shifted = np.array([91, *[1] * 9])
    same = [[Tally(shifted * hour), Tally(shifted)] for hour in range(1, 30)]
    assert estimate_design_effect(baseline, same) == (1.0, 1.0)


@pytest.mark.parametrize("number", [0, 1])
def test_without_two_blocks_there_is_no_estimate(baseline: Baseline, number: int) -> None:
    assert all(map(math.isnan, estimate_design_effect(baseline, blocks(1, number))))


def test_rows_in_one_cell_or_one_block_give_no_estimate(baseline: Baseline) -> None:
    one_cell = Tally(np.array([100, *[0] * 9]))
    empty = Tally(np.zeros(10, dtype=np.int64))
    full = Tally(np.full(10, 9))
    found = estimate_design_effect(baseline, [[one_cell, full], [one_cell, empty]])
    assert all(map(math.isnan, found))


def test_a_block_without_a_tally_for_each_variable_is_refused(baseline: Baseline) -> None:
    with pytest.raises(ValueError, match="each block needs 2 tallies, one per variable"):
        estimate_design_effect(baseline, [[Tally(np.full(10, 9))]])
