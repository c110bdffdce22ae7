"""The rules on quality against Python: the same pairs in, the same statistics and verdicts out."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from boxkite import Baseline, Monitor, Policy
from boxkite.baseline.text_writer import format_float
from boxkite.prometheus.rules import render_rules
from boxkite.quality import (
    OutcomePairs,
    Outcomes,
    QualityChange,
    QualityPolicy,
    StatisticVariation,
    compare_outcomes,
    estimate,
)

HOSTILE = 'it\'s "naïve"\n\\ {x="1"} 😀'
WINDOWS = ("1d", "7d")
SCRAPES = 30  # 40 seconds apart
AT = "16m"


def scored(random: np.random.Generator, rows: int, shift: float = 0.0) -> tuple[Any, Any]:
    """Return calibrated scores and their outcomes. A shift of the log odds makes them wrong."""
    odds = random.normal(-0.5, 1.5, rows)
    return 1 / (1 + np.exp(-odds)), random.random(rows) < 1 / (1 + np.exp(-odds - shift))


def cells_of(pairs: OutcomePairs) -> tuple[list[str], list[str]]:
    bins = [*map(format_float, pairs.edges.tolist()), "+Inf"]
    if pairs.kind == "number":
        return bins, bins
    return (bins if pairs.kind == "score" else list(pairs.categories)), list(pairs.categories)


def samples(baseline: Baseline, outcomes: Outcomes, prefix: str) -> dict[str, float]:
    """Return what a service that counted these pairs exports."""
    found: dict[str, float] = {}
    for pairs in outcomes.pairs:
        own = {
            "model_name": baseline.model,
            "model_version": baseline.version,
            "variable_role": "output",
            "variable": pairs.output,
        }

        def put(name: str, value: float, own: dict[str, str] = own, **labels: str) -> None:
            text = ",".join(
                f"{key}={json.dumps(each, ensure_ascii=False)}"
                for key, each in (own | labels).items()
            )
            found[f"{prefix}{name}_total{{{text}}}"] = value

        rows, columns = cells_of(pairs)
        below = np.cumsum(pairs.counts, axis=0) - pairs.counts
        for i, row in enumerate(rows):
            for j, column in enumerate(columns):
                put("pairs", pairs.counts[i, j], output_cell=row, outcome_cell=column)
                if pairs.kind == "score":
                    put("below", below[i, j], output_cell=row, outcome_cell=column)
            if pairs.kind == "score" and "brier" in pairs.losses:
                put("outputs", pairs.output_sums[i], output_cell=row)
        for name, loss in pairs.losses.items():
            put("losses", loss.total, loss=name)
            put("loss_squares", loss.squares, loss=name)
    return found


def scrapes(page: str, later: str, outcomes: dict[str, float]) -> Iterator[dict[str, str]]:
    """Yield the series of a service that gets all its predictions and labels after a scrape."""
    lines = [
        [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
        for text in (page, later)
    ]
    target = 'job="models",instance="0"'
    after = {series: value for series, _, value in lines[1]}
    for series, _, value in lines[0]:
        values = f"{value} {after[series]}x{SCRAPES}"
        yield {"series": f"{series.removesuffix('}')},{target}}}", "values": values}
    for series, count in outcomes.items():
        text = f"0 {float(count)!r}x{SCRAPES}"
        yield {"series": f"{series.removesuffix('}')},{target}}}", "values": text}


def expected(change: QualityChange) -> dict[str, float]:
    """Return what the rules should record of a statistic, by the name of the series."""
    now = change.now
    level = "class" if now.category and now.category != now.output else "model"
    found = {
        f"{level}:boxkite_quality:value": now.value,
        f"{level}:boxkite_quality:low": now.interval.low,
        f"{level}:boxkite_quality:high": now.interval.high,
        "model:boxkite_quality:rows": now.rows,
    }
    if change.verdict is not None:
        verdict = {"insufficient": math.nan, "ok": 0, "worse": 1}[change.verdict]
        found["model:boxkite_quality:verdict"] = verdict
        if change.verdict != "insufficient":
            found["model:boxkite_quality:threshold"] = change.threshold
            found["model:boxkite_quality:loss"] = change.loss
    return found


def parity(
    bench: Any, baseline: Baseline, now: Outcomes, policy: QualityPolicy, served: Any = ()
) -> None:
    """Check that every number of the rules is Python's."""
    assert baseline.outcomes is not None
    monitor = Monitor(baseline, registry=None, policy=Policy(quality=policy))
    page = monitor.export().body.decode()
    for score in served:
        monitor.log_prediction({"x": 1.0}, float(score))
    later = monitor.export().body.decode()
    monitor.close()
    tests: list[dict[str, Any]] = []
    for window in WINDOWS:
        head = {
            "job": "models",
            "model_name": baseline.model,
            "model_version": baseline.version,
            "variable_role": "output",
            "window": window,
        }

        def same(
            series: str, value: float, head: dict[str, str] = head, **labels: str
        ) -> dict[str, Any]:
            text = ",".join(
                f"{key}={json.dumps(each, ensure_ascii=False)}"
                for key, each in (head | labels).items()
            )
            chosen = f"{series}{{{text}}}"
            if math.isnan(value):
                return {"expr": chosen, "eval_time": AT, "exp_samples": []}
            near = f"abs({chosen} - {value!r}) <= bool {1e-9 * max(1.0, abs(value))!r}"
            return {
                "expr": near,
                "eval_time": AT,
                "exp_samples": [{"labels": f"{{{text}}}", "value": 1}],
            }

        found = compare_outcomes(now, baseline.outcomes, policy=policy, window=window, sliding=True)
        for change in found:
            its = {"variable": change.now.output, "statistic": change.now.name}
            if change.now.category and change.now.category != change.now.output:
                its["category"] = change.now.category
            for series, value in expected(change).items():
                tests.append(same(series, float(value), **its))
        if len(served):
            pairs = baseline.outcomes.pairs[0]
            counts = np.bincount(np.searchsorted(pairs.edges, served), minlength=len(pairs.counts))
            for each in estimate(baseline.outcomes, counts):
                its = {"variable": pairs.output, "statistic": each.name}
                tests.append(same("model:boxkite_quality:estimated", each.value, **its))
            its = {"variable": pairs.output}
            tests.append(same("model:boxkite_quality:coverage", now.rows / len(served), **its))
    series = [
        *scrapes(page, later, samples(baseline, now, "boxkite_outcome_")),
        *scrapes(
            "",
            "",
            dict.fromkeys(samples(baseline, now, "boxkite_outcome_withdrawn_"), 0.0),
        ),
    ]
    bench.run_series(render_rules(windows=["1d"]), series, "40s", promql_expr_test=tests)


