"""Verdicts: what is drift, what is too small to matter, and why there is not enough data."""

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2, norm

from boxkite import Baseline, Policy, VariableDrift, VariablePolicy, compare
from boxkite.baseline import NumericVariable
from boxkite.baseline.tally import Tally
from boxkite.drift import Verdict, compare_counts
from boxkite.drift.allowance import Allowance, Statistics
from boxkite.drift.verdict import judge, severity_of


def numeric(counts: list[int]) -> NumericVariable:
    edges = np.arange(len(counts) - 1, dtype=np.float64)
    cells = np.array(counts, dtype=np.int64)
    return NumericVariable(
        name="x", role="feature", position=0, counts=cells, missing=0, edges=edges, sum=0.0
    )


def verdict_on(
    psi: float,
    critical: float,
    rows: int,
    *,
    cells: int = 20,
    ks: float = math.nan,
    ks_critical: float = math.nan,
    moved: float = 0.0,
    policy: Policy | None = None,
) -> tuple[Verdict, str]:
    # A chance of 1 makes the quantiles the critical values themselves.
    found = Statistics(psi, (), psi, ks, 1.0, rows, moved=moved)
    allowance = Allowance(critical, 0.0, ks_critical)
    return judge(numeric([1000] * cells), found, allowance, policy or Policy())


@pytest.mark.parametrize(
    ("psi", "critical", "rows", "verdict"),
    [
        (0.3, 0.2, 1000, ("drift", "")),
        (0.2, 0.2, 1000, ("ok", "")),
        (0.1, 0.2, 1000, ("ok", "")),
        (0.04, 0.01, 1_000_000, ("ok", "")),
        (0.05, 0.01, 1_000_000, ("ok", "")),
        (9.9, 0.2, 99, ("insufficient", "99 rows, 100 needed")),
        (9.9, 0.2, 100, ("drift", "")),
        (9.9, math.nan, 1000, ("insufficient", "too few training rows in the rarest cells")),
    ],
)
def test_drift_exceeds_chance_and_is_large_enough_to_matter(
    psi: float, critical: float, rows: int, verdict: tuple[Verdict, str]
) -> None:
    assert verdict_on(psi, critical, rows) == verdict


@pytest.mark.parametrize(
    ("psi", "ks", "ks_critical", "rows", "verdict"),
    [
        (0.1, 0.15, 0.1, 1000, "drift"),
        (0.1, 0.1, 0.1, 1000, "ok"),
        (0.3, 0.05, 0.1, 1000, "drift"),
        (0.05, 0.15, 0.1, 1000, "ok"),
        (0.1, 0.15, 0.1, 99, "drift"),  # K-S judges any number of rows
        (0.1, 0.05, 0.1, 99, "insufficient"),
        (0.05, 0.15, 0.1, 99, "insufficient"),
        (0.1, math.nan, math.nan, 1000, "ok"),
    ],
)
def test_ks_above_its_critical_value_is_drift_if_the_difference_is_large_enough(
    psi: float, ks: float, ks_critical: float, rows: int, verdict: Verdict
) -> None:
    assert verdict_on(psi, 0.2, rows, ks=ks, ks_critical=ks_critical)[0] == verdict


def test_without_a_critical_value_for_psi_ks_still_judges() -> None:
    assert verdict_on(9.9, math.nan, 1000, ks=0.9, ks_critical=0.1)[0] == "drift"


@pytest.mark.parametrize(
    ("moved", "verdict"), [(0.019, "ok"), (0.02, "drift"), (-0.02, "drift"), (-0.019, "ok")]
)
def test_rows_that_moved_matter_however_small_psi_is(moved: float, verdict: Verdict) -> None:
    assert verdict_on(0.01, 0.001, 100_000, moved=moved)[0] == verdict
    assert verdict_on(0.001, 0.01, 100_000, moved=moved)[0] == "ok"


@pytest.mark.parametrize(
    ("own", "verdict"),
    [
        (VariablePolicy(), "drift"),
        (VariablePolicy(min_effect=0.3), "ok"),
        (VariablePolicy(min_effect=0.3, min_moved=0.1), "drift"),
        (None, "ok"),
    ],
)
def test_a_variable_is_judged_by_its_own_policy(
    own: VariablePolicy | None, verdict: Verdict
) -> None:
    policy = Policy(min_moved=0.5, variables={"x": own, "y": None})
    assert verdict_on(0.3, 0.1, 1000, moved=0.2, policy=policy)[0] == verdict


@pytest.mark.parametrize(
    ("multiple", "severity"), [(1.0, "warning"), (5.0, "warning"), (5.1, "critical")]
)
def test_more_than_five_times_the_floor_is_critical(multiple: float, severity: str) -> None:
    assert severity_of(multiple) == severity


def compared(trained: object, live: object, policy: Policy | None = None) -> VariableDrift:
    baseline = Baseline.fit({"x": trained})
    (found,) = compare(baseline, {"x": live}, policy=policy)
    return found


RANDOM = np.random.default_rng(5)
NORMAL = RANDOM.normal(size=20_000)


def test_ninety_nine_rows_at_1000_are_drift() -> None:
    found = compared(NORMAL, [1000.0] * 99)
    assert (found.verdict, found.above, found.reason) == ("drift", ("K-S",), "")
    # PSI cannot judge so few rows, so it has no threshold either.
    assert math.isnan(found.tests["PSI"].threshold)
    assert found.tests["K-S"] == (found.ks, found.ks_critical)
    assert found.ks == pytest.approx(0.95, abs=0.001)
    assert found.effect == "95 % of rows moved to values above 1.6775"
    assert found.moved == pytest.approx(0.863, abs=0.001)  # smoothed: the judged one


