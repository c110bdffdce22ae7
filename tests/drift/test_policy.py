"""What a policy allows: shares, critical values, and the floors of each variable."""

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2, kstwobign

from boxkite import ConfigError
from boxkite.baseline import CategoryVariable, NumericVariable, Variable
from boxkite.drift import (
    Floors,
    Policy,
    VariablePolicy,
    kolmogorov_smirnov,
    population_stability_index,
)


@pytest.mark.parametrize("variables", [1, 10, 1000])
@pytest.mark.parametrize("window", ["1h", "1d"])
def test_ks_is_critical_at_half_of_the_variables_share(window: str, variables: int) -> None:
    policy = Policy()
    half = policy.share(window, variables) / 2
    expected = float(kstwobign.isf(half))
    assert policy.ks_critical(window, variables) == pytest.approx(expected, rel=1e-6)


def test_the_share_of_ks_is_at_most_a_quarter() -> None:
    policy = Policy(false_alarms_per_month=1e9)
    assert policy.ks_critical("1h", 3) == math.sqrt(math.log(8) / 2)


@pytest.mark.parametrize(
    ("policy", "window", "variables", "share"),
    [
        (Policy(), "1h", 1, 1 / 2 / 1800),
        (Policy(), "1d", 1, 1 / 2 / 75),
        (Policy(), "1h", 25, 1 / 2 / 1800 / 25),
        (Policy(false_alarms_per_month=0.1, windows={"6h": 6.0}), "6h", 10, 0.1 / 300 / 10),
        (Policy(false_alarms_per_month=1000.0), "1d", 1, 0.5),
    ],
)
def test_false_alarms_are_divided_among_windows_and_variables(
    policy: Policy, window: str, variables: int, share: float
) -> None:
    assert policy.share(window, variables) == pytest.approx(share, rel=1e-15)


def test_the_sum_of_all_shares_is_not_limited() -> None:
    assert Policy(false_alarms_per_month=1000.0).share_of_all("1d") == 1000 / 2 / 75


def numeric(counts: list[int]) -> NumericVariable:
    edges = np.arange(len(counts) - 1, dtype=np.float64)
    cells = np.array(counts, dtype=np.int64)
    return NumericVariable(
        name="x", role="feature", position=0, counts=cells, missing=0, edges=edges, sum=0.0
    )


def category(tally: dict[str, int], max_categories: int = 50) -> CategoryVariable:
    return CategoryVariable.from_tally(
        tally, max_categories, missing=0, name="x", role="feature", position=0
    )


@pytest.mark.parametrize("cells", [2, 20, 100])
@pytest.mark.parametrize("variables", [1, 10, 1000])
@pytest.mark.parametrize("window", ["1h", "1d"])
def test_the_critical_value_is_the_chi_square_quantile_if_only_many_rows_are_judged(
    cells: int, variables: int, window: str
) -> None:
    policy = Policy(min_rows_a_cell=100_000)
    found = policy.critical(window, variables, numeric([1_000_000] * cells))
    expected = chi2.isf(policy.share(window, variables) / 2, cells - 1)
    assert found == pytest.approx(expected, rel=1e-6)


def test_categories_use_their_whole_share_for_psi() -> None:
    policy = Policy(min_rows_a_cell=100_000)
    found = policy.critical("1h", 10, category({f"c{i}": 1_000_000 for i in range(10)}))
    assert found == pytest.approx(chi2.isf(policy.share("1h", 10), 10), rel=1e-6)


@pytest.mark.parametrize(
    "variable",
    [
        pytest.param(numeric([1000]), id="one cell"),
        pytest.param(numeric([0, 0, 0]), id="no training row"),
        pytest.param(numeric([5, 5, 4]), id="few training rows"),
        pytest.param(category({f"c{i}": 1 for i in range(400)}), id="every category once"),
        pytest.param(category({}), id="no category"),
    ],
)
def test_a_variable_that_cannot_be_judged_has_no_critical_value(variable: Variable) -> None:
    assert math.isnan(Policy().critical("1h", 5, variable))