def score_baseline(**arguments: Any) -> Baseline:
    random = np.random.default_rng(1)
    scores, outcome = scored(random, 4000)
    return Baseline.fit(
        {"x": random.normal(size=4000)},
        {"a score": scores},
        outcome=outcome,
        model=HOSTILE,
        version="v",
        bins=6,
        **arguments,
    )


VARIED = {
    "1d": tuple(
        StatisticVariation("a score", name, windows, mean, variance, chance, worst)
        for name, windows, mean, variance, chance, worst in (
            ("accuracy", 9, 0.72, 0.001, 0.0002, 0.03),
            ("precision", 30, 0.70, 0.002, 0.003, 0.05),  # chance explains everything
            ("recall", 12, 0.50, 0.004, 0.001, 0.5),  # a window was very bad
            ("log_loss", 8, 0.56, 0.002, 0.0001, 0.01),
            ("auc", 8, 0.8, 1e-6, 1e-7, 1e-4),  # few degrees of freedom
        )
    )
}


@pytest.mark.parametrize(
    ("rows", "shift", "policy", "varied"),
    [
        (3000, 0.0, QualityPolicy(), {}),
        (3000, 1.2, QualityPolicy(min_rows=100, false_alarms_per_month=5), VARIED),
        (60, 1.2, QualityPolicy(), {}),  # too few rows for some statistics
        (1, 0.0, QualityPolicy(), {}),
        (0, 0.0, QualityPolicy(), {}),
    ],
)
def test_every_statistic_of_a_score_is_pythons(
    bench: Any, rows: int, shift: float, policy: QualityPolicy, varied: Any
) -> None:
    baseline = score_baseline(threshold=0.4)
    assert baseline.outcomes is not None
    baseline = replace(baseline, outcomes=replace(baseline.outcomes, variation=varied))
    random = np.random.default_rng(2)
    scores, outcome = scored(random, rows, shift)
    now = baseline.outcome_cells([]).count([scores], outcome)
    served, _ = scored(random, 500)
    parity(bench, baseline, now, policy, served)


CLASSES = ("cat", "dog", "cow\nwith\na bell")


def predicted(random: np.random.Generator, rows: int, right: float) -> tuple[Any, Any]:
    """Return predicted and true classes, of which `right` are equal."""
    actual = random.choice(CLASSES, rows, p=(0.6, 0.3, 0.1))
    other = random.choice(CLASSES, rows)
    return np.where(random.random(rows) < right, actual, other), actual


@pytest.mark.parametrize("right", [0.7, 0.4])
def test_every_statistic_of_a_class_is_pythons(bench: Any, right: float) -> None:
    random = np.random.default_rng(3)
    output, outcome = predicted(random, 3000, 0.7)
    baseline = Baseline.fit(
        {"x": range(3000)}, {"animal": output}, outcome=outcome, model="m", version="v"
    )
    output, outcome = predicted(random, 1000, right)
    # A class that training never had, as a prediction and as an outcome; and one that nobody
    # predicts any more.
    output[:20], outcome[10:50] = "fish", "fish"
    output[output == CLASSES[2]] = "cat"
    now = baseline.outcome_cells([]).count([output], outcome)
    parity(bench, baseline, now, QualityPolicy())


def test_every_statistic_of_class_probabilities_is_pythons(bench: Any) -> None:
    random = np.random.default_rng(4)

    def rows(number: int, skill: float) -> tuple[dict[str, Any], Any]:
        outcome = random.integers(0, 3, number)
        weights = random.gamma(1.0, size=(number, 3))
        weights[np.arange(number), outcome] *= skill
        weights /= weights.sum(axis=1, keepdims=True)
        return dict(zip("abc", weights.T, strict=True)), np.array(list("abc"))[outcome]

    probabilities, outcome = rows(2000, 4.0)
    baseline = Baseline.fit(
        {"x": range(2000)},
        probabilities,
        outcome=outcome,
        classes=True,
        model="m",
        version="v",
        bins=4,
    )
    probabilities, outcome = rows(600, 2.0)
    now = baseline.outcome_cells([]).count(list(probabilities.values()), outcome)
    parity(bench, baseline, now, QualityPolicy())
