"""The comparison of detectors: its fast full-sample tests are scipy's, and a cell of it runs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2_contingency, ks_2samp

from boxkite.baseline.tally import tally_numbers
from boxkite.drift import kolmogorov_smirnov, population_stability_index

FOLDER = Path(__file__).parents[2] / "benchmarks" / "detection"


@pytest.mark.parametrize("tied", [False, True])
def test_kolmogorov_smirnov_is_scipys_with_ties_and_without(tied: bool) -> None:
    from full_sample import kolmogorov_smirnov

    random = np.random.default_rng(0)
    for _ in range(200):
        live, trained = (random.normal(scale=3, size=random.integers(1, 60)) for _ in range(2))
        if tied:
            live, trained = np.round(live), np.round(trained)
        found = kolmogorov_smirnov(np.sort(live), np.sort(trained))
        assert found == pytest.approx(ks_2samp(live, trained).statistic, abs=1e-12)


def test_chi_square_is_scipys() -> None:
    from full_sample import chi_square, rate_chi_square

    random = np.random.default_rng(1)
    for _ in range(200):
        table = random.integers(1, 30, (2, 6))
        expected = chi2_contingency(table, correction=False)
        assert np.exp(-chi_square(*table)) == pytest.approx(expected.pvalue)
        (a, b), (c, d) = table[:, :2]
        expected = chi2_contingency(table[:, :2], correction=False)
        assert rate_chi_square(a, a + b, c, c + d) == pytest.approx(expected.statistic)


def test_statistics_of_counts_are_boxkites() -> None:
    from counted import fit_cells
    from distributions import DISTRIBUTIONS

    random = np.random.default_rng(2)
    trained, live = (np.sort(random.normal(size=size)) for size in (3_000, 400))
    cells = fit_cells(DISTRIBUTIONS["normal"], trained)
    scores = cells.scores([live])
    counts = tally_numbers(cells.variable, live).cells
    effective = 1 / (1 / 3_000 + 1 / 400)
    psi = population_stability_index(counts, cells.variable.counts)
    ks = kolmogorov_smirnov(counts, cells.variable.counts)
    assert scores["PSI, 20 bins of equal mass"] == pytest.approx([effective * psi])
    assert scores["K-S, 20 bins of equal mass"] == pytest.approx([np.sqrt(effective) * ks])


def cell(name: str) -> Any:
    from cells import Size, draw

    return draw(name, Size(500, baselines=2, free=20, drifted=10, rate=0.05), 1)


@pytest.mark.parametrize("name", ["integer counts", "10 categories"])
def test_drifts_are_seen_more_often_than_none(name: str) -> None:
    from power import powers

    drawn = cell(name)
    found = powers([drawn])
    assert [each.drift for each in found] == list(drawn.magnitudes)
    assert np.mean([each.best for each in found]) > 0.2
    assert np.mean([max(each.found.values()) for each in found]) > 0.2


def test_the_same_seed_gives_the_same_scores() -> None:
    first, again = cell("2 categories"), cell("2 categories")
    assert first.magnitudes == again.magnitudes
    for drift, scores in first.scores.items():
        for statistic, values in scores.items():
            np.testing.assert_array_equal(values, again.scores[drift][statistic])
