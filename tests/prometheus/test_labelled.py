"""The labelled exposition: the whole answer of a small model, and the critical values."""

# ruff: noqa: E501 - the answer is compared as it is

from dataclasses import replace

import numpy as np
import pytest

from boxkite import Baseline, Monitor, Policy
from boxkite.classic.text_reader import Sample, parse
from boxkite.prometheus.labelled import LabelledExposition
from boxkite.settings import Settings

LIVE = {
    "text/plain": """\
# HELP boxkite_predictions_total Predictions counted.
# TYPE boxkite_predictions_total counter
boxkite_predictions_total{model_name="m",model_version="v"} 5
# HELP boxkite_value Values while serving.
# TYPE boxkite_value histogram
boxkite_value_bucket{model_name="m",model_version="v",variable_role="feature",variable="size",le="1.0"} 2
boxkite_value_bucket{model_name="m",model_version="v",variable_role="feature",variable="size",le="1e+06"} 3
boxkite_value_bucket{model_name="m",model_version="v",variable_role="feature",variable="size",le="+Inf"} 4
boxkite_value_sum{model_name="m",model_version="v",variable_role="feature",variable="size"} 2.5
boxkite_value_count{model_name="m",model_version="v",variable_role="feature",variable="size"} 4
# HELP boxkite_category_total Categories while serving.
# TYPE boxkite_category_total counter
boxkite_category_total{model_name="m",model_version="v",variable_role="output",variable="label",category="yes"} 1
boxkite_category_total{model_name="m",model_version="v",variable_role="output",variable="label",category="__other__"} 1
boxkite_category_total{model_name="m",model_version="v",variable_role="output",variable="label",category="__unseen__"} 2
# HELP boxkite_missing_total Values that were None, NaN or absent.
# TYPE boxkite_missing_total counter
boxkite_missing_total{model_name="m",model_version="v",variable_role="feature",variable="size"} 0
boxkite_missing_total{model_name="m",model_version="v",variable_role="output",variable="label"} 1
# HELP boxkite_invalid_total Values that cannot be converted to the variable's kind.
# TYPE boxkite_invalid_total counter
boxkite_invalid_total{model_name="m",model_version="v",variable_role="feature",variable="size"} 1
boxkite_invalid_total{model_name="m",model_version="v",variable_role="output",variable="label"} 0
# HELP boxkite_outside_total Finite values below the minimum or above the maximum of training.
# TYPE boxkite_outside_total counter
boxkite_outside_total{model_name="m",model_version="v",variable_role="feature",variable="size"} 1
""",
    "application/openmetrics-text": """\
# HELP boxkite_predictions Predictions counted.
# TYPE boxkite_predictions counter
boxkite_predictions_total{model_name="m",model_version="v"} 5
# HELP boxkite_missing Values that were None, NaN or absent.
# TYPE boxkite_missing counter
boxkite_missing_total{model_name="m",model_version="v",variable_role="feature",variable="size"} 0
boxkite_missing_total{model_name="m",model_version="v",variable_role="output",variable="label"} 1
# EOF
""",
}


@pytest.fixture
def baseline() -> Baseline:
    return Baseline.fit(
        {"size": [1.0, 1e6, 2e6]},
        {"label": ["yes", "yes", "no"]},
        model="m",
        version="v",
        bins={"size": [1.0, 1e6]},
        max_categories=1,
    )


@pytest.fixture
def monitor(baseline: Baseline) -> Monitor:
    monitor = Monitor(baseline, settings=Settings(), registry=None)
    monitor.log_prediction([0.5], "yes")
    monitor.log_prediction({"size": float("-inf")}, "no")
    monitor.log_prediction({"size": "2.0"}, "maybe")
    monitor.log_prediction({"size": float("inf")}, None)
    monitor.log_prediction({"size": "big"}, "unheard of")
    return monitor


def test_live_series_of_a_small_model_as_text(monitor: Monitor) -> None:
    names = ["predictions", "value", "category", "missing", "invalid", "outside"]
    scrape = monitor.export(names=[f"boxkite_{name}" for name in names])
    assert scrape.body.decode() == LIVE["text/plain"]


def test_live_series_of_a_small_model_as_openmetrics(monitor: Monitor) -> None:
    accept = "application/openmetrics-text"
    scrape = monitor.export(accept=accept, names=["boxkite_predictions", "boxkite_missing"])
    assert scrape.body.decode() == LIVE[accept]


def test_series_of_the_baseline_are_those_of_its_file(baseline: Baseline) -> None:
    policy = Policy()
    assert LabelledExposition(baseline, policy).static == baseline.families()


def test_critical_values_are_those_of_the_policy_in_each_window() -> None:
    baseline = Baseline.fit({"size": [float(i % 500) for i in range(2000)], "kind": ["a"] * 2000})
    policy = Policy(false_alarms_per_month=2.0, windows={"1h": 1.0, "1d": 24.0, "12h": 12.0})
    expected = {
        (each.name, window): policy.critical(window, 2, each)
        for each in baseline.variables
        for window in policy.windows
    }
    assert exported_criticals(baseline, policy) == pytest.approx(expected, rel=1e-9)


def test_a_variable_that_cannot_be_judged_exports_no_critical_value(baseline: Baseline) -> None:
    assert exported_criticals(baseline, Policy()) == {}


def exported_criticals(baseline: Baseline, policy: Policy) -> dict[tuple[str, str], float]:
    scrape = Monitor(baseline, settings=Settings(), registry=None, policy=policy).export(
        names=["boxkite_drift_critical"]
    )
    samples = parse(scrape.body.decode().splitlines(), max_series=10)
    return {
        (each.labels["variable"], each.labels["window"]): each.value
        for each in samples
        if isinstance(each, Sample)
    }


@pytest.mark.parametrize(
    ("setting", "policy", "effect"),
    [
        (1.0, None, 1.0),
        (4.0, None, 4.0),
        (4.0, Policy(min_effect=0.1), 4.0),
        (4.0, Policy(design_effect=2.5), 2.5),
        (1.0, Policy(design_effect=2.5), 2.5),
    ],
)
def test_the_design_effect_is_the_policys_or_the_settings(
    setting: float, policy: Policy | None, effect: float
) -> None:
    random = np.random.default_rng(4)
    baseline = Baseline.fit({"x": random.normal(size=2000)}, model="m", version="v")
    monitor = Monitor(
        baseline, settings=Settings(design_effect=setting), registry=None, policy=policy
    )
    wanted = replace(policy or Policy(), design_effect=effect)
    assert monitor.policy == wanted
    names = ["boxkite_drift_critical", "boxkite_drift_design_effect"]
    lines = monitor.export(names=names).body.decode().splitlines()
    found = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    (variable,) = baseline.variables
    labels = 'model_name="m",model_version="v",variable_role="feature",variable="x"'
    expected = {
        f'boxkite_drift_critical{{{labels},window="{window}"}}': (
            wanted.critical(window, 1, variable)
        )
        for window in wanted.windows
    }
    if effect != 1.0:
        expected['boxkite_drift_design_effect{model_name="m",model_version="v"}'] = effect
    assert {name: float(value) for name, value in found.items()} == pytest.approx(expected)
