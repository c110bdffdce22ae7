"""K-S in the rules: its critical value at any policy, and verdicts that it decides alone."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from boxkite import Baseline, ConfigError, Policy
from boxkite.prometheus.rules import render_rules
from boxkite.prometheus.rules.label_sets import LabelSets
from boxkite.prometheus.rules.thresholds import ks_quantile

VERSION = 'model_name="m",model_version="v"'


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
    ],
)
def test_the_rules_compute_what_the_policy_asks_for_whatever_the_services_have(
    bench: Any, policy: Policy, window: str, variables: int
) -> None:
    expression = LabelSets().fill(ks_quantile(policy.share_of_all(window)))
    expected = policy.ks_critical(window, variables)
    series = [{"series": f"version:boxkite_variables:count{{{VERSION}}}", "values": str(variables)}]
    test = {
        "expr": f"abs(sqrt({expression}) - {expected!r}) <= bool 1e-12",
        "eval_time": "0s",
        "exp_samples": [{"labels": f"{{{VERSION}}}", "value": 1}],
    }
    bench.run_series("groups: []", series, "1m", promql_expr_test=[test])


def test_a_critical_window_lends_its_share() -> None:
    found = ks_quantile(Policy().share_of_all("1d"))
    rules = render_rules(windows=["1m"], critical_windows={"1m": "1d"})
    assert found in rules


def test_a_critical_window_of_nobody_is_refused() -> None:
    with pytest.raises(ConfigError, match="no critical value for the window '2h'"):
        render_rules(windows=["1m"], critical_windows={"1m": "2h"})


@pytest.mark.parametrize(
    ("policy", "shift", "verdict"),
    [
        (Policy(), 0.41, "drift"),
        (Policy(), 0.3, "ok"),
        (Policy(min_effect=0.25, min_moved=0.2), 0.4, "ok"),
        (Policy(design_effect=1.5), 0.4, "ok"),
        (Policy(design_effect=1.5), 0.44, "drift"),
    ],
)
def test_a_small_shift_is_drift_by_ks_alone_in_python_and_in_prometheus(
    bench: Any, policy: Policy, shift: float, verdict: str
) -> None:
    def normal(rows: int) -> list[float]:
        values: list[float] = norm.ppf((np.arange(rows) + 0.5) / rows).tolist()
        return values

    baseline = Baseline.fit(
        {"x": normal(20_000), "kind": ["a", "b", "c", "d"] * 5000}, model="m", version="v"
    )
    baseline = bench.known_to_vary_by_chance(baseline)
    replica = bench.replica(baseline, policy)
    replica.scrape()
    for number, value in enumerate(normal(300)):
        kind = "a" if number % 12 == 0 else "abcd"[number % 4]
        replica.monitor.log_prediction({"x": value + shift, "kind": kind})
    for _ in range(20):
        replica.scrape()

    x, kind = drift = replica.monitor.drift()
    assert (x.verdict, kind.verdict) == (verdict, "ok")
    if verdict == "drift":
        assert x.above == ("K-S",)
    tests = bench.expected(baseline, drift.variables, "1h", "2m")
    assert x.psi < x.critical
    said = (
        f"Over the last 1h, {bench.most_moved(replica, 'x')} "
        f"PSI is {x.psi:.3f} (threshold {x.critical:.3f}), "
        f"K-S is {x.ks:.3f} (threshold {x.ks_critical:.3f}), on 300 rows of model version v. "
        "First, check what changed upstream of x: a unit, a default value, a renamed field, or a "
        "new client."
    )
    labels = {
        "job": "models",
        "variable_role": "feature",
        "severity": "warning",
        "variable": "x",
        "window": "1h",
    }
    alert = {
        "exp_labels": {"model_name": "m", "model_version": "v", **labels},
        "exp_annotations": {
            "summary": "Model m (job models): feature x has drifted",
            "description": said,
        },
    }
    alerts = [alert] if verdict == "drift" else []
    firing = {"alertname": "BoxkiteFeatureDrift", "eval_time": "10m", "exp_alerts": alerts}
    bench.run(render_rules(policy), [replica], promql_expr_test=tests, alert_rule_test=[firing])
