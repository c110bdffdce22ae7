"""Quality is estimated from scores alone, as long as the relation to the outcome holds."""

import numpy as np
import pytest

from boxkite import Baseline
from boxkite.baseline.outcome_pairs import OutcomeCells
from boxkite.quality import Outcomes, estimate, measure
from boxkite.quality.estimate import is_calibrated

RANDOM = np.random.default_rng(4)
CELLS = OutcomeCells(
    Baseline.fit({"x": range(4000)}, np.linspace(0, 1, 4000)).outputs, "score", 0.5
)


def sample(rows: int, centre: float, *, distortion: float = 1.0, shift: float = 0.0) -> Outcomes:
    """Return outcomes. A distortion makes the score overconfident."""
    odds = RANDOM.normal(centre, 1.5, rows)
    outcomes = RANDOM.random(rows) < 1 / (1 + np.exp(-odds - shift))
    return CELLS.count([1 / (1 + np.exp(-distortion * odds))], outcomes)


@pytest.mark.parametrize("distortion", [1.0, 2.0])
@pytest.mark.parametrize("centre", [-2.0, 0.0, 1.5])
def test_the_estimate_follows_the_scores(centre: float, distortion: float) -> None:
    training = sample(50_000, -0.5, distortion=distortion)
    assert is_calibrated(training.pairs[0]) == (distortion == 1)
    now = sample(50_000, centre, distortion=distortion)
    measured = {each.name: each for each in measure(now)}
    found = estimate(training, now.pairs[0].counts.sum(axis=1))
    assert [each.name for each in found] == ["accuracy", "precision", "recall", "f1"]
    for each in found:
        assert each.value == pytest.approx(measured[each.name].value, abs=0.03)


def test_the_interval_covers_what_outcomes_show() -> None:
    training, inside = sample(20_000, -0.5), 0
    for _ in range(200):
        now = sample(500, -0.5)
        measured = {each.name: each.value for each in measure(now)}
        found = estimate(training, now.pairs[0].counts.sum(axis=1))
        inside += sum(
            each.interval.low <= measured[each.name] <= each.interval.high for each in found
        )
    assert inside / 800 == pytest.approx(0.95, abs=0.03)


def test_the_estimate_does_not_notice_that_the_relation_changed() -> None:
    training, now = sample(20_000, -0.5), sample(20_000, -0.5, shift=2)
    accuracy = estimate(training, now.pairs[0].counts.sum(axis=1))[0].value
    assert accuracy - measure(now)[0].value > 0.1


def test_there_is_no_estimate_without_scores() -> None:
    training = sample(1000, 0)
    assert estimate(training, np.zeros(len(training.pairs[0].counts), dtype=np.int64)) == ()
    numbers = OutcomeCells(CELLS.outputs, "number").count([[0.1, 0.2]], [3.0, 4.0])
    assert estimate(numbers, numbers.pairs[0].counts.sum(axis=1)) == ()
    low = np.zeros(len(training.pairs[0].counts), dtype=np.int64)
    low[0] = 100
    found = {each.name: each.value for each in estimate(training, low)}
    assert np.isnan(found["precision"])
    assert found["recall"] == 0
