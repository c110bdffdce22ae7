"""The trend computes PSI and K-S from the counts between two hours."""

from datetime import UTC, datetime

import numpy as np
import pytest

from boxkite import Baseline
from boxkite.drift import kolmogorov_smirnov, population_stability_index
from boxkite.report.trend import trend

BASELINE = Baseline.fit({"x": [1.0, 2.0, 3.0, 4.0] * 25, "c": ["a", "b"] * 50}, bins={"x": 2})
HOURS = [datetime(2026, 11, 23, hour, tzinfo=UTC) for hour in (7, 9)]
CELLS = [np.array(cells, dtype=np.int64) for cells in ([5, 5, 1, 2, 0], [25, 5, 11, 12, 7])]
NOW = np.array([26, 6, 11, 12, 7], dtype=np.int64)


def test_each_hour_counts_the_rows_that_came_in_it() -> None:
    x, c = BASELINE.variables
    found = trend(BASELINE, list(zip(HOURS, CELLS, strict=True)), NOW, min_rows_a_cell=5)
    assert found.hours == HOURS
    expected = [
        [
            population_stability_index(np.array([20, 0]), x.counts),
            population_stability_index(np.array([10, 10, 7]), c.counts),
        ],
        [np.nan, np.nan],
    ]
    assert found.psi.tolist() == [pytest.approx(row, nan_ok=True) for row in expected]
    ks = kolmogorov_smirnov(np.array([20, 0]), x.counts)
    assert found.ks.tolist() == [
        pytest.approx(row, nan_ok=True) for row in ([ks, np.nan], [np.nan, np.nan])
    ]
    assert found.scale.tolist() == [
        pytest.approx([1 / 100 + 1 / 20, 1 / 100 + 1 / 27]),
        pytest.approx([1 / 100 + 1 / 2, 1 / 100 + 1]),
    ]


def test_without_hours_there_is_no_trend() -> None:
    found = trend(BASELINE, [], NOW, min_rows_a_cell=5)
    assert (found.hours, *(each.shape for each in found[1:])) == ([], (0, 2), (0, 2), (0, 2))


def test_ks_by_the_hour_is_computed_for_each_of_many_variables() -> None:
    random = np.random.default_rng(3)
    columns = {f"x{i}": random.normal(size=400) for i in range(5)}
    baseline = Baseline.fit({"c": ["a", "b"] * 200, **columns}, bins=7)
    cells = [random.integers(0, 30, len(each.counts)) for each in baseline.variables]
    start = np.zeros(sum(map(len, cells)), dtype=np.int64)
    found = trend(baseline, [(HOURS[0], start)], np.concatenate(cells), min_rows_a_cell=1)
    expected = [
        kolmogorov_smirnov(live, each.counts)
        for live, each in zip(cells[1:], baseline.variables[1:], strict=True)
    ]
    assert found.ks.tolist() == [pytest.approx([np.nan, *expected], nan_ok=True)]
