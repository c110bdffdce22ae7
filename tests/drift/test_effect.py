"""What changed most in a variable, in one sentence."""

from typing import Any

import numpy as np
import pytest

from boxkite import Baseline, compare

MINUTES = np.arange(1001).astype("timedelta64[m]")
DAYS = np.datetime64("2013-01-01") + np.arange(1001) % 365
NUMBERS = np.arange(1001.0) + 0.5
WHOLE = np.arange(1000) % 50
CODES = [f"c{n:02}" for n in range(50)]
BELL = np.random.default_rng(1).normal(size=5000)


@pytest.mark.parametrize(
    ("trained", "live", "words"),
    [
        pytest.param(
            NUMBERS, NUMBERS + 100,
            "9.99 % of rows moved to values above 951, and the median rose by about 100, from "
            "500 to 600",
            id="all into the last bin",
        ),
        pytest.param(
            BELL, BELL + 0.5,
            "20.3 % of rows moved up (7.08 % to values above 1.652), and the median rose by about "
            "0.51, from -0.03 to 0.48",
            id="in part into the last bin",
        ),
        pytest.param(
            MINUTES, MINUTES // 2,
            "50 % of rows moved down (5.09 % to values up to 50 min 30 s), and the median fell by "
            "about 4 h 10 min, from 8 h 20 min to 4 h 10 min",
            id="durations",
        ),
        pytest.param(
            DAYS, DAYS + np.timedelta64(73, "D"),
            "21.9 % of rows moved up (15 % to values above 2013-12-06), and the median rose by "
            "about 73 d, from 2013-06-16 to 2013-08-28",
            id="dates",
        ),
        pytest.param(
            WHOLE, np.where(np.arange(1000) % 4 == 0, 0, WHOLE),
            "23 % of rows moved to values from 0 to 2, and the median fell by about 8, from 24 to "
            "16",
            id="whole numbers",
        ),
        pytest.param(
            [1, 2, 3] * 300, [1, 2, 2, 3, 3] * 180,
            "13.3 % of rows moved away from 1",
            id="the median of few whole numbers stays",
        ),
        pytest.param(
            BELL, np.full(5000, 1000.0), "95 % of rows moved to values above 1.652",
            id="nobody knows the median outside the range of training",
        ),
        pytest.param(
            BELL, np.where(np.arange(5000) % 5 == 0, 0.0, BELL * 1.001),
            "19.2 % of rows moved to values above -0.027 and up to 0.09546, and the median rose by "
            "about 0.054, from -0.027 to 0.027",
            id="from both sides",
        ),
        pytest.param(
            ["a", "b"] * 500, ["a", "a", "a", "b"] * 250,
            "75 % of rows are 'a' (50 % at training), 25 % are 'b' (50 %)",
            id="categories",
        ),
        pytest.param(
            CODES * 40, ["c00"] * 100 + CODES * 38,
            "6.9 % of rows are 'c00' (2 % at training)",
            id="a category that gained from all others",
        ),
        pytest.param(
            ["a", "b"] * 500, ["a", "b", "c", "c"] * 250,
            "50 % of rows have categories that training never saw (0 % at training), 25 % are 'a' "
            "(50 %)",
            id="unseen categories",
        ),
        pytest.param(
            [True, False] * 500, [True] * 900 + [False] * 100,
            "90 % of rows are true (50 % at training)",
            id="booleans",
        ),
        pytest.param(np.arange(1001.0), np.arange(1001.0), "", id="nothing moved"),
    ],
)  # fmt: skip
def test_the_effect_is_one_sentence(trained: Any, live: Any, words: str) -> None:
    (drift,) = compare(Baseline.fit({"x": trained}), {"x": live})
    assert drift.effect == words
    assert (words in drift.findings) == (drift.verdict == "drift")
