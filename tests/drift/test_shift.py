"""How far a distribution moved, in words."""

from typing import Any

import numpy as np
import pytest

from boxkite import Baseline, compare

MINUTES = np.arange(1001).astype("timedelta64[m]")
DAYS = np.datetime64("2013-01-01") + np.arange(1001) % 365


@pytest.mark.parametrize(
    ("trained", "live", "words"),
    [
        pytest.param(
            np.arange(1001.0) + 0.5,
            np.arange(1001.0) + 100.5,
            "9.99 % of rows moved up: the median rose by about 100, from 500 to 600",
            id="numbers",
        ),
        pytest.param(
            MINUTES, MINUTES // 2,
            "50 % of rows moved down: the median fell by about 4 h 10 min, from 8 h 20 min to "
            "4 h 9 min",
            id="durations",
        ),
        pytest.param(
            DAYS, DAYS + 73,
            "21.9 % of rows moved up: the median rose by about 73 d, from 2013-06-16 to 2013-08-28",
            id="dates",
        ),
        pytest.param(
            ["a", "b"] * 500, ["a", "a", "a", "b"] * 250,
            "'a' gained 25 % of rows, 'b' lost 25 %",
            id="categories",
        ),
        pytest.param([True, False] * 500, [True] * 1000, "", id="booleans"),
        pytest.param(np.arange(1001.0), np.arange(1001.0), "", id="nothing moved"),
    ],
)  # fmt: skip
def test_the_shift_of_a_variable(trained: Any, live: Any, words: str) -> None:
    (drift,) = compare(Baseline.fit({"x": trained}), {"x": live})
    assert drift.shift == words
    assert (words in drift.findings) == (drift.verdict == "drift" and bool(words))