@pytest.mark.parametrize(
    "variable",
    [
        pytest.param(numeric([0, 100, 0]), id="constant"),
        pytest.param(numeric([600_000, *[50_000] * 8]), id="heavy atom"),
        pytest.param(numeric([50] * 20), id="few rows a bin"),
        pytest.param(category({"a": 100}), id="one category"),
        pytest.param(category({"a": 999_000, "b": 1000, "c": 1}), id="sparse category"),
        pytest.param(category({f"c{i}": 1000 for i in range(80)}), id="tail"),
    ],
)
def test_every_other_variable_has_a_critical_value_of_at_least_the_chi_square_quantile(
    variable: Variable,
) -> None:
    found = Policy().critical("1h", 5, variable)
    share = Policy().share("1h", 5) / (2 if isinstance(variable, NumericVariable) else 1)
    bound = chi2.isf(share, len(variable.counts) - 1)
    assert bound * (1 - 1e-9) <= found <= 3 * bound


def test_a_constant_that_stays_constant_does_not_drift() -> None:
    variable = numeric([0, 1_000_000, 0])
    for rows in (15, 1000, 10**7):
        live = np.array([0, rows, 0])
        psi = population_stability_index(live, variable.counts)
        threshold = Policy().critical("1h", 5, variable) * (1e-6 + 1 / rows)
        assert not psi > threshold


def test_a_design_effect_leaves_the_critical_value_of_as_many_independent_rows() -> None:
    clustered = Policy(min_rows_a_cell=1000, design_effect=2.0)
    independent = Policy(min_rows_a_cell=500)
    found = clustered.critical("1h", 5, numeric([50_000] * 20))
    assert found == independent.critical("1h", 5, numeric([25_000] * 20))
    assert clustered.ks_critical("1h", 5) == independent.ks_critical("1h", 5)


