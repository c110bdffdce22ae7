"""Whatever labels scraping puts on targets, the verdict stands or an alert says why it does not."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from boxkite import Baseline
from boxkite.classic.text_reader import Sample, parse
from boxkite.prometheus.rules import render_rules
from boxkite.prometheus.rules.label_sets import SERIES_LABELS
from boxkite.variation import Spread, Variation

KUBERNETES = {
    "cluster": "eu-1", "namespace": "shop", "pod": "flights-7d9f", "container": "app",
    "node": "n1", "service": "flights", "endpoint": "http",
}  # fmt: skip
EVERYTHING = {
    **KUBERNETES, "region": "eu", "zone": "eu-1a", "env": "prod", "environment": "production",
    "stage": "live", "team": "ml", "app": "flights", "role": "api", "version": "v1",
    "model": "flights", "name": "flights", "type": "service", "kind": "Pod", "id": "7",
    "rate": "fast", "direction": "in", "app_kubernetes_io_version": "1.2.3",
}  # fmt: skip
CASES: dict[str, dict[str, str]] = {
    "none": {},
    "Kubernetes": KUBERNETES,
    "a labelmap of everything usual": EVERYTHING,
    **{f"usual: {name}": {name: "x"} for name in ("role", "version", "model", "stage", "kind")},
    **{f"ours: {name}": {name: "x"} for name in SERIES_LABELS},
}
QUICK = ("none", "a labelmap of everything usual", "ours: model_name", "ours: le")
"""Cases that `make test` tries."""


@pytest.fixture(scope="module")
def drifted() -> tuple[Baseline, list[dict[str, Any]]]:
    random = np.random.default_rng(3)
    baseline = Baseline.fit(
        {"x": random.normal(size=2000), "c": random.choice(["a", "b"], 2000).tolist()},
        {"score": random.normal(size=2000)},
        model="m",
        version="v",
        bins=6,
    )
    # A direction of natural variation, so that every label of ours occurs.
    spread = Spread(scale=1e-4, numerator=1.0, denominator=10.0, windows=40, greatest=1e-4)
    varying = Variation(40, 300.0, np.eye(6)[:1], along=(spread,))
    variables = [
        replace(each, variation={"1h": varying}) if each.name == "x" else each
        for each in baseline.variables
    ]
    baseline = Baseline.from_variables(variables, baseline.rows, model="m", version="v")
    rows = [{"x": value, "c": "a"} for value in random.normal(2, 1, 300).tolist()]
    return baseline, rows


def on_target(scrape: Mapping[str, str], target: Mapping[str, str], honor: bool) -> dict[str, str]:
    """Return a scrape as Prometheus stores it: a label that both have is renamed, or ours wins."""
    stored = {}
    for line in (f"{series} {value}" for series, value in scrape.items()):
        (sample,) = (each for each in parse([line], max_series=2) if isinstance(each, Sample))
        labels = dict(sample.labels)
        for name, value in target.items():
            if name in labels and honor:
                continue
            if name in labels:
                labels[f"exported_{name}"] = labels[name]
            labels[name] = value
        text = ",".join(f'{name}="{value}"' for name, value in labels.items())
        stored[f"{sample.name}{{{text}}}"] = line.rpartition(" ")[2]
    return stored


@pytest.mark.parametrize("honor_labels", [False, True], ids=["renamed", "honor_labels"])
@pytest.mark.parametrize(
    "labels",
    [
        pytest.param(labels, id=name, marks=() if name in QUICK else pytest.mark.slow)
        for name, labels in CASES.items()
    ],
)
def test_the_verdict_is_the_same_or_the_renamed_label_is_told(
    bench: Any,
    drifted: tuple[Baseline, list[dict[str, Any]]],
    labels: dict[str, str],
    honor_labels: bool,
) -> None:
    baseline, rows = drifted
    replica = bench.replica(baseline)
    replica.scrape()
    for row in rows:
        replica.monitor.log_prediction(row, 0.0)
    for _ in range(16):
        replica.scrape()
    target = {"job": "models", "instance": "0", **labels}
    replica.scrapes = [on_target(each, target, honor_labels) for each in replica.scrapes]
    series = [
        {"series": name, "values": " ".join(scrape[name] for scrape in replica.scrapes)}
        for name in replica.scrapes[-1]
    ]

    renamed = sorted(set(labels) & set(SERIES_LABELS)) if not honor_labels else []
    exported = {
        name for sample in replica.scrapes[-1] for name in renamed if f"exported_{name}=" in sample
    }
    firing = 'ALERTS{alertname="BoxkiteLabelsRenamed",alertstate="firing"}'
    tests = [
        {
            "expr": f"count by (renamed_label) ({firing})",
            "eval_time": "12m",
            "exp_samples": [
                {"labels": f'{{renamed_label="{name}"}}', "value": 1} for name in sorted(exported)
            ],
        }
    ]
    if not exported:
        verdict = 'variable:boxkite_drift:verdict{variable="x"} == 1'
        chosen = (
            'alertname="BoxkiteFeatureDrift",alertstate="firing",severity="warning",variable="x"'
        )
        drift = f"ALERTS{{{chosen}}}"
        tests += [
            {
                "expr": f"count({expression})",
                "eval_time": "12m",
                "exp_samples": [{"labels": "{}", "value": 1}],
            }
            for expression in (verdict, drift)
        ]
    bench.run_series(render_rules(windows=["1h"]), series, "40s", promql_expr_test=tests)
