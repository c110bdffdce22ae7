"""Critical values that the rules raise for another window or rate: on the safe side."""

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from boxkite import Baseline, Policy
from boxkite.prometheus.rules.label_sets import LabelSets
from boxkite.prometheus.rules.thresholds import psi_quantile

DEGREES = [1, 2, 3, 5, 10, 20, 50, 200, 1000]
VERSION = 'model_name="m",model_version="v"'
EXPORTED = "variable:boxkite_drift_critical:max"


def quantile(window: str, wanted: Policy) -> str:
    return LabelSets().fill(psi_quantile(window, wanted))


def quantiles(policy: Policy, window: str, variables: int) -> dict[int, float]:
    """Return the critical value of each number of degrees of freedom."""
    share = policy.share(window, variables)
    return {degrees: float(stats.chi2.isf(share, degrees)) for degrees in DEGREES}


def series(policy: Policy, variables: int, windows: list[str]) -> list[dict[str, str]]:
    """Return what services export of one variable for each of the degrees, as it is recorded."""
    found = []
    for window in windows:
        share = f'version:boxkite_drift_share:max{{{VERSION},window="{window}"}}'
        found.append({"series": share, "values": f"{policy.share_of_all(window)!r}"})
        for degrees, value in quantiles(policy, window, variables).items():
            labels = f'{VERSION},variable_role="feature",variable="{degrees}"'
            name = f'{EXPORTED}{{{labels},window="{window}"}}'
            found.append({"series": name, "values": f"{value!r}"})
    count = f"version:boxkite_variables:count{{{VERSION}}}"
    found.append({"series": count, "values": str(variables)})
    return found


@pytest.mark.parametrize("variables", [1, 10, 1000])
@pytest.mark.parametrize(
    ("window", "hours", "false_alarms", "most"),
    [
        ("1m", 1 / 60, 1.0, 2.2),
        ("30m", 0.5, 1.0, 1.2),
        ("6h", 6.0, 1.0, 1.7),
        ("1w", 168.0, 1.0, 4.0),  # left as it is
        ("1h", 1.0, 0.1, 1.4),
        ("1h", 1.0, 4.0, 1.7),  # left as it is
    ],
)
def test_a_moved_critical_value_keeps_to_the_rate(
    bench: Any, window: str, hours: float, false_alarms: float, most: float, variables: int
) -> None:
    wanted = Policy(false_alarms_per_month=false_alarms, windows={window: hours})
    expression = quantile(window, wanted)
    tests = []
    for degrees, exact in quantiles(wanted, window, variables).items():
        labels = (
            f'{{model_name="m",variable_role="feature",variable="{degrees}",model_version="v"}}'
        )
        chosen = f"(({expression}) and on (variable) {marked(degrees)})"
        bound = f"({chosen} >= bool {exact * (1 - 1e-12)!r}) * ({chosen} <= bool {most * exact!r})"
        sample = {"labels": labels, "value": 1}
        tests.append({"expr": bound, "eval_time": "0s", "exp_samples": [sample]})
    exported = series(Policy(), variables, ["1h", "1d"])
    bench.run_series("groups: []", exported, "1m", promql_expr_test=tests)


def marked(degrees: int) -> str:
    return f'{EXPORTED}{{variable="{degrees}"}}'


def test_a_moved_critical_value_is_safe_for_sparse_cells_too() -> None:
    random = np.random.default_rng(1)
    rare = random.choice(["a", "b"], 4000, p=[0.97, 0.03]).tolist()
    baseline = Baseline.fit({"rare": rare, "x": random.normal(size=4000).tolist()})
    services, wanted = Policy(), Policy(windows={"5m": 1 / 12})
    for variable in baseline.variables:
        exported = services.critical("1h", 2, variable)
        ratio = services.share("1h", 2) / wanted.share("5m", 2)
        moved = exported * (1 + 2 * math.log(ratio) / -math.log(services.share("1h", 2)))
        exact = wanted.critical("5m", 2, variable)
        assert exact <= moved <= 1.35 * exact


@pytest.mark.parametrize(
    ("wanted", "window"),
    [
        (Policy(), "1h"),
        (Policy(), "1d"),
        (Policy(windows={"1h": 1.0}), "1h"),  # half as many false alarms as it might be
    ],
)
def test_the_services_own_critical_value_is_taken_as_it_is(
    bench: Any, wanted: Policy, window: str
) -> None:
    exported = f'{EXPORTED}{{window="{window}"}}'
    ratio = f"({quantile(window, wanted)}) / ignoring (window) {exported}"
    test = {
        "expr": f"count({ratio} == 1)",
        "eval_time": "0s",
        "exp_samples": [{"labels": "{}", "value": len(DEGREES)}],
    }
    bench.run_series(
        "groups: []", series(Policy(), 10, ["1h", "1d"]), "1m", promql_expr_test=[test]
    )


def test_services_that_export_the_window_are_believed_before_a_raised_value(bench: Any) -> None:
    wanted = Policy(windows={"6h": 6.0})
    own = Policy(windows={"1h": 1.0, "6h": 6.0})
    exact = quantiles(own, "6h", 10)
    test = {
        "expr": f"abs(sum({quantile('6h', wanted)}) - {sum(exact.values())!r}) <= bool 1e-6",
        "eval_time": "0s",
        "exp_samples": [{"labels": "{}", "value": 1}],
    }
    bench.run_series("groups: []", series(own, 10, ["1h", "6h"]), "1m", promql_expr_test=[test])
