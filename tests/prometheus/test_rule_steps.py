"""Windows that are sums of recorded steps, against Python, judged by promtool."""

from collections.abc import Sequence
from typing import Any

import pytest

from boxkite import Baseline, Policy
from boxkite.drift import compare_counts
from boxkite.prometheus.rules import render_rules

NAMES = ("plain", "powers", "city")
POLICY = Policy(windows={"3h": 3.0})


@pytest.fixture
def baseline(bench: Any) -> Baseline:
    """A small model, since hours of it are replayed."""
    columns = bench.table(seed=1, rows=2000)
    chosen = {name: columns[name] for name in NAMES}
    return Baseline.fit(chosen, model=bench.hostile, bins={"plain": 6, "powers": bench.edges})


def rows(bench: Any, seed: int, number: int = 20, shift: float = 0.4) -> list[Any]:
    return [{name: row[name] for name in NAMES} for row in bench.rows(seed, number, shift)]


def expected(bench: Any, reference: Any, at: str) -> list[dict[str, Any]]:
    """Return tests that at a time each number is that of what a monitor has counted."""
    counts = reference.monitor._counts.totals()
    drift = compare_counts(
        reference.baseline, counts.tallies(), counts.predictions, policy=POLICY, window="3h"
    )
    tests: list[dict[str, Any]] = bench.expected(reference.baseline, drift, "3h", at)
    return tests


def replay(bench: Any, replicas: Sequence[Any], tests: Sequence[dict[str, Any]]) -> None:
    series = bench.input_series(replicas)
    bench.run_series(render_rules(windows=["3h"]), series, "1m", promql_expr_test=tests)


