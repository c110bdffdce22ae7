"""When the alerts on data fire, and what they say, judged by promtool."""

import math
from collections.abc import Sequence
from typing import Any

from boxkite import Baseline, VariableDrift
from boxkite.prometheus.rules import render_rules

RUNBOOK = "docs/runbook.md#"


def alert(
    name: str, at: str, labels: Sequence[dict[str, str]], annotations: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """Return a test that at a time just these alerts of a name fire."""
    firing = [
        {
            "exp_labels": its_labels,
            "exp_annotations": {
                "summary": summary,
                "description": description,
                "runbook_url": RUNBOOK + name.lower(),
            },
        }
        for its_labels, (summary, description) in zip(labels, annotations, strict=True)
    ]
    return {"alertname": name, "eval_time": at, "exp_alerts": firing}


def said(summary: str, *description: str) -> tuple[str, str]:
    return summary, " ".join(description)


def more_or_less(drift: VariableDrift) -> str:
    return "more" if drift.missing_difference > 0 else "less"


def data_labels(baseline: Baseline, drift: VariableDrift, severity: str) -> dict[str, str]:
    return {
        "severity": severity,
        "model_name": baseline.model,
        "model_version": baseline.version,
        "variable_role": drift.role,
        "variable": drift.name,
        "window": "1h",
    }


def beside_critical(drift: VariableDrift) -> str:
    pairs = [("PSI", drift.psi, drift.critical), ("K-S", drift.ks, drift.ks_critical)]
    return ", ".join(
        f"{name} {value:.3f} is {'above' if value > critical else 'below'} critical {critical:.3f}"
        for name, value, critical in pairs
        if not math.isnan(value)
    )


def test_drift_names_model_variable_statistics_critical_values_and_rows(
    bench: Any, baseline: Baseline
) -> None:
    replica = bench.replica(baseline)
    replica.scrape()
    replica.serve(bench.rows(seed=6, rows=600, shift=0.6))
    for _ in range(20):
        replica.scrape()

    drifted = replica.monitor.drift().drifted
    assert {each.above for each in drifted} >= {("PSI",), ("PSI", "K-S")}
    tests = []
    for role, name, severity in (
        ("feature", "BoxkiteFeatureDrift", "warning"),
        ("output", "BoxkiteOutputDrift", "critical"),
    ):
        chosen = [each for each in drifted if each.role == role]
        assert chosen
        labels = [data_labels(baseline, each, severity) for each in chosen]
        texts = [
            said(
                f"Model {bench.hostile}: {role} {each.name} has drifted",
                f"Over the last 1h {beside_critical(each)},",
                f"{each.rows} live rows, version {baseline.version}.",
            )
            for each in chosen
        ]
        tests.append(alert(name, "10m", labels, texts))
        tests.append(alert(name, "4m", [], []))  # not yet for long enough
    bench.run(render_rules(), [replica], alert_rule_test=tests)


def test_rates_that_changed_are_told_with_their_evidence(bench: Any, baseline: Baseline) -> None:
    replica = bench.replica(baseline)
    replica.scrape()
    rows = bench.rows(seed=7, rows=600, shift=0.2)
    for number, row in enumerate(rows):
        if number % 3 == 0:
            row["plain"], row["large"] = 0.5, None
        row["with_missing"] = 0.0
        if number % 10 == 0:
            row["small"] = "broken"
        if number % 50 == 0:
            row["powers"] = None
    replica.serve(rows)
    for _ in range(20):
        replica.scrape()

    drift = replica.monitor.drift()
    missing, unseen, invalid = (
        [each for each in drift if name in each.changed_rates]
        for name in ("missing", "unseen", "invalid")
    )
    assert {each.name for each in missing} == {"large", "with_missing", "powers"}
    assert [each.name for each in unseen] == ["city"]
    assert [each.name for each in invalid] == ["small"]
    critical = f"{missing[0].rate_critical:.1f}"
    model, version = baseline.model, baseline.version

    def subject(each: VariableDrift) -> str:
        return f"Model {model}: {each.role} {each.name}"

    def end(evidence: float, rows: int) -> str:
        return (
            f"over the last 1h. Evidence is {evidence:.1f}, critical is {critical}, "
            f"{rows} live rows, version {version}."
        )

    tests = [
        alert(
            "BoxkiteMissingValues",
            "10m",
            [data_labels(baseline, each, "warning") for each in missing],
            [
                said(
                    f"{subject(each)} is missing {more_or_less(each)} often than at training",
                    "The fraction of missing values differs from that of training by",
                    f"{each.missing_difference:+.4f} {end(each.missing_evidence, 600)}",
                )
                for each in missing
            ],
        ),
        alert(
            "BoxkiteUnseenCategories",
            "10m",
            [data_labels(baseline, each, "warning") for each in unseen],
            [
                said(
                    f"{subject(each)} has categories that training never saw",
                    f"The fraction of their rows is {each.unseen_difference:.4f}",
                    f"{end(each.unseen_evidence, 600)}",
                )
                for each in unseen
            ],
        ),
        alert(
            "BoxkiteInvalidValues",
            "10m",
            [data_labels(baseline, each, "warning") for each in invalid],
            [
                said(
                    f"{subject(each)} has values that are not of its kind",
                    f"The fraction of invalid values is {each.invalid_difference:.4f}",
                    f"{end(each.invalid_evidence, 600)}",
                )
                for each in invalid
            ],
        ),
    ]
    bench.run(render_rules(), [replica], alert_rule_test=tests)


def test_rows_like_training_raise_nothing(bench: Any, baseline: Baseline) -> None:
    replica = bench.replica(baseline)
    replica.scrape()
    replica.serve(bench.rows(seed=9, rows=600))
    for _ in range(20):
        replica.scrape()
    names = ("FeatureDrift", "OutputDrift", "MissingValues", "UnseenCategories", "InvalidValues")
    tests = [alert(f"Boxkite{name}", "10m", [], []) for name in names]
    bench.run(render_rules(), [replica], alert_rule_test=tests)
