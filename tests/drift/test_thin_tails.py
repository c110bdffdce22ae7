"""A tail that is too thin to know its labels is judged together with labels never seen."""

import numpy as np
import pytest
from numpy.typing import NDArray

from boxkite import Baseline, compare
from boxkite.baseline import CategoryVariable
from boxkite.drift import Policy

LEVELS = 5_000
OFTEN = Policy(false_alarms_per_month=100.0, windows={"1h": 1.0})
"""A share of 0.056 for one variable, so that few windows show a false-alarm rate."""


def zipf(random: np.random.Generator, rows: int, levels: int = LEVELS) -> NDArray[np.str_]:
    weights = 1 / np.arange(1.0, levels + 1)
    return random.choice(np.arange(levels), rows, p=weights / weights.sum()).astype(str)


def fitted(random: np.random.Generator, rows: int) -> Baseline:
    return Baseline.fit({"c": zipf(random, rows)})


def test_labels_that_training_never_saw_count_in_the_tail() -> None:
    baseline = fitted(np.random.default_rng(1), 20_000)
    (variable,) = baseline.variables
    assert isinstance(variable, CategoryVariable)
    assert variable.tail_takes_unseen
    ((_, tally),) = compare(baseline, {"c": ["never seen"] * 7 + ["0"] * 3}).counts
    by_cell = dict(zip(variable.categories, tally.cells.tolist(), strict=True))
    assert (by_cell["__other__"], by_cell["__unseen__"], by_cell["0"]) == (7, 0, 3)


@pytest.mark.slow
def test_the_same_distribution_is_rarely_drift() -> None:
    random = np.random.default_rng(2)
    verdicts = [
        compare(fitted(random, 10_000), {"c": zipf(random, rows)}, policy=OFTEN).verdict
        for rows in (500, 2_000, 20_000)
        for _ in range(40)
    ]
    assert set(verdicts) <= {"ok", "drift"}
    assert verdicts.count("drift") <= 0.056 * len(verdicts)


@pytest.mark.parametrize(
    ("moved_to", "window"),
    [("0", 1_000), ("17", 1_000), ("0", 10_000), ("17", 10_000), ("never seen", 10_000)],
)
def test_a_fifth_of_the_rows_that_moves_is_drift(moved_to: str, window: int) -> None:
    random = np.random.default_rng(3)
    rows = zipf(random, window)
    rows[: window // 5] = moved_to
    assert compare(fitted(random, 20_000), {"c": rows}).verdict == "drift"


def test_all_rows_in_one_category_is_drift() -> None:
    baseline = fitted(np.random.default_rng(4), 20_000)
    assert compare(baseline, {"c": ["0"] * 1_000}).verdict == "drift"


def test_of_few_training_rows_nothing_is_said() -> None:
    """Of 1,000 rows, kept categories are common by chance: 12 times the share was measured."""
    random = np.random.default_rng(5)
    baseline = fitted(random, 1_000)
    (variable,) = baseline.variables
    assert isinstance(variable, CategoryVariable)
    assert not variable.tail_takes_unseen
    (drift,) = compare(baseline, {"c": zipf(random, 5_000)}).variables
    assert (drift.verdict, drift.reason) == ("insufficient", "too many rare categories")


def test_a_tail_whose_labels_are_known_leaves_unseen_labels_apart() -> None:
    labels = [str(number % 100) for number in range(20_000)]
    (variable,) = Baseline.fit({"c": labels}).variables
    assert isinstance(variable, CategoryVariable)
    assert variable.has_tail
    assert not variable.tail_takes_unseen