@pytest.mark.parametrize(
    "count", [1, *(pytest.param(count, marks=pytest.mark.slow) for count in (3, 50))]
)
def test_every_row_after_the_first_scrape_is_counted_once(
    bench: Any, baseline: Baseline, count: int
) -> None:
    replicas = [bench.replica(baseline, POLICY) for _ in range(count)]
    reference = bench.replica(baseline, POLICY)
    for replica in replicas:
        replica.scrape()
    for minute in range(22):
        for number, replica in enumerate(replicas):
            if (minute + number) % max(1, count // 3) == 0:
                served = rows(bench, seed=100 * minute + number)
                replica.serve(served)
                reference.serve(served)
            replica.scrape()
    replay(bench, replicas, expected(bench, reference, "25m"))


@pytest.mark.parametrize(
    "evaluation", ["5m", *(pytest.param(each, marks=pytest.mark.slow) for each in ("1m", "2m30s"))]
)
def test_a_sum_does_not_depend_on_how_often_steps_are_evaluated(
    bench: Any, baseline: Baseline, evaluation: str
) -> None:
    replica, reference = (bench.replica(baseline, POLICY) for _ in range(2))
    replica.scrape()
    for minute in range(14):
        served = rows(bench, seed=minute)
        replica.serve(served)
        reference.serve(served)
        replica.scrape()
    bench.run_series(
        render_rules(windows=["3h"]),
        bench.input_series([replica]),
        "1m",
        evaluation=evaluation,
        promql_expr_test=expected(bench, reference, "15m"),
    )


@pytest.mark.slow
def test_a_window_holds_the_steps_that_end_in_it(bench: Any, baseline: Baseline) -> None:
    replica, reference = (bench.replica(baseline, POLICY) for _ in range(2))
    for minute in range(208):
        served = rows(bench, seed=minute, number=6, shift=0.5 if minute > 100 else 0.0)
        replica.serve(served)
        replica.scrape()
        # At 3h22m = 202m the window holds the steps of 25m to 200m: it begins at the last scrape
        # of the step before, which was at 20m.
        if 20 < minute <= 200:
            reference.serve(served)
    replay(bench, [replica], expected(bench, reference, "202m"))


@pytest.mark.slow
def test_a_target_that_missed_scrapes_counts_when_it_is_back(
    bench: Any, baseline: Baseline
) -> None:
    replica, steady, reference = (bench.replica(baseline, POLICY) for _ in range(3))
    for minute in range(40):
        for offset, each in enumerate((replica, steady)):
            served = rows(bench, seed=1000 * offset + minute, number=5)
            each.serve(served)
            if minute:
                reference.serve(served)
        steady.scrape()
        if 10 < minute < 26:
            replica.miss()
        else:
            replica.scrape()
    replay(bench, [replica, steady], expected(bench, reference, "40m"))


@pytest.mark.slow
def test_a_target_that_was_away_for_longer_counts_from_then_on(
    bench: Any, baseline: Baseline
) -> None:
    replica, reference = (bench.replica(baseline, POLICY) for _ in range(2))
    for minute in range(60):
        served = rows(bench, seed=minute, number=5)
        replica.serve(served)
        away = 10 < minute < 40
        if 0 < minute <= 10 or minute > 40:
            reference.serve(served)
        replica.miss() if away else replica.scrape()
    replay(bench, [replica], expected(bench, reference, "1h"))


@pytest.mark.slow
def test_targets_come_and_go_within_the_window(bench: Any, baseline: Baseline) -> None:
    targets = [bench.replica(baseline, POLICY) for _ in range(4)]
    reference = bench.replica(baseline, POLICY)
    for minute in range(40):
        for number, target in enumerate(targets):
            # 0 to 15, 8 to 23, 16 to 31, 24 to 39: none is there for as long as the window.
            began = 8 * number
            if not began <= minute < began + 16:
                target.miss()
                continue
            served = rows(bench, seed=100 * minute + number, number=5)
            if minute > began:
                target.serve(served)
                reference.serve(served)
            target.scrape()
    replay(bench, targets, expected(bench, reference, "42m"))


@pytest.mark.slow
def test_a_new_version_within_the_window_starts_with_its_own_rows(
    bench: Any, baseline: Baseline
) -> None:
    before, after = (
        bench.replica(each, POLICY) for each in (baseline, baseline.relabelled(version="2"))
    )
    for minute in range(30):
        replica, other = (before, after) if minute < 13 else (after, before)
        if minute not in (0, 13):
            replica.serve(rows(bench, seed=minute, shift=0.4 if minute > 13 else 0.0))
        replica.scrape()
        other.miss()
    # The old version's baseline is gone with its target, and so its training rows with them.
    tests = expected(bench, after, "30m")
    rows_before = before.monitor.drift().variables[0].rows
    labels = bench.selector(before.baseline, before.monitor.drift().variables[0], "3h")
    tests.append(
        {
            "expr": f"sum_over_time(bucket:boxkite_value:increase5m"
            f'{{variable="plain",model_version="{baseline.version}",le="+Inf"}}[3h:5m])',
            "eval_time": "30m",
            "exp_samples": [
                {
                    "labels": labels.replace('window="3h"', 'le="+Inf"'),
                    "value": rows_before,
                }
            ],
        }
    )
    replay(bench, [before, after], tests)


@pytest.mark.slow
def test_a_restart_costs_a_scrape_interval_at_either_end_of_its_step_at_most(
    bench: Any, baseline: Baseline
) -> None:
    restarting, steady, reference = (bench.replica(baseline, POLICY) for _ in range(3))
    for replica in (restarting, steady):
        replica.scrape()
    for minute in range(34):
        if minute == 17:
            restarting.restart()
        for number, replica in enumerate((restarting, steady)):
            served = rows(bench, seed=100 * minute + number, number=40)
            replica.serve(served)
            reference.serve(served)
            replica.scrape()

    tests = []
    for each in reference.monitor.drift():
        labels = bench.selector(baseline, each, "3h")
        live = f"variable:boxkite_live_rows:sum{labels}"
        # A scrape interval has 40 rows of the target that restarted.
        bounds = [f"abs({live} - {each.rows}) <= bool 80", f"{live} > bool {each.rows - 81}"]
        bounds += [
            f"abs(variable:boxkite_drift:{name}{labels} - {value!r}) <= bool 0.005"
            for name, value in (("psi", each.psi), ("js", each.js))
        ]
        tests += [
            {"expr": bound, "eval_time": "35m", "exp_samples": [{"labels": labels, "value": 1}]}
            for bound in bounds
        ]
    replay(bench, [restarting, steady], tests)
