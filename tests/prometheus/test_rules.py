"""The rule file against Python: the same series in, the same numbers out, judged by promtool."""

import json
import math
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boxkite import Baseline, Monitor, Policy, VariableDrift
from boxkite.config import Settings
from boxkite.prometheus.rules import render_rules

Row = dict[str, Any]
Scrape = dict[str, str]

HOSTILE = 'it\'s "naïve"\n\\ {x="1"} 😀'
GONE: Scrape = {}
EDGES = [-1e21, -1e6, -123456.5, -1e-7, 0.0, 1e-7, 1e-4, 1.0, 100000.0, 1e6, 1234567.0, 1e16, 1e21]


def table(seed: int, rows: int, shift: float = 0.0) -> dict[str, list[Any]]:
    """Return rows of a model with every kind of variable; drifted if there is a shift."""
    random = np.random.default_rng(seed)
    normal = random.normal(shift, 1, rows)
    cities = ["Oslo", "Rome", HOSTILE, *(["Atlantis"] if shift else [])]
    return {
        "plain": normal.tolist(),
        "large": (random.lognormal(14, 1 + shift, rows) * 3).tolist(),
        "small": (random.normal(0, 1e-7, rows)).tolist(),
        "zero_inflated": np.where(normal > 0, np.floor(normal * 9), 0).tolist(),
        "powers": random.choice(EDGES, rows).tolist(),
        "constant": [7.0] * rows,
        "with_missing": np.where(normal > 1, math.nan, normal).tolist(),
        HOSTILE: random.normal(0, 1, rows).tolist(),
        "city": random.choice(cities, rows).tolist(),
        "flag": (normal > 0.5).tolist(),
        "never_given": [None] * rows,
    }


def as_rows(columns: dict[str, list[Any]]) -> list[Row]:
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    columns = table(seed=1, rows=4000)
    score = [value / 10 for value in columns["plain"]]
    with pytest.warns(match="never_given"):
        return Baseline.fit(columns, {"score": score}, model=HOSTILE, bins={"powers": EDGES})


class Replica:
    """One service: its monitor, and what each scrape of it saw."""

    def __init__(self, baseline: Baseline, policy: Policy | None = None) -> None:
        self.baseline = baseline
        self.policy = policy
        self.scrapes: list[Scrape] = []
        self.restart()

    def restart(self) -> None:
        self.monitor = Monitor(
            self.baseline, settings=Settings(), registry=None, policy=self.policy
        )

    def serve(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self.monitor.log_prediction(row, row["plain"] / 10)

    def scrape(self) -> None:
        lines = self.monitor.export().body.decode().splitlines()
        pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        self.scrapes.append({series: value for series, _, value in pairs})


def input_series(replicas: Sequence[Replica]) -> list[dict[str, str]]:
    """Return all that was scraped, as `promtool test rules` takes it."""
    return [
        {
            "series": f'{series.removesuffix("}")},instance="{number}"}}',
            "values": " ".join(scrape.get(series, "stale") for scrape in replica.scrapes),
        }
        for number, replica in enumerate(replicas)
        for series in replica.scrapes[0]
    ]


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def selector(baseline: Baseline, variable: VariableDrift, window: str) -> str:
    labels = {
        "model": baseline.model,
        "version": baseline.version,
        "role": variable.role,
        "variable": variable.name,
        "window": window,
    }
    return "{" + ",".join(f"{name}={quoted(value)}" for name, value in labels.items()) + "}"


def expected_samples(
    baseline: Baseline, variables: Iterable[VariableDrift], window: str, at: str
) -> list[dict[str, Any]]:
    """Return tests that each recorded number is Python's to 1e-9, or absent as Python's is NaN."""
    verdict = {"insufficient": math.nan, "ok": 0, "drift": 1}
    tests = []
    for each in variables:
        labels = selector(baseline, each, window)
        recorded = {
            "variable:boxkite_live_rows:sum": each.rows,
            "variable:boxkite_missing:increase": each.missing,
            "variable:boxkite_invalid:increase": each.invalid,
            "variable:boxkite_missing_fraction:difference": each.missing_difference,
            "variable:boxkite_drift:psi": each.psi,
            "variable:boxkite_drift:ks": each.ks,
            "variable:boxkite_drift:critical": each.critical,
            "variable:boxkite_drift:verdict": verdict[each.verdict],
        }
        for name, value in recorded.items():
            absent = math.isnan(value)
            tests.append(
                {
                    "expr": name + labels
                    if absent
                    else f"abs({name}{labels} - {value!r}) <= bool 1e-9",
                    "eval_time": at,
                    "exp_samples": [] if absent else [{"labels": labels, "value": 1}],
                }
            )
    return tests


def run_promtool(
    promtool: str, folder: Path, rules: str, replicas: Sequence[Replica], **tests: Any
) -> None:
    """Replay the scrapes, 40 seconds apart, through the rules; fail with what promtool says."""
    (folder / "rules.yaml").write_text(rules)
    content = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": "1m",
        "tests": [{"interval": "40s", "input_series": input_series(replicas), **tests}],
    }
    (folder / "test.yaml").write_text(json.dumps(content, ensure_ascii=False))
    run = subprocess.run(
        [promtool, "test", "rules", folder / "test.yaml"], capture_output=True, text=True
    )
    assert run.returncode == 0, (run.stdout + run.stderr)[:5000]


