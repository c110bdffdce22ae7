"""The rules with natural variation: Python's numbers, and which alerts a short window raises."""

from typing import Any

import numpy as np
import pytest

from boxkite import Baseline
from boxkite.drift import Comparison, Policy, VariablePolicy, compare_counts
from boxkite.prometheus.rules import render_rules
from boxkite.prometheus.sizing import Fleet
from boxkite.settings import Settings

HOUR = 3600.0
START = 1_767_225_600.0  # Thursday, 2026-01-01


def rows_of_hour(random: np.random.Generator, hour: int, rows: int) -> dict[str, list[Any]]:
    """Return rows of a service whose values follow the hour of the day."""
    phase = np.sin(2 * np.pi * hour / 24)
    cities = random.choice(
        ["Oslo", "Rome", "Paris"], rows, p=[0.3 + 0.2 * phase, 0.4, 0.3 - 0.2 * phase]
    )
    return {
        "wave": random.normal(phase, 1.0, rows).tolist(),
        "steady": random.normal(size=rows).tolist(),
        "burst": np.repeat(random.normal(size=rows // 10), 10).tolist(),
        "city": cities.tolist(),
    }


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    """Four weeks of a service with a day's rhythm."""
    random = np.random.default_rng(5)
    hours = [rows_of_hour(random, hour, 100) for hour in range(28 * 24)]
    columns = {name: [value for each in hours for value in each[name]] for name in hours[0]}
    times = [START + HOUR * hour + 36 * row for hour in range(28 * 24) for row in range(100)]
    score = (np.array(columns["wave"]) / 10).tolist()
    return Baseline.fit(columns, {"score": score}, bins=8, model="m", time=times)


def serve(replica: Any, hour: int, rows: int, shift: float = 0.0) -> None:
    columns = rows_of_hour(np.random.default_rng(hour), hour, rows)
    for row in zip(*columns.values(), strict=True):
        features = dict(zip(columns, row, strict=True))
        features["wave"] += shift
        replica.monitor.log_prediction(features, features["wave"] / 10)


def compared(replica: Any, window: str) -> Comparison:
    counts = replica.monitor._counts.totals()
    return compare_counts(
        replica.baseline,
        counts.tallies(),
        counts.predictions,
        policy=replica.monitor.policy,
        window=window,
    )


def test_training_teaches_directions_for_what_follows_the_day(baseline: Baseline) -> None:
    learnt = {each.name: each.variation["1h"] for each in baseline.variables}
    directions = {name: len(each.directions) for name, each in learnt.items()}
    assert directions["wave"] > 0
    assert directions["city"] > 0
    assert directions["score"] > 0
    assert directions["steady"] == 0
    assert learnt["steady"].is_chance
    assert learnt["burst"].rest is not None


@pytest.mark.parametrize(
    ("hour", "rows", "shift", "policy"),
    [
        (6, 200, 0.0, Policy()),  # the crest of the wave, which a global test takes for drift
        (18, 30, 0.0, Policy()),  # fewer rows than the windows of training had
        (6, 200, 2.0, Policy()),
        (6, 20, 3.0, Policy()),  # too few rows for all but K-S
        (12, 200, 1.0, Policy(design_effect=2.0)),
        (
            12,
            200,
            2.0,
            Policy(variables={"wave": None, "city": VariablePolicy(min_moved=0.5, min_rate=0.2)}),
        ),
    ],
)
def test_every_number_is_pythons_in_both_windows(
    bench: Any, baseline: Baseline, hour: int, rows: int, shift: float, policy: Policy
) -> None:
    replica = bench.replica(baseline, policy)
    replica.scrape()
    serve(replica, hour, rows, shift)
    for _ in range(12):
        replica.scrape()

    tests = []
    for window in ("1h", "1d"):
        drifts = compared(replica, window)
        tests += bench.expected(baseline, drifts.variables, window, "7m")
    bench.run(render_rules(), [replica], promql_expr_test=tests)


def test_the_crest_of_a_wave_is_no_drift_and_twice_its_height_is(
    bench: Any, baseline: Baseline
) -> None:
    usual, high = (bench.replica(baseline) for _ in range(2))
    serve(usual, 6, 300)
    serve(high, 6, 300, shift=2.0)
    assert compared(usual, "1h").verdict == "ok"
    assert [each.name for each in compared(high, "1h").drifted] == ["wave", "score"]


def test_one_target_may_export_directions_for_all(bench: Any, baseline: Baseline) -> None:
    replica = bench.replica(baseline, settings=Settings(export_baseline=False))
    replica.scrape()
    serve(replica, 6, 200)
    replica.scrape()
    page = baseline.as_text()
    lines = (line.rpartition(" ") for line in page.splitlines() if not line.startswith("#"))
    target = {series: value for series, _, value in lines}
    once = bench.replica(baseline, labels={"job": "baselines"})
    once.scrapes = [target, target]

    tests = bench.expected(baseline, compared(replica, "1h").variables, "1h", "1m")
    bench.run(render_rules(), [replica, once], promql_expr_test=tests)


@pytest.mark.parametrize("known", [True, False])
def test_without_known_variation_a_short_window_alerts_on_rates_alone(
    bench: Any, known: bool
) -> None:
    random = np.random.default_rng(3)
    trained = Baseline.fit({"x": random.normal(size=5000)}, bins=8, model="m", version="v")
    if known:
        trained = bench.known_to_vary_by_chance(trained)
    replica = bench.replica(trained)
    replica.scrape()
    for value in random.normal(3, 1, 500).tolist():
        replica.monitor.log_prediction({"x": value})
    for _ in range(30):
        replica.scrape()

    def firing(alert: str, window: str, severities: list[str]) -> dict[str, Any]:
        chosen = f'{{alertname="{alert}",window="{window}",alertstate="firing"}}'
        expression = f"count by (severity) (ALERTS{chosen})"
        samples = [{"labels": f'{{severity="{each}"}}', "value": 1} for each in severities]
        return {"expr": expression, "eval_time": "15m", "exp_samples": samples}

    both = ["critical", "warning"]
    tests = [
        firing("BoxkiteFeatureDrift", "1h", both if known else []),
        firing("BoxkiteOutsideValues", "1h", both),
    ]
    bench.run(render_rules(), [replica], promql_expr_test=tests)


def test_a_variable_without_alerts_raises_none(bench: Any) -> None:
    trained = Baseline.fit({"x": np.arange(5000.0), "y": np.arange(5000.0)}, model="m", version="v")
    trained = bench.known_to_vary_by_chance(trained)
    replica = bench.replica(trained, Policy(variables={"x": None}))
    replica.scrape()
    for value in range(500):
        replica.monitor.log_prediction(
            {"x": None if value % 2 else 1e9, "y": None if value % 2 else 1e9}
        )
    for _ in range(30):
        replica.scrape()
    test = {
        "expr": 'count by (variable) (ALERTS{window="1h"})',
        "eval_time": "15m",
        "exp_samples": [{"labels": '{variable="y"}', "value": 6}],
    }
    bench.run(render_rules(), [replica], promql_expr_test=[test])


def test_the_rules_record_as_many_series_as_the_estimate_says(
    bench: Any, baseline: Baseline
) -> None:
    replica = bench.replica(baseline)
    for hour in range(12):
        replica.scrape()
        serve(replica, hour, 30)
    test = {
        "expr": 'count({__name__=~".+:boxkite_.+"})',
        "eval_time": "7m",
        "exp_samples": [{"labels": "{}", "value": Fleet(baseline, 1).size().recorded}],
    }
    bench.run(render_rules(), [replica], promql_expr_test=[test])
