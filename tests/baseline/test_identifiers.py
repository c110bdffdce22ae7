"""Which columns hold ids."""

import numpy as np
import pytest

from boxkite import Baseline, BaselineWarning
from boxkite.baseline.identifiers import distinct_ids
from boxkite.baseline.ordered_values import SortedValues

RANDOM = np.random.default_rng(3)


@pytest.mark.parametrize(
    ("values", "distinct"),
    [
        pytest.param(np.arange(10_000), 10_000, id="row numbers"),
        pytest.param(RANDOM.choice(10_000, 8_000, replace=False), 8_000, id="a part of the ids"),
        pytest.param(np.r_[np.arange(9_950), np.arange(50)], 9_950, id="a few twice"),
        pytest.param(1_700_000_000 + 7 * np.arange(500), 500, id="times"),
        pytest.param(RANDOM.integers(0, 10_000, 10_000), 0, id="random whole numbers"),
        pytest.param(RANDOM.normal(size=10_000), 0, id="fractions"),
        pytest.param(RANDOM.choice(10**9, 500, replace=False), 0, id="too wide to tell"),
        pytest.param(np.arange(50), 0, id="few rows"),
        pytest.param(np.array([]), 0, id="no rows"),
    ],
)
def test_ids_repeat_more_rarely_than_chance(values: np.ndarray, distinct: int) -> None:
    assert distinct_ids(SortedValues.of(values.astype(np.float64))) == distinct


def test_fit_suggests_to_exclude_row_numbers() -> None:
    with pytest.warns(BaselineWarning) as caught:
        Baseline.fit({"row_id": [*range(9_950), *range(50)], "x": RANDOM.normal(size=10_000)})
    (warning,) = caught
    assert str(warning.message) == (
        "9,950 of 10,000 values of 'row_id' are different. If they are ids, exclude the column "
        "(--drop), or let it raise no alert (--no-alert): ids have no distribution to compare"
    )
    assert warning.filename == __file__
