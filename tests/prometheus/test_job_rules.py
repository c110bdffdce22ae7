"""What a job writes about its comparison, and the alerts on it, judged by promtool."""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from boxkite import Baseline, Comparison, Policy, compare
from boxkite.baseline.tally import Tally
from boxkite.drift import compare_counts
from boxkite.prometheus.rules import render_rules

RAN = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)
ENDED = datetime(2026, 11, 30, tzinfo=UTC)
HOSTILE = 'it\'s "naïve"\n\\ 😀'


def table(seed: int, rows: int, **changes: Any) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    columns = {
        "price": random.normal(size=rows),
        "shop": random.choice(["a", "b"], rows),
        HOSTILE: random.normal(size=rows),
        "note": random.normal(size=rows),
        **{f"steady{number}": random.normal(size=rows) for number in range(9)},
    }
    return pd.DataFrame(columns | changes)


def compared(seed: int = 1, rows: int = 2000, **changes: Any) -> Comparison:
    baseline = Baseline.fit(table(0, 5000), model="prices", version="v")
    return compare(baseline, table(seed, rows, **changes))


@pytest.fixture(scope="module")
def broken() -> Comparison:
    random = np.random.default_rng(2)
    shop = random.choice(["a", "b", "z"], 2000)
    price = random.normal(0.45, size=2000)
    hostile = np.where(random.random(2000) < 0.03, np.nan, random.normal(size=2000))
    note = random.normal(size=2000).astype(object)
    note[:150] = "none"
    return compared(shop=shop, price=price, **{HOSTILE: hostile}, note=note)


def samples(text: str) -> dict[str, float]:
    pairs = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def test_the_file_holds_the_comparison_and_its_times(
    broken: Comparison, tmp_path: Path, promtool: str
) -> None:
    text = broken.metrics_text(every=timedelta(hours=12), period_end=ENDED, ran_at=RAN)
    found = samples(text)
    head = 'model_name="prices",model_version="v"'
    assert found[f"boxkite_compare_timestamp_seconds{{{head}}}"] == RAN.timestamp()
    assert found[f"boxkite_compare_period_end_seconds{{{head}}}"] == ENDED.timestamp()
    assert found[f"boxkite_compare_interval_seconds{{{head}}}"] == 43_200
    assert found[f"boxkite_compare_rows{{{head}}}"] == 2000
    assert found[f'boxkite_compare_model_verdict{{{head},verdict="drift"}}'] == 1
    for each in broken:
        name = json.dumps(each.name, ensure_ascii=False)
        labels = f'{head},variable_role="{each.role}",variable={name}'
        for verdict in ("insufficient", "ok", "drift"):
            name = f'boxkite_compare_verdict{{{labels},verdict="{verdict}"}}'
            assert found[name] == (each.verdict == verdict)
        assert found[f'boxkite_compare_statistic{{{labels},statistic="psi"}}'] == each.psi
        assert found[f'boxkite_compare_critical{{{labels},statistic="psi"}}'] == each.critical
        for rate in ("missing", "invalid"):
            name = f'boxkite_compare_severity{{{labels},change="{rate}"}}'
            assert (found[name] > 0) == (rate in each.changed_rates)
    subprocess.run([promtool, "check", "metrics"], input=text.encode(), check=True)
    before = datetime.now(UTC).timestamp()
    broken.write_metrics(tmp_path / "prices.prom")
    written = samples((tmp_path / "prices.prom").read_text())
    assert before <= written[f"boxkite_compare_timestamp_seconds{{{head}}}"] <= before + 60
    assert "period_end" not in "".join(written)


def test_without_rows_the_verdict_is_insufficient_and_statistics_are_absent() -> None:
    baseline = Baseline.fit({"x": np.arange(100.0)}, model="m", version="v")
    found = samples(
        compare_counts(
            baseline, [Tally(np.zeros(len(baseline.variables[0].counts), dtype=np.int64))], 0
        ).metrics_text()
    )
    head = 'model_name="m",model_version="v"'
    assert found[f'boxkite_compare_model_verdict{{{head},verdict="insufficient"}}'] == 1
    assert not [name for name in found if "statistic" in name or "critical" in name]


def series(text: str, minutes: int) -> list[dict[str, str]]:
    """Return the samples as a Pushgateway shows them for so many minutes."""
    return [
        {"series": name.replace("{", '{job="nightly",', 1), "values": f"{value!r}x{minutes}"}
        for name, value in samples(text).items()
    ]


def job_groups() -> str:
    groups = yaml.safe_load(render_rules())["groups"]
    return yaml.safe_dump({"groups": [each for each in groups if "jobs" in each["name"]]})


def alert(name: str, severity: str, summary: str, description: str, **labels: str) -> Any:
    base = {"job": "nightly", "model_name": "prices", "severity": severity}
    return {
        "alertname": name,
        "exp_labels": base | labels,
        "exp_annotations": {"summary": summary, "description": description},
    }


