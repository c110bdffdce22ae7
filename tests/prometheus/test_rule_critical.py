"""Critical values moved to another window or rate: never too small, and not much too large."""

import math
from typing import Any

import pytest
from scipy import stats

from boxkite import Policy
from boxkite.prometheus.rules_critical import critical_quantile

DEGREES = [1, 2, 3, 5, 10, 20, 50, 200, 1000]


def quantiles(policy: Policy, window: str, variables: int) -> dict[int, float]:
    """Return the critical value of each number of degrees of freedom."""
    share = policy.share(window, variables)
    return {degrees: float(stats.chi2.isf(share, degrees)) for degrees in DEGREES}


def series(policy: Policy, variables: int, windows: list[str]) -> list[dict[str, str]]:
    """Return what services export of one variable for each of the degrees."""
    found = []
    for window in windows:
        for degrees, value in quantiles(policy, window, variables).items():
            labels = f'model="m",version="v",role="feature",variable="{degrees}"'
            name = f'boxkite_drift_critical{{{labels},window="{window}"}}'
            found.append({"series": name, "values": f"{value!r}"})
    for degrees in DEGREES:
        labels = f'model="m",version="v",role="feature",variable="{degrees}"'
        cells = f"variable:boxkite_cells:count{{{labels}}}"
        found.append({"series": cells, "values": f"{degrees + 1}"})
    return found


@pytest.mark.parametrize("variables", [1, 10, 1000])
@pytest.mark.parametrize(
    ("window", "hours", "false_alarms", "slack"),
    [
        ("1m", 1 / 60, 1.0, 0.06),
        ("30m", 0.5, 1.0, 0.03),
        ("6h", 6.0, 1.0, 0.06),
        ("1w", 168.0, 1.0, 0.35),
        ("1h", 1.0, 0.1, 0.04),
        ("1h", 1.0, 4.0, 0.1),
    ],
)
def test_a_moved_critical_value_keeps_to_the_rate(
    bench: Any, window: str, hours: float, false_alarms: float, slack: float, variables: int
) -> None:
    services = Policy()
    wanted = Policy(false_alarms_per_month=false_alarms, windows={window: hours})
    expression = critical_quantile(window, wanted, services)
    tests = []
    for degrees, exact in quantiles(wanted, window, variables).items():
        labels = f'{{model="m",role="feature",variable="{degrees}",version="v"}}'
        # One degree of freedom is left where it was if more alarms are allowed.
        most = math.inf if degrees == 1 else exact * (1 + slack)
        moved = f"max by (model, version, role, variable) ({expression})"
        chosen = f'({moved} and on (variable) variable:boxkite_cells:count{{variable="{degrees}"}})'
        bound = f"({chosen} >= bool {exact * (1 - 1e-12)!r}) * ({chosen} <= bool {most!r})"
        bound = bound.replace("inf", "Inf")
        sample = {"labels": labels, "value": 1}
        tests.append({"expr": bound, "eval_time": "0s", "exp_samples": [sample]})
    bench.run_series("groups: []", series(services, variables, ["1h", "1d"]), "1m",
                     promql_expr_test=tests)  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "window"),
    [
        (Policy(), "1h"),
        (Policy(), "1d"),
        (Policy(windows={"1h": 1.0}), "1h"),  # half as many false alarms as it might be
    ],
)
def test_the_services_own_critical_value_is_taken_as_it_is(wanted: Policy, window: str) -> None:
    assert critical_quantile(window, wanted, Policy()) == (
        "max by (model, version, role, variable) "
        f'(last_over_time(boxkite_drift_critical{{window="{window}"}}[5m]) >= 0)'
    )


def test_services_that_export_the_window_are_believed_before_a_moved_value(bench: Any) -> None:
    wanted = Policy(windows={"6h": 6.0})
    own = Policy(windows={"1h": 1.0, "6h": 6.0})
    expression = critical_quantile("6h", wanted, Policy())
    exact = quantiles(own, "6h", 10)
    test = {
        "expr": f"abs(sum({expression}) - {sum(exact.values())!r}) <= bool 1e-6",
        "eval_time": "0s",
        "exp_samples": [{"labels": "{}", "value": 1}],
    }
    bench.run_series("groups: []", series(own, 10, ["1h", "6h"]), "1m", promql_expr_test=[test])
