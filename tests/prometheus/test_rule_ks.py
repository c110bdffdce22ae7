"""K-S in the rules: verdicts that it decides alone."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import binom, norm

from boxkite import Baseline, Policy
from boxkite.prometheus.rules import render_rules
from boxkite.prometheus.rules.label_sets import LabelSets
from boxkite.prometheus.rules.thresholds import ks_quantile


def test_a_critical_window_lends_its_policy() -> None:
    rules = render_rules(windows=["1m"], critical_windows={"1m": "1d"})
    assert LabelSets().fill(ks_quantile("1d")) in rules
    assert LabelSets().fill(ks_quantile("1m")) not in rules


@pytest.mark.parametrize(
    ("policy", "shift", "verdict"),
    [
        (Policy(), 0.41, "drift"),
        (Policy(), 0.3, "ok"),
        pytest.param(Policy(min_effect=0.25, min_moved=0.2), 0.4, "ok", marks=pytest.mark.slow),
        pytest.param(Policy(design_effect=1.5), 0.4, "ok", marks=pytest.mark.slow),
        pytest.param(Policy(design_effect=1.5), 0.44, "drift", marks=pytest.mark.slow),
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
    bench.run(render_rules(), [replica], promql_expr_test=tests, alert_rule_test=[firing])


@pytest.mark.parametrize(("window", "hours", "rows"), [("1h", 1.0, 600), ("1d", 24.0, 400)])
def test_ordered_categories_drift_by_ks_alone_in_python_and_in_prometheus(
    bench: Any, window: str, hours: float, rows: int
) -> None:
    levels = [f"level {number:02}" for number in range(20)]
    quantiles = (np.arange(20_000) + 0.5) / 20_000
    training = [levels[each] for each in binom.ppf(quantiles, 19, 0.5).astype(int)]
    baseline = Baseline.fit({"level": training}, ordered={"level": levels}, version="v")
    baseline = bench.known_to_vary_by_chance(baseline, [window])
    replica = bench.replica(baseline, Policy(windows={window: hours}))
    replica.scrape()
    served = binom.ppf((np.arange(rows) + 0.5) / rows, 19, 0.5).astype(int)
    for number, each in enumerate(served):
        level = levels[min(each + number % 2, 19)] if number else "new"
        replica.monitor.log_prediction({"level": level})
    for _ in range(12):
        replica.scrape()

    drift = replica.monitor.drift()
    (level,) = drift.variables
    assert (level.verdict, level.above, level.unseen) == ("drift", ("K-S",), 1)
    tests = bench.expected(baseline, drift.variables, window, "7m")
    bench.run(render_rules(windows=[window]), [replica], promql_expr_test=tests)
