"""Production and staging under one Prometheus: each is judged by its own rows."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import yaml

from boxkite import Baseline
from boxkite.prometheus.rules import RuleOptions, render_rules

STATES = ("drifting", "silent", "healthy")
ENVIRONMENTS = {f"{name}-{state}": state for name in ("production", "staging") for state in STATES}
"""Two of each state, so that each stands beside others of its own and of every other state."""

MINUTES = 100
ALERTS = ("BoxkiteFeatureDrift", "BoxkiteNoPredictions")


@pytest.fixture(scope="module")
def small() -> Baseline:
    random = np.random.default_rng(3)
    return Baseline.fit({"x": random.normal(size=2000)}, model="m", version="v", bins=6)


def rows(state: str, minute: int) -> Iterator[dict[str, float]]:
    """Yield the rows that a deployment gets in a minute."""
    if state == "silent" and minute > 15:
        return
    random = np.random.default_rng(minute)
    for value in random.normal(1.0 if state == "drifting" else 0.0, 1, 20).tolist():
        yield {"x": value}


def served(bench: Any, baseline: Baseline, state: str, **labels: str) -> Any:
    """Return a deployment that was scraped once a minute."""
    replica = bench.replica(baseline, labels={"job": "flights", **labels})
    for minute in range(MINUTES):
        replica.scrape()
        for row in rows(state, minute):
            replica.monitor.log_prediction(row)
    return replica


def names_firing(name: str, environments: list[dict[str, str]]) -> dict[str, Any]:
    """Return a test that just these environments have an alert, whatever its text."""
    chosen = f'alertname="{name}",alertstate="firing",severity="warning"'
    expression = f"count by (job, namespace, cluster) (ALERTS{{{chosen}}})"
    samples = []
    for labels in environments:
        text = ",".join(f'{key}="{value}"' for key, value in labels.items())
        samples.append({"labels": f"{{{text}}}", "value": 1})
    return {"expr": expression, "eval_time": f"{MINUTES - 1}m", "exp_samples": samples}


@pytest.mark.slow
def test_each_environment_has_its_own_alerts_and_is_named(bench: Any, small: Baseline) -> None:
    replicas = [served(bench, small, state, namespace=name) for name, state in ENVIRONMENTS.items()]

    def of(state: str) -> list[dict[str, str]]:
        return [
            {"job": "flights", "namespace": name}
            for name, its_state in ENVIRONMENTS.items()
            if its_state == state
        ]

    tests = [
        names_firing("BoxkiteFeatureDrift", of("drifting")),
        names_firing("BoxkiteNoPredictions", of("silent")),
        names_firing("BoxkiteMissingValues", []),
    ]
    alert = {
        "alertname": "BoxkiteNoPredictions",
        "eval_time": f"{MINUTES - 1}m",
        "exp_alerts": [
            {
                "exp_labels": {"model_name": "m", "severity": "warning", **labels},
                "exp_annotations": {
                    "summary": f"Model m (namespace {labels['namespace']}, job flights) has made "
                    "no prediction for an hour"
                },
            }
            for labels in of("silent")
        ],
    }
    rules = summaries_only(render_rules(windows=["1h"]))
    series = bench.input_series(replicas)
    bench.run_series(rules, series, "1m", promql_expr_test=tests, alert_rule_test=[alert])


def summaries_only(rules: str) -> str:
    """Return the rules without the descriptions, which other tests compare."""
    content = yaml.safe_load(rules)
    for group in content["groups"]:
        for rule in group["rules"]:
            rule.get("annotations", {}).pop("description", None)
    return yaml.safe_dump(content, sort_keys=False)


@pytest.mark.parametrize(
    ("environment", "judged"),
    [
        (("cluster", "namespace", "job"), 2),
        (("env", "cluster", "namespace", "job"), 3),
        (("job",), 1),
        ((), 1),
    ],
)
def test_the_labels_that_are_grouped_by_keep_deployments_apart(
    bench: Any, small: Baseline, environment: tuple[str, ...], judged: int
) -> None:
    targets = (
        {"namespace": "shop", "env": "a", "pod": "p0"},
        {"namespace": "shop", "env": "b", "pod": "p1"},
        {"namespace": "test", "env": "b", "pod": "p2"},
    )
    replicas = [bench.replica(small, labels={"job": "flights", **each}) for each in targets]
    for replica in replicas:
        replica.scrape()
        for row in itertools.chain.from_iterable(rows("healthy", each) for each in range(10)):
            replica.monitor.log_prediction(row)
        replica.scrape()
    rules = render_rules(windows=["1h"], options=RuleOptions(environment=environment))
    tests = [
        {
            "expr": expression,
            "eval_time": "2m",
            "exp_samples": [{"labels": "{}", "value": value}],
        }
        for expression, value in (
            ("count(variable:boxkite_drift:verdict == 0)", judged),
            ("sum(variable:boxkite_live_rows:sum)", 600),
        )
    ]
    bench.run(rules, replicas, promql_expr_test=tests)
