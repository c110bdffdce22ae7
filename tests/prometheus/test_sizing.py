"""The estimate of what a fleet costs, beside what a service really exports."""

import warnings
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boxkite import Baseline, BaselineWarning, Monitor
from boxkite.baseline import NumericVariable
from boxkite.prometheus.rules import render_rules
from boxkite.prometheus.sizing import Fleet
from boxkite.settings import Settings


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    random = np.random.default_rng(1)
    columns = {
        "x": random.normal(size=3000),
        "c": random.choice(["a", "b", "c"], 3000).tolist(),
        "s": random.choice(["S", "M", "L"], 3000).tolist(),
    }
    score = {"score": random.normal(size=3000)}
    return Baseline.fit(columns, score, ordered={"s": ["S", "M", "L"]})


@pytest.fixture(scope="module")
def varying() -> Baseline:
    """A baseline with natural variation of an hour and a day."""
    random = np.random.default_rng(1)
    hours = np.repeat(np.arange(28 * 24), 50)
    values = random.normal(np.sin(2 * np.pi * hours / 24))
    return Baseline.fit({"x": values, "y": random.normal(size=len(hours))}, time=hours * 3600.0)


def with_outcomes(kind: str, *, segments: bool) -> Baseline:
    """A baseline with quality at training, and with 4 values of a segment if asked for."""
    random = np.random.default_rng(1)
    rows = 3000
    columns = {
        "x": random.normal(size=rows),
        "size": random.choice(["S", "M", "L"], rows),
        "country": random.choice(["NO", "IT"], rows),
    }
    score = random.random(rows)
    outcome: Any = (random.random(rows) < score).astype(int)
    if kind == "class":
        score, outcome = (random.choice(["a", "b", "c"], rows) for _ in range(2))
    elif kind == "number":
        outcome = score + random.normal(size=rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BaselineWarning)  # no row without a country
        return Baseline.fit(
            columns,
            {"output": score},
            ordered={"size": ["S", "M", "L"]},
            outcome=outcome,
            segments=["country"] if segments else (),
            model=kind,
        )


def exported(baseline: Baseline, settings: Settings) -> list[str]:
    """Return the series that a service exports, once it has computed every threshold."""
    monitor = Monitor(baseline, log=None, settings=settings, registry=None)
    found: list[str] = []
    while True:
        lines = monitor.export().body.decode().splitlines()
        series = [line for line in lines if not line.startswith("#")]
        if len(series) == len(found):
            monitor.close()
            return series
        found = series


@pytest.mark.parametrize("export_baseline", [True, False])
@pytest.mark.parametrize("kind", ["baseline", "varying"])
def test_a_replica_exports_as_many_series_as_estimated(
    request: pytest.FixtureRequest, kind: str, export_baseline: bool, tmp_path: Path
) -> None:
    baseline: Baseline = request.getfixturevalue(kind)
    settings = Settings(export_baseline=export_baseline, state_dir=str(tmp_path))
    series = exported(baseline, settings)
    size = Fleet(baseline, replicas=7).size(export_baseline=export_baseline)
    assert size.series_a_replica == len(series)
    of_baseline = sum(each.startswith("boxkite_baseline") for each in series)
    others = 0 if export_baseline else Fleet(baseline, 1).size().exported - size.series_a_replica
    assert size.exported == 7 * len(series) + others
    assert (of_baseline > 0) is export_baseline


@pytest.mark.parametrize("kind", ["score", "class", "number"])
def test_segments_and_labels_add_as_many_series_as_estimated(kind: str, tmp_path: Path) -> None:
    found = []
    for segments, ttl in product((False, True), (0.0, 86_400.0)):
        baseline = with_outcomes(kind, segments=segments)
        settings = Settings(outcome_ttl=ttl, state_dir=str(tmp_path / f"{segments} {ttl}"))
        size = Fleet(baseline, 1, takes_labels=ttl > 0).size()
        assert size.series_a_replica == len(exported(baseline, settings))
        found.append(size.series_a_replica)
    plain, labels, segments, both = found
    assert plain < labels < segments < both
    assert both - segments == pytest.approx(5 * (labels - plain), abs=50)  # all rows, 4 segments


