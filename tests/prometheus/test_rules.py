"""The rule file against Python: the same series in, the same numbers out, judged by promtool."""

import math
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boxkite import Baseline, Policy
from boxkite.drift import VariablePolicy, compare_counts
from boxkite.drift.rates import expected_unseen
from boxkite.prometheus.rules import RuleOptions, render_rules


def test_promtool_accepts_the_rules_without_a_remark(promtool: str, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(render_rules(windows=["1m", "1h", "1d", "1w2d"]))
    run = subprocess.run(
        [promtool, "check", "rules", "--lint=all", "--lint-fatal", tmp_path / "rules.yaml"],
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.split("\n")[1:] == ["  SUCCESS: 297 rules found", "", ""]


@pytest.mark.parametrize(
    ("rows", "shift", "count"),
    [
        (900, 0.0, 1),
        (900, 0.6, 3),
        (9, 0.6, 1),
        pytest.param(900, 0.0, 3, marks=pytest.mark.slow),
        pytest.param(900, 0.6, 1, marks=pytest.mark.slow),
        pytest.param(9, 0.6, 3, marks=pytest.mark.slow),
    ],
)
def test_every_number_is_pythons_whatever_the_number_of_replicas(
    bench: Any, baseline: Baseline, count: int, rows: int, shift: float
) -> None:
    replicas = [bench.replica(baseline) for _ in range(count)]
    reference = bench.replica(baseline)
    served = bench.rows(seed=2, rows=rows, shift=shift)
    served[0]["plain"], served[0]["city"] = math.inf, {"a": "container"}
    served[1]["plain"], served[1]["large"] = -math.inf, "not a number"
    reference.serve(served)
    for replica in replicas:
        replica.scrape()
    for minute in range(3):
        for number, replica in enumerate(replicas):
            replica.serve(served[minute * count + number :: 3 * count])
            replica.scrape()

    drift = reference.monitor.drift()
    assert drift.verdict == ("insufficient" if rows == 9 else "drift" if shift else "ok")
    tests = bench.expected(baseline, drift, "1h", "4m")
    bench.run(render_rules(), replicas, promql_expr_test=tests)


@pytest.mark.slow
def test_fifty_replicas_count_as_one(bench: Any) -> None:
    names = ("plain", "powers", "city")  # promtool holds 10,000 samples in memory
    columns = bench.table(seed=1, rows=2000)
    small = Baseline.fit({name: columns[name] for name in names}, model=bench.hostile, bins=8)
    replicas = [bench.replica(small) for _ in range(50)]
    reference = bench.replica(small)
    served = [
        {name: row[name] for name in names} for row in bench.rows(seed=3, rows=1500, shift=0.3)
    ]
    reference.serve(served)
    for number, replica in enumerate(replicas):
        replica.scrape()
        replica.serve(served[number::50])
        replica.scrape()

    tests = bench.expected(small, reference.monitor.drift(), "1h", "2m")
    bench.run(render_rules(), replicas, promql_expr_test=tests)


@pytest.mark.slow
def test_a_window_counts_only_the_rows_between_its_first_and_last_scrape(
    bench: Any, baseline: Baseline
) -> None:
    policy = Policy(windows={"5m": 1 / 12})
    replica, reference = (bench.replica(baseline, policy) for _ in range(2))
    for number in range(31):
        served = bench.rows(seed=number, rows=100, shift=0.5 if number > 23 else 0.0)
        replica.serve(served)
        replica.scrape()
        # At 20m = 1200 s the 5 minutes hold the scrapes 23, at 920 s, to 30, at 1200 s.
        if number > 23:
            reference.serve(served)

    drift = compare(reference, policy, "5m")
    tests = bench.expected(baseline, drift, "5m", "20m")
    rules = render_rules(windows=["5m"], options=RuleOptions(interval="1m"))
    bench.run(rules, [replica], promql_expr_test=tests)


def compare(reference: Any, policy: Policy, window: str) -> Any:
    """Return Python's comparison of what a monitor has counted, in a window of a policy's own."""
    counts = reference.monitor._counts.totals()
    return compare_counts(
        reference.baseline, counts.tallies(), counts.predictions, policy=policy, window=window
    )


def test_no_traffic_has_no_statistic(bench: Any, baseline: Baseline) -> None:
    replica = bench.replica(baseline)
    replica.serve(bench.rows(seed=3, rows=500, shift=3.0))
    for _ in range(5):
        replica.scrape()

    silent = bench.replica(baseline).monitor.drift()
    assert [each.rows for each in silent] == [0] * 12
    tests = bench.expected(baseline, silent, "1h", "2m")
    bench.run(render_rules(), [replica], promql_expr_test=tests)


@pytest.mark.slow
def test_a_target_that_is_gone_counts_with_what_it_left_in_the_window(
    bench: Any, baseline: Baseline
) -> None:
    gone, alive, reference = (bench.replica(baseline) for _ in range(3))
    for number in range(4):
        for offset, replica in enumerate((gone, alive)):
            served = bench.rows(seed=10 * number + offset, rows=100)
            if number:
                replica.serve(served)
                reference.serve(served)
            replica.scrape()
    for _ in range(12):
        gone.miss()
        alive.scrape()

    tests = bench.expected(baseline, reference.monitor.drift(), "1h", "10m")
    bench.run(render_rules(), [gone, alive], promql_expr_test=tests)


@pytest.mark.slow
def test_versions_and_models_do_not_mix(bench: Any, baseline: Baseline) -> None:
    others = [baseline.relabelled(model="other"), baseline.relabelled(version="2")]
    replicas = [bench.replica(each) for each in (baseline, *others)]
    tests = []
    for number, replica in enumerate(replicas):
        replica.scrape()
        replica.serve(bench.rows(seed=number, rows=300, shift=0.3 * number))
        replica.scrape()
        tests += bench.expected(replica.baseline, replica.monitor.drift(), "1h", "1m")

    bench.run(render_rules(), replicas, promql_expr_test=tests)


@pytest.mark.slow
def test_a_new_version_within_the_window_starts_with_its_own_rows(
    bench: Any, baseline: Baseline
) -> None:
    retrained = baseline.relabelled(version="2")
    before, after = bench.replica(baseline), bench.replica(retrained)
    for number in range(12):
        replica, other = (before, after) if number < 6 else (after, before)
        if number not in (0, 6):
            replica.serve(bench.rows(seed=number, rows=100, shift=0.4 if number > 6 else 0.0))
        replica.scrape()
        other.miss()

    tests = []
    for replica in (before, after):
        tests += bench.expected(replica.baseline, replica.monitor.drift(), "1h", "8m")
    later = {"eval_time": "20m", "exp_samples": []}
    gone = f'variable:boxkite_drift:verdict{{model_version="{baseline.version}"}}'
    tests.append({"expr": f"count({gone})", **later})
    bench.run(render_rules(), [before, after], promql_expr_test=tests)


@pytest.mark.slow
def test_a_restart_costs_the_rows_of_two_scrape_intervals_at_most(
    bench: Any, baseline: Baseline
) -> None:
    restarting, steady, reference = (bench.replica(baseline) for _ in range(3))
    served = bench.rows(seed=5, rows=2200, shift=0.4)
    for replica in (restarting, steady):
        replica.scrape()
    for number in range(11):
        if number == 5:
            restarting.restart()
        batch = served[number * 200 : number * 200 + 200]
        for replica, share in ((restarting, batch[::2]), (steady, batch[1::2])):
            replica.serve(share)
            reference.serve(share)
            replica.scrape()

    tests = []
    for each in reference.monitor.drift():
        labels = bench.selector(baseline, each, "1h")
        rows = f"variable:boxkite_live_rows:sum{labels}"
        # A scrape interval has 100 rows of the target that restarted.
        bounds = [f"{rows} >= bool {each.rows - 1e-6}", f"{rows} <= bool {each.rows} + 200"]
        if each.rows:
            bounds += [
                f"abs(variable:boxkite_drift:{name}{labels} - {value!r}) <= bool 0.01"
                for name, value in (
                    ("psi", each.psi),
                    ("kl", each.kl),
                    ("js", each.js),
                    ("ks", each.ks),
                )
                if not math.isnan(value)
            ]
        tests += [
            {"expr": bound, "eval_time": "8m", "exp_samples": [{"labels": labels, "value": 1}]}
            for bound in bounds
        ]
    tests += [nowhere("cell:boxkite_live_rows:increase < 0"), *map(nowhere, not_numbers())]
    bench.run(render_rules(), [restarting, steady], promql_expr_test=tests)


def not_numbers() -> list[str]:
    """Return expressions that find what is recorded as NaN or infinite."""
    names = set(re.findall("record: (.+)", render_rules()))
    return [f"{each} != {each} or abs({each}) == Inf" for each in sorted(names)]


def nowhere(expression: str) -> dict[str, Any]:
    return {"expr": f"count({expression})", "eval_time": "8m", "exp_samples": []}


@pytest.mark.parametrize(
    ("policy", "verdict"),
    [
        (Policy(), "drift"),
        (Policy(min_effect=5.0, min_moved=0.2), "ok"),
        (Policy(min_effect=5.0), "drift"),  # some rows moved far enough
        (Policy(min_rows_a_cell=40.0), "drift"),  # K-S judges any number of rows
        (Policy(min_rows_a_cell=40.0, false_alarms_per_month=1e-250), "insufficient"),
        (Policy(variables={"x": VariablePolicy(min_effect=5.0, min_moved=0.2)}), "ok"),
        (Policy(variables={"x": VariablePolicy(min_effect=5.0, min_moved=0.001)}), "drift"),
        (Policy(variables={"x": None}), "ok"),
        (Policy(false_alarms_per_month=1e-250), "ok"),
        (Policy(design_effect=1.5), "drift"),
        (Policy(design_effect=40.0), "ok"),
    ],
)
def test_the_verdict_follows_the_policy(bench: Any, policy: Policy, verdict: str) -> None:
    random = np.random.default_rng(8)
    baseline = Baseline.fit({"x": random.normal(size=2000)})
    replica = bench.replica(baseline, policy)
    replica.scrape()
    for value in random.normal(0.5, 1, 500):
        replica.monitor.log_prediction({"x": value})
    replica.scrape()

    drift = replica.monitor.drift()
    assert drift.verdict == verdict
    tests = bench.expected(baseline, drift, "1h", "1m")
    bench.run(render_rules(), [replica], promql_expr_test=tests)


@pytest.mark.slow
@pytest.mark.parametrize(
    "policy",
    [
        Policy(design_effect=3.0),
        Policy(false_alarms_per_month=0.01),
        Policy(false_alarms_per_month=100.0),
        Policy(min_effect=0.3, min_moved=0.1, min_rate=0.05, min_rows_a_cell=20.0),
        Policy(windows={"1h": 1.0}),
    ],
)
def test_the_rules_follow_the_policy_of_the_services(
    bench: Any, baseline: Baseline, policy: Policy
) -> None:
    replicas = [bench.replica(baseline, policy) for _ in range(2)]
    for replica in replicas:
        replica.scrape()
    served = bench.rows(seed=12, rows=900, shift=0.3)
    replicas[0].serve(served)
    replicas[0].scrape()
    replicas[1].scrape()
    drift = replicas[0].monitor.drift()
    assert {"ok", "drift"} <= {each.verdict for each in drift}
    tests = bench.expected(baseline, drift, "1h", "2m")
    bench.run(render_rules(), replicas, promql_expr_test=tests)


@pytest.mark.parametrize("known", [True, False])
def test_new_categories_are_expected_as_many_as_stood_alone_in_the_tail(
    bench: Any, known: bool
) -> None:
    tail = [f"alone {each}" for each in range(60)] + [f"pair {each // 2}" for each in range(240)]
    trained = Baseline.fit({"c": [*["a", "b", "c"] * 3000, *tail]}, max_categories=3)
    if not known:
        variables = [replace(each, tail_once=None) for each in trained.variables]
        trained = Baseline.from_variables(variables, trained.rows)
    replica = bench.replica(trained)
    replica.scrape()
    for number in range(400):
        replica.monitor.log_prediction({"c": f"new {number}" if number % 2 else "a"})
    replica.scrape()
    drift = replica.monitor.drift()
    expected = expected_unseen(trained.variables[0])
    assert expected == (60 if known else 300)
    assert drift.variables[0].unseen_evidence > 0
    labels = bench.selector(trained, drift.variables[0], "")
    tests = bench.expected(trained, drift, "1h", "1m")
    tests.append(same(f"variable:boxkite_training_unseen:sum{labels}", expected))
    bench.run(render_rules(), [replica], promql_expr_test=tests)


def same(series: str, value: float) -> dict[str, Any]:
    """Return a test of a series' value to 1e-9 after a minute, or that it is absent."""
    if math.isnan(value):
        return {"expr": series, "eval_time": "1m", "exp_samples": []}
    samples = [{"labels": series.partition("{")[1] + series.partition("{")[2], "value": 1}]
    expression = f"abs({series} - {value!r}) <= bool 1e-9"
    return {"expr": expression, "eval_time": "1m", "exp_samples": samples}


def test_a_variable_makes_the_series_that_the_header_says(bench: Any) -> None:
    columns = {"x": [float(value) for value in range(100)], "c": ["a", "b"] * 50}
    columns["s"] = ["S", "M", "L", "S"] * 25
    baseline = Baseline.fit(columns, bins=10, ordered={"s": ["S", "M", "L"]})
    replica = bench.replica(baseline)
    for _ in range(2):
        replica.scrape()
        for value in range(100):
            replica.monitor.log_prediction({"x": value, "c": "a", "s": "M"})
    replica.scrape()

    cells = {each.name: len(each.counts) for each in baseline.variables}

    def count(variable: str, window: str, expected: int) -> dict[str, Any]:
        chosen = f'variable="{variable}",window="{window}"'
        series = f'{{__name__=~"(bucket|cell|variable):boxkite.+",{chosen}}}'
        samples = [{"labels": "{}", "value": expected}]
        return {"expr": f"count({series})", "eval_time": "2m", "exp_samples": samples}

    tests = [
        count("x", "", 3 * cells["x"] + 7),
        count("c", "", 2 * cells["c"] + 8),
        count("s", "", 3 * cells["s"] + 8),
        count("x", "1h", 3 * cells["x"] + 22),
        count("c", "1h", 2 * cells["c"] + 20),
        count("s", "1h", 3 * cells["s"] + 22),
    ]
    rules = render_rules(windows=["1h"], quality_windows=[])
    bench.run(rules, [replica], promql_expr_test=tests)

    recorded = '__name__=~"(bucket|cell|variable):.+:increase5m"'
    steps = [
        {
            "expr": f'count({{{recorded},variable="{each}"}})',
            "eval_time": "2m",
            "exp_samples": [{"labels": "{}", "value": expected}],
        }
        for each, expected in {
            "x": cells["x"] + 3,
            "c": cells["c"] + 2,
            "s": 2 * cells["s"] + 2,
        }.items()
    ]
    bench.run(render_rules(windows=["1d"]), [replica], promql_expr_test=steps)


def test_groups_may_be_evaluated_in_any_order(bench: Any, baseline: Baseline) -> None:
    replica = bench.replica(baseline)
    replica.scrape()
    replica.serve(bench.rows(seed=6, rows=600, shift=0.6))
    for _ in range(6):
        replica.scrape()
    rules = render_rules()
    order = re.findall("- name: (.+)", rules)[::-1]
    tests = bench.expected(baseline, replica.monitor.drift(), "1h", "4m")
    series = bench.input_series([replica])
    bench.run_series(rules, series, "40s", order=order, promql_expr_test=tests)