def test_the_alerts_say_what_changed(bench: Any, broken: Comparison) -> None:
    by_name = {each.name: each for each in broken}
    price, shop = by_name["price"], by_name["shop"]
    missing, invalid = by_name[HOSTILE], by_name["note"]
    assert (price.verdict, shop.verdict) == ("drift", "drift")

    def distances(name: str) -> str:
        each = by_name[name]
        ks = (
            f", K-S is {each.ks:.3f} (threshold {each.ks_critical:.3f})"
            if each.ks == each.ks
            else ""
        )
        return f"PSI is {each.psi:.3f} (threshold {each.critical:.3f}){ks}, on {each.rows} rows"

    def drifted(name: str, severity: str) -> Any:
        each = by_name[name]
        moved = f"{100 * each.moved_rows:.3g} % of rows moved to {each.moved_cell}"
        return alert(
            "BoxkiteFeatureDrift",
            severity,
            f"Model prices (job nightly): feature {name} has drifted",
            f"In the rows of the last job, {moved}. {distances(name)} of model "
            f"version v. First, check what changed upstream of {name}: a unit, a default value, a "
            f"renamed field, or a new client.",
            model_version="v",
            variable_role="feature",
            variable=name,
        )

    # Two of thirteen variables drifted, which is more than a tenth, so both are critical.
    expected = [drifted(n, s) for n in ("price", "shop") for s in ("warning", "critical")]
    unseen = f"{100 * shop.unseen_difference:.3g}"
    lack = f"{100 * missing.missing_difference:.3g}"
    wrong = f"{100 * invalid.invalid_difference:.3g}"
    for severity in ("warning", "critical"):
        expected.append(
            alert(
                "BoxkiteUnseenCategories",
                severity,
                "Model prices (job nightly): feature shop has categories that training never saw",
                f"{unseen} % of the rows of the last job have a category that training never saw; "
                f"0 % at training. 2000 rows with a value, model version v. First, find the new "
                f"values of shop in the rows, and check whether they are a new spelling or a new "
                f"thing.",
                model_version="v",
                variable_role="feature",
                variable="shop",
            )
        )
        expected.append(
            alert(
                "BoxkiteInvalidValues",
                severity,
                "Model prices (job nightly): feature note has invalid values",
                f"{wrong} % of the rows of the last job have a value of the wrong kind, such as "
                f"text in place of a number; 0 % at training. 1850 rows with a value, model "
                f"version v. First, look at these rows. If every variable has invalid values, the "
                f"rows do not fit the baseline at all.",
                model_version="v",
                variable_role="feature",
                variable="note",
            )
        )
    expected.append(
        alert(
            "BoxkiteMissingValues",
            "warning",
            f"Model prices (job nightly): feature {HOSTILE} is missing more often than at training",
            f"In the last job, {lack} % more of the rows than at training have no value. "
            f"{missing.rows} rows with a value, model version v. First, find the step that stopped "
            f"filling {HOSTILE}, or the field that was renamed.",
            model_version="v",
            variable_role="feature",
            variable=HOSTILE,
        )
    )
    tests = [
        {
            "alertname": name,
            "eval_time": "5m",
            "exp_alerts": [
                {key: value for key, value in each.items() if key != "alertname"}
                for each in expected
                if each["alertname"] == name
            ],
        }
        for name in (
            "BoxkiteFeatureDrift",
            "BoxkiteOutputDrift",
            "BoxkiteMissingValues",
            "BoxkiteUnseenCategories",
            "BoxkiteOutsideValues",
            "BoxkiteInvalidValues",
        )
    ]
    text = broken.metrics_text(ran_at=datetime.fromtimestamp(0, UTC))
    bench.run_series(job_groups(), series(text, 10), "1m", alert_rule_test=tests)


def test_a_job_without_changes_raises_no_alert_until_it_is_late(bench: Any) -> None:
    calm = compared()
    assert calm.verdict == "ok"
    text = calm.metrics_text(ran_at=datetime.fromtimestamp(0, UTC), every=timedelta(hours=1))
    late = {
        "summary": "Model prices (job nightly): the job that compares its rows has stopped",
        "description": "The last comparison ran 1h 16m 0s ago. One is due every 1h 0m 0s. Until "
        "the next one, the verdicts are out of date. First, read the output of the job's last run: "
        "it exits with 2 if it cannot read the rows.",
    }
    labels = {"job": "nightly", "model_name": "prices", "severity": "warning"}
    stopped = [{"exp_labels": labels, "exp_annotations": late}]
    tests = [
        {"alertname": "BoxkiteJobStopped", "eval_time": "75m", "exp_alerts": []},
        {"alertname": "BoxkiteJobStopped", "eval_time": "76m", "exp_alerts": stopped},
        {"alertname": "BoxkiteFeatureDrift", "eval_time": "76m", "exp_alerts": []},
    ]
    bench.run_series(job_groups(), series(text, 100), "1m", alert_rule_test=tests)


def test_a_variable_without_alerts_raises_none() -> None:
    quiet = Policy(variables={"price": None})
    baseline = Baseline.fit(table(0, 5000), model="prices", version="v")
    found = compare(baseline, table(1, 2000, price=np.full(2000, 9.0)), policy=quiet).metrics_text()
    severities = {n: v for n, v in samples(found).items() if "severity" in n and '"price"' in n}
    assert set(severities.values()) == {0.0}
