"""The quantiles that the rules compute, at any policy of the services."""

import math
from typing import Any

import pytest

from boxkite import Policy
from boxkite.drift.rates import rate_critical
from boxkite.drift.shares import score_quantile
from boxkite.prometheus.rules.label_sets import LabelSets
from boxkite.prometheus.rules.thresholds import (
    ks_quantile,
    rate_threshold,
    squared_score_quantile,
)

VERSION = 'model_name="m",model_version="v"'
LIVE = f'{{job="j",{VERSION}}}'


@pytest.mark.parametrize("variables", [1, 10, 1000])
@pytest.mark.parametrize(
    ("policy", "window"),
    [
        (Policy(), "1h"),
        (Policy(), "1d"),
        (Policy(windows={"1h": 1.0}), "1h"),
        (Policy(false_alarms_per_month=0.01, windows={"5m": 1 / 12, "1w": 168.0}), "1w"),
        (Policy(false_alarms_per_month=1e5), "1h"),  # a share of a half for few variables
        (Policy(false_alarms_per_month=1e9), "1h"),
        (Policy(design_effect=7.0), "1h"),
    ],
)
def test_the_rules_compute_what_the_policy_of_the_services_asks_for(
    bench: Any, policy: Policy, window: str, variables: int
) -> None:
    share = f'version:boxkite_drift_share:max{{job="j",{VERSION},window="{window}"}}'
    series = [
        {"series": share, "values": repr(policy.share_of_all(window))},
        {"series": f"version:boxkite_variables:count{{{VERSION}}}", "values": str(variables)},
        {
            "series": f"version:boxkite_design_effect:max{{{VERSION}}}",
            "values": str(policy.design_effect),
        },
    ]
    exact = {
        ks_quantile(window): policy.ks_critical(window, variables) ** 2,
        squared_score_quantile(window): score_quantile(policy.share(window, variables)),
        rate_threshold(window, 50_000): rate_critical(policy, variables, 50_000),
    }
    tests = [
        {
            "expr": f"max by (job) (abs({LabelSets().fill(expression)} - {value!r})) "
            f"<= bool {1e-12 * max(abs(value), 1.0)!r}",
            "eval_time": "0s",
            "exp_samples": [{"labels": '{job="j"}', "value": 1}],
        }
        for expression, value in exact.items()
    ]
    assert all(map(math.isfinite, exact.values()))
    bench.run_series("groups: []", series, "1m", promql_expr_test=tests)
