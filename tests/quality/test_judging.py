"""Verdicts on quality: false alarms at the stated rate, and every real loss found."""

import bisect
import math
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from boxkite import Baseline, ConfigError
from boxkite.baseline.outcome_pairs import OutcomeCells
from boxkite.quality import (
    Outcomes,
    Quality,
    QualityPolicy,
    QualityStatistic,
    compare_outcomes,
    learn_statistic_variation,
)
from boxkite.quality.intervals import wilson
from boxkite.quality.quality_verdict import threshold

RANDOM = np.random.default_rng(18)
CELLS = OutcomeCells(
    Baseline.fit({"x": range(2000)}, np.linspace(0, 1, 2000)).outputs, "score", 0.5
)
NUMBERS = OutcomeCells(Baseline.fit({"x": range(2000)}, np.linspace(0, 9, 2000)).outputs, "number")


def scored(rows: int, shift: float = 0.0) -> Outcomes:
    """Return outcomes of a calibrated score. A shift of the log odds makes it wrong."""
    odds = RANDOM.normal(-0.5, 1.5, rows)
    outcomes = RANDOM.random(rows) < 1 / (1 + np.exp(-odds - shift))
    return CELLS.count([1 / (1 + np.exp(-odds))], outcomes)


def predicted(rows: int, bias: float = 0.0, sigma: float = 1.0) -> Outcomes:
    actual = RANDOM.uniform(0, 9, rows)
    return NUMBERS.count([actual + RANDOM.normal(bias, sigma, rows)], actual)


def verdicts(quality: Quality) -> dict[str, str | None]:
    return {each.now.name: each.verdict for each in quality}


# One alarm in five windows of a day: 6 of 30. Without floors, every alarm is a false one.
OFTEN = QualityPolicy(false_alarms_per_month=6, min_drop=0, min_increase=0)


@pytest.mark.parametrize("rows", [200, 2000])
@pytest.mark.parametrize("sample", [scored, predicted])
def test_false_alarms_stay_at_the_stated_rate(sample, rows: int) -> None:  # type: ignore[no-untyped-def]
    samples, alarms, by_name = 300, 0, Counter[str]()
    for _ in range(samples):
        found = compare_outcomes(sample(rows), sample(3000), policy=OFTEN)
        alarms += found.verdict == "worse"
        by_name.update(name for name, each in verdicts(found).items() if each == "worse")
    assert alarms / samples <= 0.2 + 3 * np.sqrt(0.2 * 0.8 / samples)
    share = OFTEN.share(24, len(verdicts(found)))
    # A normal approximation of skewed statistics: none exceeds its share by far.
    assert max(by_name.values(), default=0) / samples <= 2 * share + 0.02
    assert alarms  # The test would notice nothing if the thresholds were far too high.


@pytest.mark.parametrize("share", [1e-3, 2.4e-5])  # about those of a model and of 20 segments
@pytest.mark.parametrize("rate", [0.98, 0.5, 0.1])
def test_lucky_training_rows_raise_no_more_alarms_than_stated(rate: float, share: float) -> None:
    sizes = ((200, 20_000), (1000, 1000), (2000, 100))
    found = {size: chance_of_worse(rate, *size, share) / share for size in sizes}
    # Counts of rows are discrete, so 1 cannot be met exactly.
    assert max(found.values()) <= 1.2, found
    if rate == 0.5:  # The threshold is not far too high either.
        assert min(found.values()) > 0.5, found


def chance_of_worse(rate: float, training_rows: int, rows: int, share: float) -> float:
    """Return the exact chance that the accuracy of an unchanged model is above its threshold."""

    def accuracy(hits: int, rows: int) -> QualityStatistic:
        return QualityStatistic("accuracy", "output", wilson(hits, rows), rows)

    found = 0.0
    least, most = binom.ppf([1e-9, 1 - 1e-9], training_rows, rate).astype(int).tolist()
    for hits in range(least, most + 1):
        before = accuracy(hits, training_rows)

        def is_ok(now: int, before: QualityStatistic = before) -> bool:
            statistic = accuracy(now, rows)
            return before.value - statistic.value <= threshold(statistic, before, None, share)

        fewest = bisect.bisect_left(range(rows + 1), True, key=is_ok)
        found += binom.pmf(hits, training_rows, rate) * binom.cdf(fewest - 1, rows, rate)
    return found


