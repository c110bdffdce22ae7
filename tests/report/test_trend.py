"""The trend computes the distance from training in each hour, as a comparison of that hour does."""

from datetime import UTC, datetime

import numpy as np
import pytest

from boxkite import Baseline
from boxkite.baseline.tally import Tally
from boxkite.drift import Policy, compare_counts
from boxkite.report.trend import trend

RANDOM = np.random.default_rng(3)
HOURS = [datetime(2026, 11, 23, hour, tzinfo=UTC) for hour in (7, 9, 10)]


def fitted(*, times: bool) -> Baseline:
    rows = 24 * 30 * 60
    wave = np.sin(np.arange(rows) / rows * 30 * 2 * np.pi)
    columns = {"x": RANDOM.normal(size=rows) + wave, "c": RANDOM.choice(["a", "b"], rows)}
    start = np.datetime64("2026-01-01T00:00:00")
    when = start + np.arange(rows) * np.timedelta64(60, "s")
    return Baseline.fit(columns, time=when if times else None)


def expected(baseline: Baseline, hours: list[np.ndarray], policy: Policy) -> list[list[float]]:
    """Return `VariableDrift.multiple` of a comparison of each hour."""
    found = []
    for cells in hours:
        parts = np.split(cells, np.cumsum([len(each.counts) for each in baseline.variables])[:-1])
        comparison = compare_counts(
            baseline, [Tally(part) for part in parts], 0, policy=policy, window="1h"
        )
        found.append(
            [each.multiple if each.verdict != "insufficient" else np.nan for each in comparison]
        )
    return found


@pytest.mark.parametrize("times", [False, True])
@pytest.mark.parametrize("design_effect", [1.0, 5.0])
def test_each_hour_equals_its_comparison(times: bool, design_effect: float) -> None:
    baseline, policy = fitted(times=times), Policy(design_effect=design_effect)
    assert bool(baseline.variables[0].variation) == times
    size = sum(len(each.counts) for each in baseline.variables)
    hours = [RANDOM.integers(0, most, size) for most in (9, 60, 500)]
    states = np.cumsum([np.full(size, 7), *hours], axis=0)
    found = trend(baseline, list(zip(HOURS, states[:-1], strict=True)), states[-1], policy)
    assert found.hours == HOURS
    rows = expected(baseline, hours, policy)
    assert found.multiples.tolist() == [pytest.approx(row, nan_ok=True) for row in rows]


def test_an_hour_with_few_rows_has_no_multiple() -> None:
    baseline = fitted(times=False)
    size = sum(len(each.counts) for each in baseline.variables)
    start = np.zeros(size, dtype=np.int64)
    found = trend(baseline, [(HOURS[0], start)], start + 1, Policy())
    assert np.isnan(found.multiples).all()


def test_a_variable_that_training_cannot_judge_has_no_multiple() -> None:
    baseline = Baseline.fit({"x": [1.0, 2.0] * 3, "y": np.arange(6.0)})
    size = sum(len(each.counts) for each in baseline.variables)
    found = trend(
        baseline, [(HOURS[0], np.zeros(size, dtype=np.int64))], np.full(size, 99), Policy()
    )
    assert np.isnan(found.multiples).all()


def test_hours_are_cut_and_joined() -> None:
    baseline = fitted(times=False)
    size = sum(len(each.counts) for each in baseline.variables)
    states = [(HOURS[i], np.full(size, 50 * i)) for i in range(3)]
    whole = trend(baseline, states, np.full(size, 200), Policy())
    joined = whole.part(slice(0, 2)).followed_by(whole.part(slice(2, None)))
    assert joined.hours == whole.hours
    assert np.array_equal(joined.multiples, whole.multiples)


def test_without_hours_there_is_no_trend() -> None:
    baseline = fitted(times=False)
    found = trend(baseline, [], np.zeros(1, dtype=np.int64), Policy())
    assert (found.hours, found.multiples.shape) == ([], (0, 2))
