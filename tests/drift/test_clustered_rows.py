"""Rows that come k at a time, in training too, stay within the share of a policy with that k."""

import numpy as np
import pytest

from boxkite import Baseline, Policy
from boxkite.baseline import CategoryVariable, NumericVariable, Variable
from boxkite.baseline.tally import Tally
from boxkite.drift import compare_counts

CELLS, TRAININGS, WINDOWS = 20, 12, 100
TIMES = TRAININGS * WINDOWS
SHARE = 0.05


def variable_of(counts: np.ndarray, *, ordered: bool) -> Variable:
    if ordered:
        edges = np.arange(CELLS - 1, dtype=np.float64)
        return NumericVariable(
            name="x", role="feature", position=0, counts=counts, missing=0, edges=edges, sum=0.5
        )
    categories = (*(f"c{i}" for i in range(CELLS - 1)), "__unseen__")
    return CategoryVariable(
        name="x", role="feature", position=0, counts=counts, missing=0, categories=categories
    )


def drifting(k: int, trained: int, served: int, policy: Policy, *, ordered: bool) -> float:
    """Return how often rows without drift are drift, if each comes k times."""
    random = np.random.default_rng(k)
    fractions = np.full(CELLS, 1 / CELLS) if ordered else np.array([*[1 / 19] * 19, 0.0])
    found = 0
    for _ in range(TRAININGS):
        variable = variable_of(k * random.multinomial(trained // k, fractions), ordered=ordered)
        baseline = Baseline.from_variables([variable], trained, version="v")
        for live in k * random.multinomial(served // k, fractions, WINDOWS):
            comparison = compare_counts(baseline, [Tally(live)], served, policy=policy)
            found += comparison.verdict == "drift"
    return found / TIMES


def policy_of(k: int) -> Policy:
    windows = {"1h": 1.0}
    alarms = SHARE / Policy(windows=windows).share("1h", 1)
    return Policy(alarms, windows=windows, design_effect=k, min_effect=0.0, min_moved=0.0)


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize(
    ("k", "trained", "served"),
    [
        (20, 20_000, 2000),
        pytest.param(50, 20_000, 2000, marks=pytest.mark.slow),
        pytest.param(20, 20_000, 12_000, marks=pytest.mark.slow),
    ],
)
def test_repeated_rows_stay_within_the_share(
    k: int, trained: int, served: int, ordered: bool
) -> None:
    found = drifting(k, trained, served, policy_of(k), ordered=ordered)
    assert found <= SHARE + 3 * (SHARE / TIMES) ** 0.5


def test_without_the_design_effect_they_do_not() -> None:
    assert drifting(50, 20_000, 2000, policy_of(1), ordered=True) > 0.9