def labelled_replica(bench: Any, baseline: Baseline, folder: Path) -> Any:
    """Return a replica that gets 600 predictions and their labels between two scrapes."""
    settings = Settings(outcome_ttl=86_400.0, state_dir=str(folder))
    replica = bench.replica(baseline, settings=settings)
    for _ in range(3):
        replica.scrape()
    random = np.random.default_rng(3)
    (output,) = baseline.outputs
    values = [0.1, 0.4, 0.9] if isinstance(output, NumericVariable) else ["a", "b", "c"]
    for number in range(600):
        value, size = random.choice(values), random.choice(["S", "M", "L"])
        row = {"x": random.normal(), "size": size, "country": "NO"}
        outcome = number % 2 if baseline.model == "score" else random.choice(values)
        replica.monitor.log_outcome(replica.monitor.log_prediction(row, value), outcome)
    replica.monitor.flush()
    replica.scrape()
    replica.scrapes += replica.scrapes[-1:] * 20
    return replica


@pytest.mark.slow
def test_the_rules_record_as_many_series_as_estimated(bench: Any, tmp_path: Path) -> None:
    kinds = ("score", "class", "number")
    baselines = [with_outcomes(kind, segments=False) for kind in kinds]
    replicas = [labelled_replica(bench, each, tmp_path / each.model) for each in baselines]
    tests = [
        {
            "expr": f'count({{__name__=~".+:boxkite_.+", model_name="{each.model}"}})',
            "eval_time": "15m",
            "exp_samples": [{"labels": "{}", "value": Fleet(each, 1).size().recorded}],
        }
        for each in baselines
    ]
    series = bench.input_series(replicas)
    bench.run_series(render_rules(), series, "40s", evaluation="5m", promql_expr_test=tests)


def test_a_scrape_half_as_often_is_half_of_the_samples(baseline: Baseline) -> None:
    often, seldom = (Fleet(baseline, 500, scrape_interval=each).size() for each in (15.0, 30.0))
    assert seldom.samples_a_second == pytest.approx(often.samples_a_second / 2, rel=0.02)
    assert seldom.processor_share < often.processor_share


# The share of a core beyond that of Prometheus without rules, as benchmarks/fleet.py measured it
# for numeric features: number of replicas and features, whether labels arrive, and values of a
# segment.
MEASURED = {
    (5, 3, False, 0): 0.0037,
    (50, 3, False, 0): 0.0110,
    (1, 30, False, 0): 0.0144,
    (5, 3, True, 0): 0.0057,
    (5, 3, False, 2): 0.0100,
    (5, 3, True, 2): 0.0221,
}


def test_the_share_of_a_core_is_near_the_measured_one() -> None:
    for (replicas, features, labels, values), measured in MEASURED.items():
        fleet = Fleet(measured_baseline(features, labels, values), replicas)
        share = fleet.size(export_baseline=False).processor_share
        assert measured / 1.5 < share < measured * 1.5, (replicas, features, labels, values, share)


def measured_baseline(features: int, labels: bool, values: int) -> Baseline:
    """Return what the fleet of the benchmark served."""
    random = np.random.default_rng(1)
    rows = 3000
    columns = {f"x{number}": random.normal(size=rows) for number in range(features)}
    score = random.random(rows)
    optional: dict[str, Any] = {}
    if labels:
        optional = {"output": {"score": score}, "outcome": random.random(rows) < score}
    if values:
        optional["segments"] = {"value": random.integers(0, values, rows).astype(str)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BaselineWarning)  # no row without a value
        return Baseline.fit(columns, bins=20, model="m", **optional)
