"""Rates of missing, unseen and invalid rows: the bound holds for any counts."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import gammaln

from boxkite import Baseline, Policy, VariablePolicy, compare
from boxkite.baseline.capture import NumericColumn
from boxkite.baseline.tally import Tally, tally_column, tally_labels
from boxkite.drift import VariableDrift, compare_counts
from boxkite.drift.rates import (
    EXPECTED_OUTSIDE,
    evidence,
    expected_unseen,
    measure_rates,
    rate_critical,
)


@pytest.mark.parametrize("live_rows", [1, 7, 60, 1000])
@pytest.mark.parametrize("trained_rows", [1, 40, 5000])
@pytest.mark.parametrize("both", [1, 2, 13, 50])
def test_chance_exceeds_the_evidence_no_more_often_than_stated(
    live_rows: int, trained_rows: int, both: int
) -> None:
    both = min(both, live_rows + trained_rows)
    chance = stats.hypergeom(live_rows + trained_rows, both, live_rows)
    for live in range(max(0, both - trained_rows), min(both, live_rows) + 1):
        found = evidence(live, live_rows, both - live, trained_rows)
        more = live * (live_rows + trained_rows) > both * live_rows
        tail = chance.sf(live - 1) if more else chance.cdf(live)
        assert tail <= math.exp(-found) * (1 + 1e-9)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((10, 100, 10, 100), 0.0),
        ((0, 100, 0, 100), 0.0),
        ((5, 5, 0, 5), 5 * math.log(2)),
        ((0, 5, 5, 5), 5 * math.log(2)),
        ((1, 10, 0, 990), math.log(100)),
    ],
)
def test_the_evidence_is_the_exponent_of_the_bound(
    counts: tuple[int, int, int, int], expected: float
) -> None:
    assert evidence(*counts) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("counts", [(0, 0, 3, 10), (3, 10, 0, 0)])
def test_without_rows_there_is_no_evidence(counts: tuple[int, int, int, int]) -> None:
    assert math.isnan(evidence(*counts))


def test_the_critical_value_shares_a_hundredth_of_the_false_alarms_over_all_tests() -> None:
    policy = Policy(false_alarms_per_month=2.0, windows={"1h": 1.0, "1d": 24.0})
    a_test = math.exp(-rate_critical(policy, variables=10, evaluations_a_month=100))
    assert a_test * 10 * 2 * 4 * 100 == pytest.approx(0.02)


def drifted(live: Tally, values: list[str | None]) -> VariableDrift:
    baseline = Baseline.fit({"city": values})
    (found,) = compare_counts(baseline, [live], live.rows + live.missing + live.invalid)
    return found


CITIES: list[str | None] = ["a", "b"] * 500


@pytest.mark.parametrize(
    ("cells", "missing", "invalid", "changed"),
    [
        ([500, 500, 0], 0, 0, ()),
        ([500, 490, 10], 0, 0, ()),  # chance explains half of such small fractions
        ([400, 400, 200], 0, 0, ("unseen",)),
        ([400, 400, 0], 200, 0, ("missing",)),
        ([400, 400, 0], 0, 200, ("invalid",)),
        ([300, 300, 200], 200, 200, ("missing", "invalid", "unseen")),
        ([0, 0, 0], 1000, 0, ("missing",)),
    ],
)
def test_rates_that_changed_by_more_than_chance_are_named(
    cells: list[int], missing: int, invalid: int, changed: tuple[str, ...]
) -> None:
    found = drifted(Tally(np.array(cells), missing=missing, invalid=invalid), CITIES)
    assert found.changed_rates == changed


def test_fewer_missing_values_than_at_training_are_a_change_too() -> None:
    values: list[str | None] = ["a", "b", None, None] * 500
    found = drifted(Tally(np.array([500, 500, 0])), values)
    assert (found.changed_rates, found.missing_difference) == (("missing",), -0.5)


def test_a_certain_but_small_difference_is_not_a_change() -> None:
    found = drifted(Tally(np.array([500_000, 491_000, 0]), missing=9_000), CITIES * 1000)
    assert found.missing_evidence > found.rate_critical
    assert found.changed_rates == ()


def test_new_categories_are_expected_if_many_occurred_once_at_training() -> None:
    alone = [f"id {number}" for number in range(300)]
    values: list[str | None] = [*["a"] * 350, *["b"] * 350, *alone]
    baseline = Baseline.fit({"city": values}, max_categories=100)
    (variable,) = baseline.variables
    assert expected_unseen(variable) == 300
    cells = np.zeros(len(variable.counts), dtype=np.int64)
    cells[:2], cells[-1] = 3500, 3100
    (found,) = compare_counts(baseline, [Tally(cells)], 10_100)
    assert found.unseen_difference == 3100 / 10_100
    assert found.changed_rates == ()


def test_fewer_unseen_rows_than_expected_are_no_evidence() -> None:
    values: list[str | None] = [f"id {number}" for number in range(400)] + ["a"] * 600
    baseline = Baseline.fit({"city": values}, max_categories=1)
    (found,) = compare_counts(baseline, [Tally(np.array([1000, 0, 0]))], 1000)
    assert (found.unseen_difference, found.unseen_evidence) == (0.0, 0.0)


TRUE_OUTSIDE = st.tuples(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 60))


@given(TRUE_OUTSIDE)
def test_chance_puts_no_more_rows_outside_than_the_bound_says(rows: tuple[int, int, int]) -> None:
    trained, live, outside = rows
    if outside > live:
        return
    more = outside * trained > EXPECTED_OUTSIDE * live
    found = evidence(outside, live, EXPECTED_OUTSIDE, trained) if more else 0.0
    # The ranks of the live rows among all rows are random. Below the minimum of training lie as
    # many as come before the first training row; above the maximum, after the last.
    assert outside_chance(trained, live, outside) <= math.exp(-found) * (1 + 1e-9)


def outside_chance(trained: int, live: int, outside: int) -> float:
    """Return the chance that so many live rows or more lie outside the range of training.

    Draw all rows in random order. A live row is outside if it comes before the first training row
    or after the last. Exactly j rows are outside with chance (j + 1) C(n - 2 + m - j, m - j) /
    C(n + m, m), for n training rows and m live rows.
    """
    if trained == 1:  # every other value lies outside a single one
        return 1.0
    numbers = np.arange(outside, live + 1, dtype=np.float64)
    logarithms = (
        np.log(numbers + 1)
        + log_binomial(trained - 2 + live - numbers, live - numbers)
        - log_binomial(np.float64(trained + live), np.float64(live))
    )
    return float(np.exp(logarithms).sum())


def log_binomial(n: np.ndarray | np.float64, k: np.ndarray | np.float64) -> np.ndarray:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))


def test_rows_outside_the_range_of_training_are_a_changed_rate() -> None:
    baseline = Baseline.fit({"x": np.random.default_rng(0).random(1000)})
    inside, outside = np.full(950, 0.5), np.full(50, 7.0)
    found = compare(baseline, {"x": np.concatenate([inside, outside])}).variables[0]
    assert (found.outside, found.outside_difference) == (50, 0.05)
    assert found.changed_rates == ("outside",)
    assert found.rate_changes == (
        "5 % of rows lie outside the range of training (0 % at training)",
    )
    calm = compare(baseline, {"x": [*inside, 7.0, 7.0]}).variables[0]
    assert (calm.outside, calm.changed_rates) == (2, ())


def test_live_rows_may_outnumber_training_rows_without_being_outside_too_often() -> None:
    random = np.random.default_rng(2)
    for trained, live in ((200, 200), (200, 20_000)):
        exceeded = []
        for _ in range(300):
            baseline = Baseline.fit({"x": random.normal(size=trained)})
            (variable,) = baseline.variables
            tally = tally_column(variable, NumericColumn(random.normal(size=live)))
            (found,) = (e for e in measure_rates(variable, tally) if e.name == "outside")
            exceeded.append(found.evidence > 3.0)
        assert np.mean(exceeded) <= math.exp(-3)


def test_min_rate_can_be_set() -> None:
    live = Tally(np.array([485_000, 485_000, 0]), missing=30_000)
    assert drifted(live, CITIES * 1000).changed_rates == ("missing",)
    baseline = Baseline.fit({"city": CITIES * 1000})
    for policy in (
        Policy(min_rate=0.05),
        Policy(variables={"city": VariablePolicy(min_rate=0.05)}),
        Policy(variables={"city": None}),
    ):
        (found,) = compare_counts(baseline, [live], 1_000_000, policy=policy)
        assert found.changed_rates == ()


def test_numbers_have_no_unseen_rows() -> None:
    baseline = Baseline.fit({"x": [1.0, 2.0] * 50})
    live = Tally(np.ones(len(baseline.variables[0].counts), dtype=np.int64))
    (found,) = compare_counts(baseline, [live], live.rows)
    assert found.unseen == 0
    assert math.isnan(found.unseen_difference)
    assert math.isnan(found.unseen_evidence)


@pytest.mark.parametrize(("trained", "live"), [(300, 100), (300, 300), (300, 3000)])
@pytest.mark.parametrize(
    "fractions",
    [np.ones(80) / 80, 0.8 ** np.arange(60), np.arange(1, 201) ** -1.2],
    ids=["even", "geometric", "power"],
)
def test_categories_that_are_new_by_chance_stay_within_the_bound(
    fractions: np.ndarray, trained: int, live: int
) -> None:
    found = unseen_evidence(fractions, trained, live, times=300)
    for limit in (1.0, 2.0, 3.0):
        assert np.mean(found > limit) <= math.exp(-limit)


def test_a_tail_that_is_new_by_chance_stays_within_the_bound() -> None:
    found = unseen_evidence(np.ones(250) / 250, 900, 3000, times=200)
    for limit in (1.0, 2.0, 3.0):
        assert np.mean(found > limit) <= math.exp(-limit)
    assert found.max() > 0


def unseen_evidence(fractions: np.ndarray, trained: int, live: int, times: int) -> np.ndarray:
    """Return the evidence of unseen rows for several samples without drift."""
    random = np.random.default_rng(4)
    chances = fractions / fractions.sum()
    labels = np.array([f"c{number}" for number in range(len(chances))])
    found = []
    for _ in range(times):
        baseline = Baseline.fit({"c": random.choice(labels, trained, p=chances).tolist()})
        (variable,) = baseline.variables
        tally = tally_labels(variable, Counter(random.choice(labels, live, p=chances).tolist()))
        found += [each.evidence for each in measure_rates(variable, tally) if each.name == "unseen"]
    return np.array(found)
