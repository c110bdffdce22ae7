"""When the alerts on data fire, and what they say, judged by promtool."""

import math
from collections.abc import Sequence
from typing import Any

from boxkite import Baseline, VariableDrift
from boxkite.drift import Comparison
from boxkite.prometheus.rules import render_rules


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
        "job": "models",
        "model_name": baseline.model,
        "model_version": baseline.version,
        "variable_role": drift.role,
        "variable": drift.name,
        "window": "1h",
    }


def distances(drift: VariableDrift) -> str:
    pairs = [("PSI", drift.psi, drift.critical), ("K-S", drift.ks, drift.ks_critical)]
    return ", ".join(
        f"{name} is {value:.3f} (threshold {critical:.3f})"
        for name, value, critical in pairs
        if not math.isnan(value)
    )


FIRST = {
    "feature": (
        "First, check what changed upstream of {}: a unit, a default value, a renamed field, or a "
        "new client."
    ),
    "output": (
        "First, see whether a feature of this model has drifted too. If none has, check whether "
        "the model file or one of its libraries changed."
    ),
}


def test_drift_names_model_variable_statistics_critical_values_and_rows(
    bench: Any, baseline: Baseline
) -> None:
    baseline = bench.known_to_vary_by_chance(baseline)
    replica = bench.replica(baseline)
    replica.scrape()
    replica.serve(bench.rows(seed=6, rows=600, shift=0.6))
    for _ in range(20):
        replica.scrape()

    drifted = replica.monitor.drift().drifted
    assert {each.above for each in drifted} >= {("PSI", "one cell"), ("PSI", "K-S")}
    assert len(drifted) > 0.1 * len(baseline.variables)  # so each is critical, too
    tests = []
    for role, name in (("feature", "BoxkiteFeatureDrift"), ("output", "BoxkiteOutputDrift")):
        chosen = [each for each in drifted if each.role == role] * 2
        assert chosen
        severities = ["warning"] * (len(chosen) // 2) + ["critical"] * (len(chosen) // 2)
        labels = [data_labels(baseline, *each) for each in zip(chosen, severities, strict=True)]
        texts = [
            said(
                f"Model {bench.hostile} (job models): {role} {each.name} has drifted",
                f"Over the last 1h, {bench.most_moved(replica, each.name)}",
                f"{distances(each)}, on {each.rows} rows of model version {baseline.version}.",
                FIRST[role].format(each.name),
            )
            for each in chosen
        ]
        tests.append(alert(name, "10m", labels, texts))
        tests.append(alert(name, "4m", [], []))  # not yet for long enough
    bench.run(render_rules(), [replica], alert_rule_test=tests)


def twice(drift: Comparison, rate: str) -> list[tuple[VariableDrift, str]]:
    """Return the variables with a changed rate and the severity of each alert."""
    changed = [each for each in drift if rate in each.changed_rates]
    large = [each for each in changed if abs(getattr(each, f"{rate}_difference")) > 0.05]
    return [(each, "warning") for each in changed] + [(each, "critical") for each in large]


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
            row[bench.hostile] = 1e9
    replica.serve(rows)
    for _ in range(20):
        replica.scrape()

    drift = replica.monitor.drift()
    missing, unseen, invalid, outside = (
        twice(drift, name) for name in ("missing", "unseen", "invalid", "outside")
    )
    assert {(each.name, severity) for each, severity in missing} == {
        ("large", "warning"), ("large", "critical"), ("powers", "warning"),
        ("with_missing", "warning"), ("with_missing", "critical"),
    }  # fmt: skip
    assert [each.name for each, _ in unseen] == ["city", "city"]
    assert [each.name for each, _ in invalid] == ["small", "small"]
    assert [(each.name, severity) for each, severity in outside] == [(bench.hostile, "warning")]
    model, version = baseline.model, baseline.version

    def labels_of(found: list[tuple[VariableDrift, str]], rate: str) -> list[dict[str, str]]:
        return [data_labels(baseline, *each) | {"rate": rate} for each in found]

    def subject(each: VariableDrift) -> str:
        return f"Model {model} (job models): {each.role} {each.name}"

    def percent(fraction: float) -> str:
        return f"{100 * fraction:.3g} %"

    def at_training(each: VariableDrift) -> str:
        trained = next(v for v in baseline.variables if v.name == each.name)
        return percent(trained.missing / trained.rows)

    tests = [
        alert(
            "BoxkiteMissingValues",
            "10m",
            labels_of(missing, "missing"),
            [
                said(
                    f"{subject(each)} is missing {more_or_less(each)} often than at training",
                    f"{percent(each.missing / 600)} of rows in the last 1h have no value;",
                    f"{at_training(each)} at training. 600 rows, model version {version}.",
                    f"First, find the client that stopped sending {each.name}, or the field that "
                    "was renamed."
                    if each.missing_difference > 0
                    else "First, check whether something upstream now fills in a default for "
                    f"{each.name}.",
                )
                for each, _ in missing
            ],
        ),
        alert(
            "BoxkiteUnseenCategories",
            "10m",
            labels_of(unseen, "unseen"),
            [
                said(
                    f"{subject(each)} has categories that training never saw",
                    f"{percent(each.unseen / each.rows)} of rows in the last 1h have a category",
                    f"that training never saw; 0 % at training. {each.rows} rows, model version",
                    f"{version}. First, find the new values of {each.name} in the prediction log,",
                    "and check whether they are a new spelling or a new thing.",
                )
                for each, _ in unseen
            ],
        ),
        alert(
            "BoxkiteInvalidValues",
            "10m",
            labels_of(invalid, "invalid"),
            [
                said(
                    f"{subject(each)} has invalid values",
                    f"{percent(each.invalid / 600)} of rows in the last 1h have a value of the",
                    "wrong kind, such as text in place of a number; 0 % at training. 600 rows,",
                    f"model version {version}. First, look at these rows in the prediction log.",
                    "If every variable has invalid values, the rows do not fit the baseline at",
                    "all.",
                )
                for each, _ in invalid
            ],
        ),
        alert(
            "BoxkiteOutsideValues",
            "10m",
            labels_of(outside, "outside"),
            [
                said(
                    f"{subject(each)} has values outside the range of training",
                    f"{percent(each.outside / each.rows)} of rows in the last 1h lie below the",
                    "least or above the greatest value of training; 0 % at training.",
                    f"{each.rows} rows, model version {version}. First, check whether the unit of",
                    f"{each.name} changed, such as metres for kilometres, and look at these rows",
                    "in the prediction log.",
                )
                for each, _ in outside
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
    names = (
        "FeatureDrift",
        "OutputDrift",
        "MissingValues",
        "UnseenCategories",
        "InvalidValues",
        "OutsideValues",
    )
    tests = [alert(f"Boxkite{name}", "10m", [], []) for name in names]
    bench.run(render_rules(), [replica], alert_rule_test=tests)