@pytest.mark.parametrize(
    ("trained", "served"), [(20_000, 100), (20_000, 500), (2_000, 2_000), (500, 50_000)]
)
def test_rows_without_drift_exceed_a_critical_value_no_more_often_than_stated(
    trained: int, served: int
) -> None:
    policy = Policy(false_alarms_per_month=360.0, windows={"1h": 1.0})
    random = np.random.default_rng(12)
    cells, scale = np.full(20, 1 / 20), 1 / trained + 1 / served
    critical = policy.critical("1h", 1, numeric([trained // 20] * 20)) * scale
    ks_critical = policy.ks_critical("1h", 1) * math.sqrt(scale)
    above = []
    for _ in range(4000):
        live, baseline = (random.multinomial(rows, cells) for rows in (served, trained))
        psi = population_stability_index(live, baseline)
        above.append([psi > critical, kolmogorov_smirnov(live, baseline) > ks_critical])
    by_psi, by_ks = np.mean(above, axis=0)
    # Each is stated as 0.1, and three standard errors of 4,000 draws are 0.014. K-S ignores what
    # happens between edges, which halves its chance.
    assert policy.share("1h", 1) == pytest.approx(0.2)
    assert 0.05 < by_psi < 0.115
    assert 0.03 < by_ks < 0.115
    assert np.mean(np.any(above, axis=1)) < 0.2


@pytest.mark.parametrize("effect", [0.5, 0.0, -1.0, math.nan, math.inf])
def test_a_design_effect_below_1_is_refused(effect: float) -> None:
    with pytest.raises(ConfigError) as raised:
        Policy(design_effect=effect)
    assert str(raised.value) == f"`design_effect` must be at least 1 and finite, not {effect}"


def with_tail(labels: int, rows: int, once: int | None) -> CategoryVariable:
    return CategoryVariable(
        name="c",
        role="feature",
        position=0,
        counts=np.array([4000, 3000, 2000, rows, 0]),
        missing=0,
        categories=("a", "b", "c", "__other__", "__unseen__"),
        tail=frozenset(range(labels)),
        tail_once=once,
    )


@pytest.mark.parametrize(("labels", "rows"), [(5, 6000), (50, 4000), (200, 8000), (400, 4000)])
def test_knowing_the_singletons_of_a_tail_never_raises_the_critical_value(
    labels: int, rows: int
) -> None:
    unknown, none, half, all_of_them = (
        Policy().critical("1h", 5, with_tail(labels, rows, once))
        for once in (None, 0, labels // 2, labels)
    )
    assert none <= half or math.isnan(half)
    assert none <= unknown or math.isnan(unknown)
    assert half <= all_of_them or math.isnan(all_of_them)
    assert all_of_them == pytest.approx(unknown, nan_ok=True) or all_of_them < unknown


@pytest.mark.parametrize(("labels", "rows_a_label"), [(100, 3), (400, 8), (60, 20)])
def test_the_bound_on_missed_rows_holds_for_tails_of_equal_labels(
    labels: int, rows_a_label: int
) -> None:
    random = np.random.default_rng(9)
    rows = labels * rows_a_label
    exceeded = []
    for _ in range(1000):
        drawn = random.multinomial(rows, np.full(labels, 1 / labels))
        found = with_tail(int((drawn > 0).sum()), rows, int((drawn == 1).sum()))
        exceeded.append((drawn == 0).sum() * rows_a_label > found.unseen_bound)
    assert np.mean(exceeded) <= 0.01  # three standard errors of a normal would be 0.0013


OWN = Policy(
    min_effect=0.1,
    variables={"x": VariablePolicy(min_effect=0.2), "y": VariablePolicy(min_moved=0.0), "z": None},
)


@pytest.mark.parametrize(
    ("name", "floors"),
    [
        ("other", Floors(effect=0.1, moved=0.02, rate=0.01)),
        ("x", Floors(effect=0.2, moved=0.02, rate=0.01)),
        ("y", Floors(effect=0.1, moved=0.0, rate=0.01)),
        ("z", Floors(math.inf, math.inf, math.inf)),
    ],
)
def test_each_variable_may_have_floors_of_its_own(name: str, floors: Floors) -> None:
    variable = category({"a": 10})
    object.__setattr__(variable, "name", name)
    assert OWN.floors(variable) == floors
    assert floors.raises_alerts == (name != "z")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"false_alarms_per_month": 0},
            "`false_alarms_per_month` must be above 0 and finite, not 0",
        ),
        (
            {"false_alarms_per_month": math.nan},
            "`false_alarms_per_month` must be above 0 and finite, not nan",
        ),
        ({"min_rows_a_cell": -5}, "`min_rows_a_cell` must be above 0 and finite, not -5"),
        ({"min_rows_a_cell": math.inf}, "`min_rows_a_cell` must be above 0 and finite, not inf"),
        ({"windows": {}}, "`windows` must name at least one window, such as {'1h': 1.0}"),
        (
            {"windows": {"1h": 1.0, "1d": 0.0}},
            "the hours of the window '1d' in `windows` must be above 0 and finite, not 0.0",
        ),
        (
            {"windows": {"1h": "1h"}},
            "the hours of the window '1h' in `windows` must be a number, not '1h'",
        ),
        (
            {"variables": {"dest": 0.2}},
            (
                "`variables` gives 'dest' the policy 0.2. Pass a VariablePolicy, such as "
                "VariablePolicy(min_effect=0.2), or None for no alert"
            ),
        ),
    ],
)
def test_a_policy_with_an_impossible_value_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        Policy(**values)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("min_effect", -0.1, "0 or more"),
        ("min_effect", math.nan, "0 or more"),
        ("min_moved", -0.1, "from 0 to 1"),
        ("min_moved", 2.0, "from 0 to 1"),
        ("min_moved", math.nan, "from 0 to 1"),
        ("min_rate", -0.1, "from 0 to 1"),
        ("min_rate", math.inf, "from 0 to 1"),
    ],
)
def test_an_impossible_floor_is_refused(name: str, value: float, allowed: str) -> None:
    own: dict[str, Any] = {name: value}
    for make in (
        lambda: Policy(**own),
        lambda: Policy(variables={"x": VariablePolicy(**own)}),
    ):
        with pytest.raises(ConfigError) as raised:
            make()
        assert str(raised.value) == f"`{name}` must be {allowed}, not {value}"


@pytest.mark.parametrize(
    ("variable", "reason"),
    [
        (numeric([1000]), "one value at training"),
        (numeric([0, 0, 0]), "no value at training"),
        (numeric([5, 5, 4]), "14 training rows, 15 needed"),
        (category({f"id {i}": 1 for i in range(3000)}), "too many rare categories"),
        (category({f"id {i}": 1 for i in range(3000)}, 1), "too many rare categories"),
        (category({}), "no value at training"),
        (numeric([5, 5, 5]), ""),
        (category({"a": 100}), ""),
    ],
)
def test_the_policy_says_why_training_cannot_judge(variable: Variable, reason: str) -> None:
    assert Policy().too_few_at_training(variable) == reason