def test_promtool_accepts_the_rules_without_a_remark(promtool: str, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(render_rules(windows=["1m", "1h", "1d", "1w2d"]))
    run = subprocess.run(
        [promtool, "check", "rules", "--lint=all", "--lint-fatal", tmp_path / "rules.yaml"],
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.split("\n")[1:] == ["  SUCCESS: 68 rules found", "", ""]


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(("rows", "shift"), [(900, 0.0), (900, 0.6), (9, 0.6)])
def test_every_number_is_pythons_whatever_the_number_of_replicas(
    promtool: str, tmp_path: Path, baseline: Baseline, count: int, rows: int, shift: float
) -> None:
    replicas = [Replica(baseline) for _ in range(count)]
    reference = Replica(baseline)
    served = as_rows(table(seed=2, rows=rows, shift=shift))
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
    tests = expected_samples(baseline, drift, "1h", "4m")
    run_promtool(promtool, tmp_path, render_rules(), replicas, promql_expr_test=tests)


def test_a_window_counts_only_the_rows_between_its_first_and_last_scrape(
    promtool: str, tmp_path: Path, baseline: Baseline
) -> None:
    replica, reference = Replica(baseline), Replica(baseline)
    for number in range(31):
        served = as_rows(table(seed=number, rows=100, shift=0.5 if number > 23 else 0.0))
        replica.serve(served)
        replica.scrape()
        # At 20m = 1200 s the 5 minutes hold the scrapes 23, at 920 s, to 30, at 1200 s.
        if number > 23:
            reference.serve(served)

    tests = expected_samples(baseline, reference.monitor.drift(), "5m", "20m")
    rules = render_rules(windows=["5m"], interval="1m")
    run_promtool(promtool, tmp_path, rules, [replica], promql_expr_test=tests)


def test_no_traffic_has_no_statistic(promtool: str, tmp_path: Path, baseline: Baseline) -> None:
    replica = Replica(baseline)
    replica.serve(as_rows(table(seed=3, rows=500, shift=3.0)))
    for _ in range(5):
        replica.scrape()

    silent = Replica(baseline).monitor.drift()
    assert [each.rows for each in silent] == [0] * 12
    tests = expected_samples(baseline, silent, "1h", "2m")
    run_promtool(promtool, tmp_path, render_rules(), [replica], promql_expr_test=tests)


def test_a_target_that_is_gone_counts_with_what_it_left_in_the_window(
    promtool: str, tmp_path: Path, baseline: Baseline
) -> None:
    gone, alive, reference = (Replica(baseline) for _ in range(3))
    for number in range(4):
        for offset, replica in enumerate((gone, alive)):
            served = as_rows(table(seed=10 * number + offset, rows=100))
            if number:
                replica.serve(served)
                reference.serve(served)
            replica.scrape()
    for _ in range(12):
        gone.scrapes.append(GONE)
        alive.scrape()

    tests = expected_samples(baseline, reference.monitor.drift(), "1h", "10m")
    run_promtool(promtool, tmp_path, render_rules(), [gone, alive], promql_expr_test=tests)


def test_versions_and_models_do_not_mix(promtool: str, tmp_path: Path, baseline: Baseline) -> None:
    others = [baseline.relabelled(model="other"), baseline.relabelled(version="2")]
    replicas = [Replica(each) for each in (baseline, *others)]
    tests = []
    for number, replica in enumerate(replicas):
        replica.scrape()
        replica.serve(as_rows(table(seed=number, rows=300, shift=0.3 * number)))
        replica.scrape()
        drift = replica.monitor.drift()
        tests += expected_samples(replica.baseline, drift, "1h", "1m")

    run_promtool(promtool, tmp_path, render_rules(), replicas, promql_expr_test=tests)


def test_a_restart_costs_the_rows_of_two_scrape_intervals_at_most(
    promtool: str, tmp_path: Path, baseline: Baseline
) -> None:
    restarting, steady, reference = (Replica(baseline) for _ in range(3))
    served = as_rows(table(seed=5, rows=2200, shift=0.4))
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
        labels = selector(baseline, each, "1h")
        rows = f"variable:boxkite_live_rows:sum{labels}"
        # A scrape interval has 100 rows of the target that restarted.
        bounds = [f"{rows} >= bool {each.rows - 1e-6}", f"{rows} <= bool {each.rows} + 200"]
        if each.rows:
            bounds += [
                f"abs(variable:boxkite_drift:{name}{labels} - {value!r}) <= bool 0.01"
                for name, value in (("psi", each.psi), ("ks", each.ks))
                if not math.isnan(value)
            ]
        tests += [
            {"expr": bound, "eval_time": "8m", "exp_samples": [{"labels": labels, "value": 1}]}
            for bound in bounds
        ]
    tests.append(
        {
            "expr": "count(cell:boxkite_live_rows:increase < 0)",
            "eval_time": "8m",
            "exp_samples": [],
        }
    )
    run_promtool(promtool, tmp_path, render_rules(), [restarting, steady], promql_expr_test=tests)


def test_an_alert_names_model_variable_statistic_critical_value_and_rows(
    promtool: str, tmp_path: Path, baseline: Baseline
) -> None:
    replica = Replica(baseline)
    replica.scrape()
    replica.serve(as_rows(table(seed=6, rows=600, shift=0.6)))
    for _ in range(20):
        replica.scrape()

    def alert(name: str, severity: str, variable: VariableDrift) -> dict[str, Any]:
        firing = [
            {
                "exp_labels": {
                    "severity": severity,
                    "model": HOSTILE,
                    "version": baseline.version,
                    "role": each.role,
                    "variable": each.name,
                    "window": "1h",
                },
                "exp_annotations": {
                    "summary": f"Model {HOSTILE}: {each.role} {each.name} has drifted",
                    "description": f"PSI is {each.psi:.3f} over the last 1h, critical is "
                    f"{each.critical:.3f}, {each.rows} live rows, version {baseline.version}.",
                    "runbook_url": f"docs/runbook.md#{name.lower()}",
                },
            }
            for each in variable
        ]
        return {"alertname": name, "eval_time": "10m", "exp_alerts": firing}

    drifted = replica.monitor.drift().drifted
    features = [each for each in drifted if each.role == "feature"]
    outputs = [each for each in drifted if each.role == "output"]
    assert {each.name for each in features} >= {"plain", "city"}
    assert [each.name for each in outputs] == ["score"]
    tests = [
        alert("BoxkiteFeatureDrift", "warning", features),
        alert("BoxkiteOutputDrift", "critical", outputs),
    ]
    rules = render_rules(windows=["1h"])
    run_promtool(promtool, tmp_path, rules, [replica], alert_rule_test=tests)


@pytest.mark.parametrize(
    ("policy", "verdict"),
    [
        (Policy(), "drift"),
        (Policy(min_effect=5.0), "ok"),
        (Policy(min_rows_a_cell=40.0), "insufficient"),
        (Policy(false_alarms_per_month=1e-250), "ok"),
    ],
)
def test_the_verdict_follows_the_policy(
    promtool: str, tmp_path: Path, policy: Policy, verdict: str
) -> None:
    random = np.random.default_rng(8)
    baseline = Baseline.fit({"x": random.normal(size=2000)})
    replica = Replica(baseline, policy)
    replica.scrape()
    for value in random.normal(0.5, 1, 500):
        replica.monitor.log_prediction({"x": value})
    replica.scrape()

    drift = replica.monitor.drift()
    assert drift.verdict == verdict
    tests = expected_samples(baseline, drift, "1h", "1m")
    run_promtool(promtool, tmp_path, render_rules(policy), [replica], promql_expr_test=tests)