@pytest.mark.parametrize(
    ("rows", "psi", "ks"), [(3, False, False), (50, False, True), (100, True, True)]
)
def test_a_statistic_has_a_threshold_only_if_it_can_exceed_it(
    rows: int, psi: bool, ks: bool
) -> None:
    found = compared(NORMAL, NORMAL[:rows])
    assert found.rows_needed == 100
    known = {name: not math.isnan(each.threshold) for name, each in found.tests.items()}
    assert known == {"PSI": psi, "K-S": ks, "one cell": False}


def test_a_constant_0_in_a_tenth_of_the_rows_is_drift_if_0_was_common_before() -> None:
    def usual(rows: int) -> np.ndarray:
        return np.where(RANDOM.random(rows) < 0.6, 0.0, RANDOM.gamma(2, 10, rows))

    live = usual(20_000)
    live[:2000] = 0.0
    found = compared(usual(20_000), live)
    assert found.psi < Policy().min_effect
    assert found.verdict == "drift"
    assert found.moved == pytest.approx(0.04, abs=0.01)
    assert found.effect.endswith(" of rows moved to 0")


def test_a_variable_without_alerts_never_changes() -> None:
    policy = Policy(variables={"x": None})
    missing = np.where(RANDOM.random(5000) < 0.5, np.nan, 9.0)
    found = compared(NORMAL, missing, policy)
    assert (found.verdict, found.changed_rates, found.severity) == ("ok", (), "")
    assert found.below_floor == "more than chance explains, but the policy raises no alert for it"
    baseline = Baseline.fit({"x": NORMAL, "y": NORMAL})
    absent, _ = compare(baseline, {"y": NORMAL}, policy=policy)
    assert (absent.absent, absent.has_changed) == (True, False)


def test_a_difference_below_the_floors_is_remarked() -> None:
    found = compared(NORMAL, NORMAL[:4000] + 0.15, Policy(min_moved=0.1))
    assert (found.verdict, "K-S" in found.above) == ("ok", True)
    assert found.below_floor == (
        f"more than chance explains, but too small to matter: PSI {found.psi:.3g} is not above "
        f"0.05, and {100 * abs(found.moved):.3g} % of rows moved, less than 10 %"
    )
    assert found.findings == (found.below_floor,)


@pytest.mark.parametrize(
    ("trained", "live", "reason"),
    [
        pytest.param(NORMAL, NORMAL[:41], "41 rows, 100 needed", id="few rows"),
        pytest.param(NORMAL, [None] * 50, "no rows with a value", id="no rows"),
        pytest.param(NORMAL[:8], NORMAL, "8 training rows, 10 needed", id="few at training"),
        pytest.param(
            [f"id {i}" for i in range(3000)],
            [f"id {i}" for i in range(3000)],
            "too many rare categories",
            id="id",
        ),
        pytest.param([None] * 30, [1.0] * 300, "no value at training", id="nothing at training"),
    ],
)
@pytest.mark.filterwarnings("ignore::boxkite.BaselineWarning")
def test_the_reason_says_why_there_is_not_enough_data(trained: Any, live: Any, reason: str) -> None:
    found = compared(trained, live)
    assert (found.verdict, found.reason) == ("insufficient", reason)
    assert reason in found.findings


def test_a_single_cell_cannot_be_judged() -> None:
    baseline = Baseline.from_variables([numeric([1000])], 1000)
    (found,) = compare_counts(baseline, [Tally(np.array([900]))], 900)
    assert (found.verdict, found.reason) == ("insufficient", "one value at training")


def shifted(by: float, rows: int) -> tuple[NumericVariable, np.ndarray]:
    """Return twenty bins of equal mass and the counts of a shifted normal variable."""
    edges = norm.isf(1 - np.arange(1, 20) / 20)
    below = norm.cdf(np.concatenate([[-np.inf], edges, [np.inf]]) - by)
    return numeric([50_000] * 20), np.round(rows * np.diff(below)).astype(np.int64)


def test_a_shift_below_the_critical_psi_is_drift_by_ks() -> None:
    variable, live = shifted(0.33, 450)
    (found,) = compare_counts(Baseline.from_variables([variable], 1_000_000), [Tally(live)], 450)
    whole_share = float(chi2.isf(Policy().share("1h", 1), 19)) * (1e-6 + 1 / live.sum())
    # PSI alone would not be enough, even with the whole share.
    assert Policy().min_effect < found.psi < whole_share
    assert (found.verdict, found.above) == ("drift", ("K-S",))


def test_a_constant_in_a_tenth_of_the_rows_is_drift_although_days_vary_widely() -> None:
    days = np.arange(60)
    means = np.tile(np.random.default_rng(0).standard_t(3, 12), 5)

    def day(number: int) -> np.ndarray:
        return np.random.default_rng(number).normal(means[number % 60], 1, 900)

    times = np.repeat(days, 900) * 86_400 + np.tile(np.arange(900), 60) * 96
    training = np.concatenate([day(number) for number in days])
    baseline = Baseline.fit({"x": training}, time=times, windows=["1d"])
    assert baseline.variables[0].variation["1d"].directions.shape[0] >= 1
    usual, faulty = day(100), day(100)
    faulty[::10] = 0.0
    (calm,) = compare(baseline, {"x": usual}, window="1d").variables
    (found,) = compare(baseline, {"x": faulty}, window="1d").variables
    assert (calm.verdict, calm.above) == ("ok", ())
    assert calm.excess < calm.excess_critical
    assert (found.verdict, "one cell" in found.above) == ("drift", True)
    (without,) = compare(baseline, {"x": faulty}).variables
    assert math.isnan(without.excess)
    assert math.isnan(without.excess_critical)
