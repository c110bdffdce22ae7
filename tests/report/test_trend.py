"""PSI by the hour is that of the counts between two hours."""

from datetime import UTC, datetime

import numpy as np
import pytest

from boxkite import Baseline
from boxkite.drift import population_stability_index
from boxkite.report.trend import trend

BASELINE = Baseline.fit({"x": [1.0, 2.0, 3.0, 4.0] * 25, "c": ["a", "b"] * 50}, bins={"x": 2})
HOURS = [datetime(2026, 11, 23, hour, tzinfo=UTC) for hour in (7, 9)]
CELLS = [np.array(cells, dtype=np.int64) for cells in ([5, 5, 1, 2, 0], [25, 5, 11, 12, 7])]
NOW = np.array([26, 6, 11, 12, 7], dtype=np.int64)


def test_each_stretch_has_the_rows_that_came_in_it() -> None:
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
    assert found.scale.tolist() == [
        pytest.approx([1 / 100 + 1 / 20, 1 / 100 + 1 / 27]),
        pytest.approx([1 / 100 + 1 / 2, 1 / 100 + 1]),
    ]


def test_without_hours_there_is_no_trend() -> None:
    found = trend(BASELINE, [], NOW, min_rows_a_cell=5)
    assert (found.hours, found.psi.shape, found.scale.shape) == ([], (0, 2), (0, 2))
