"""The rules by segment: Python's numbers, and one page for one cause."""

from typing import Any

import numpy as np
import pytest

from boxkite import Baseline, Monitor, Policy
from boxkite.prometheus.rules import render_rules
from boxkite.prometheus.sizing import Fleet

CARRIERS = ["UA", "DL", "AA", "B6"]


def table(seed: int, rows: int) -> dict[str, list[Any]]:
    random = np.random.default_rng(seed)
    return {
        "carrier": random.choice(CARRIERS, rows, p=[0.5, 0.3, 0.185, 0.015]).tolist(),
        "delay": random.normal(10, 5, rows).tolist(),
        "origin": random.choice(["JFK", "EWR"], rows).tolist(),
    }


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    columns = table(1, 8000)
    return Baseline.fit(columns, {"score": columns["delay"]}, segments=["carrier"], bins=6)


def serve(replica: Any, rows: int, shift: dict[str, float], seed: int = 2) -> None:
    columns = table(seed, rows)
    for carrier, delay, origin in zip(*columns.values(), strict=True):
        delay += shift.get(carrier, 0.0)
        replica.monitor.log_prediction([carrier, delay, origin], delay)


# The day is a sum of steps of five minutes, and the hour is not.
@pytest.mark.parametrize(
    ("window", "scrapes", "at"),
    [("1h", 3, "2m"), pytest.param("1d", 12, "7m", marks=pytest.mark.slow)],
)
def test_every_number_of_each_segment_is_pythons(
    bench: Any, baseline: Baseline, window: str, scrapes: int, at: str
) -> None:
    policy = Policy(windows={window: 24.0 if window == "1d" else 1.0}, min_rows_a_cell=4.0)
    replica = bench.replica(baseline, policy)
    replica.scrape()
    serve(replica, 600, {"UA": 6.0})
    replica.monitor.log_prediction(["new carrier", None, "LGA"], "no number")
    for _ in range(scrapes):
        replica.scrape()
    drift = replica.monitor.drift(window)
    assert [each.name for each in drift.segments["carrier=UA"].drifted] == ["delay", "score"]
    assert drift.segments["carrier=DL"].verdict == "ok"

    tests = bench.expected(baseline, drift, window, at, segment="")
    for label in ("carrier=UA", "carrier=DL", "carrier=__other__"):
        part = baseline.segment(label)
        tests += bench.expected(part, drift.segments[label], window, at, segment=label)
    everything = {"expr": "count(variable:boxkite_live_rows:sum)", "eval_time": at}
    tests.append({**everything, "exp_samples": [{"labels": "{}", "value": 4 * 7}]})
    rules = render_rules(windows=[window], quality_windows=[])
    bench.run(rules, [replica], promql_expr_test=tests)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shifted", "critical", "warning"),
    [
        # All rows hide the change of a small segment.
        (["B6"], ["carrier=B6"], ["carrier=B6"]),
        # One cause changes all rows and each segment, so that only all rows are critical.
        (CARRIERS, [""], ["", *sorted(f"carrier={each}" for each in CARRIERS)]),
    ],
    ids=["one segment", "everything"],
)
def test_one_cause_raises_one_critical_alert(
    bench: Any, baseline: Baseline, shifted: list[str], critical: list[str], warning: list[str]
) -> None:
    replica = bench.replica(baseline, Policy(windows={"1h": 1.0}))
    replica.scrape()
    serve(replica, 4000, dict.fromkeys(shifted, 6.0))
    for _ in range(24):
        replica.scrape()
    drift = replica.monitor.drift("1h")
    by_segment = {
        "": drift.variables,
        **{name: each.variables for name, each in drift.segments.items()},
    }
    drifted = [
        segment
        for segment, variables in by_segment.items()
        if any(each.name == "delay" and each.verdict == "drift" for each in variables)
    ]
    assert sorted(drifted) == warning
    tests = []
    for severity, expected in (("critical", critical), ("warning", warning)):
        chosen = f'alertname="BoxkiteFeatureDrift",severity="{severity}",variable="delay"'
        labels = [f'{{segment="{each}"}}' if each else "{}" for each in expected]
        tests.append(
            {
                "expr": f'count by (segment) (ALERTS{{{chosen},alertstate="firing"}})',
                "eval_time": "14m",
                "exp_samples": [{"labels": each, "value": 1} for each in labels],
            }
        )
    bench.run(render_rules(windows=["1h"]), [replica], promql_expr_test=tests)


def test_a_replica_exports_as_many_series_as_estimated(baseline: Baseline) -> None:
    plain = Baseline.from_variables(baseline.variables, baseline.rows)
    for fitted in (plain, baseline):
        monitor = Monitor(fitted, "none:", registry=None)
        lines = monitor.export().body.decode().splitlines()
        series = [line for line in lines if not line.startswith("#")]
        monitor.close()
        # Without a log, its four series are absent.
        assert Fleet(fitted, replicas=1).size().series_a_replica - len(series) in (0, 4)
    labels = {line.partition('segment="')[2].partition('"')[0] for line in series}
    assert labels == {"", *baseline.segment_labels}