def test_natural_variation_is_allowed_for() -> None:
    days = [scored(500, shift) for shift in RANDOM.normal(0, 0.5, 60)]
    training = days[0]
    for each in days[1:]:
        training = training.plus(each)
    learnt = replace(training, variation={"1d": learn_statistic_variation(days)})
    alarms = Counter[str]()
    for shift in RANDOM.normal(0, 0.5, 150):
        now = scored(500, shift)
        alarms["chance"] += compare_outcomes(now, learnt, policy=OFTEN).verdict == "worse"
        found = compare_outcomes(now, learnt, policy=OFTEN, window="1d")
        alarms["natural"] += found.verdict == "worse"
    assert alarms["chance"] > 45
    assert alarms["natural"] <= 30 + 3 * np.sqrt(150 * 0.2 * 0.8)


def test_a_real_loss_is_found_by_the_statistics_that_show_it() -> None:
    found = verdicts(compare_outcomes(scored(5000, shift=1.5), scored(20_000)))
    assert found["accuracy"] == found["recall"] == found["log_loss"] == found["brier"] == "worse"
    assert found["precision"] == "ok"  # There are more positives, so precision rises.
    assert found["calibration_error"] is None
    found = verdicts(compare_outcomes(predicted(2000, bias=0.5), predicted(5000)))
    assert found == {"mae": "worse", "rmse": "worse", "bias": "worse"}


def test_a_change_for_the_better_is_ok() -> None:
    training, now = predicted(5000, bias=-0.5, sigma=2), predicted(5000)
    assert set(verdicts(compare_outcomes(now, training)).values()) == {"ok"}


def test_a_change_below_the_floor_is_ok() -> None:
    training, now = scored(100_000), scored(100_000, shift=0.25)
    assert compare_outcomes(now, training, policy=OFTEN).verdict == "worse"
    calm = QualityPolicy(min_drop=0.2, min_increase=0.5)
    assert compare_outcomes(now, training, policy=calm).verdict == "ok"


def test_too_few_rows_are_insufficient_and_say_why() -> None:
    found = compare_outcomes(scored(40), scored(5000))
    assert found.verdict == "insufficient"
    assert found.changes[0].finding == "it has 40 rows, but needs 50"
    assert compare_outcomes(scored(40)).changes[0].finding == (
        "the baseline has no outcomes: fit it with outcome="
    )
    none = CELLS.count([[0.1] * 99], [0] * 99)
    reasons = {each.now.name: each.finding for each in compare_outcomes(none, scored(5000))}
    assert reasons["precision"] == "no score is above 0.5"
    assert reasons["recall"] == "no outcome is 1"
    assert reasons["auc"] == "all outcomes are 0"
    assert reasons["accuracy"] == ""


def test_other_cells_are_refused() -> None:
    other = OutcomeCells(CELLS.outputs, "score", 0.4).count([[0.1]], [1])
    with pytest.raises(ValueError, match="other cells"):
        compare_outcomes(other, scored(100))
    with pytest.raises(ValueError, match="other cells"):
        scored(100).plus(other)


def test_adding_up_equals_counting_together() -> None:
    scores, outcomes = RANDOM.random(300), RANDOM.integers(0, 2, 300)
    parts = [CELLS.count([scores[part]], outcomes[part]) for part in np.split(np.arange(300), 3)]
    whole = CELLS.count([scores], outcomes).pairs[0]
    added = parts[0].plus(parts[1]).plus(parts[2]).pairs[0]
    assert added.counts.tolist() == whole.counts.tolist()
    assert added.output_sums == pytest.approx(whole.output_sums)
    for name, sums in whole.losses.items():
        assert added.losses[name] == pytest.approx(sums)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"false_alarms_per_month": 0},
            "`false_alarms_per_month` must be above 0 and finite, not 0",
        ),
        ({"false_alarms_per_month": "1"}, "`false_alarms_per_month` must be a number, not '1'"),
        ({"min_drop": -0.1}, "`min_drop` must be from 0 to 1, not -0.1"),
        ({"min_drop": 2.0}, "`min_drop` must be from 0 to 1, not 2.0"),
        ({"min_increase": math.inf}, "`min_increase` must be 0 or more and finite, not inf"),
        ({"min_rows": np.float64(math.nan)}, "`min_rows` must be 0 or more and finite, not nan"),
        (
            {"windows": {"1d": 24.0, "7d": -168}},
            "the hours of the window '7d' in `windows` must be above 0 and finite, not -168",
        ),
    ],
)
def test_a_policy_with_an_impossible_value_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        QualityPolicy(**values)
    assert str(raised.value) == message


def test_the_limits_of_each_value_are_allowed() -> None:
    QualityPolicy(1e-300, min_drop=0, min_increase=0.0, min_rows=0, windows={"1h": 1})
    QualityPolicy(1e300, min_drop=1, min_increase=9.0, min_rows=10**12, windows={})
