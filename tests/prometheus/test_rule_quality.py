"""The rules on quality against Python: the same pairs in, the same statistics and verdicts out."""

from __future__ import annotations

import json
import math
import subprocess
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from boxkite import Baseline, Monitor, Policy
from boxkite.baseline.outcome_series import PAIRED, WITHDRAWN, PairSeries
from boxkite.baseline.text_writer import render
from boxkite.drift.comparison_series import JobRun
from boxkite.errors import BaselineWarning
from boxkite.prometheus.job_quality_series import JudgedRows, job_quality_families
from boxkite.prometheus.rules import render_rules
from boxkite.quality import (
    Outcomes,
    QualityChange,
    QualityPolicy,
    StatisticVariation,
    compare_outcomes,
    estimate,
    measure,
)
from boxkite.quality.quality_policy import parts_of_false_alarms

HOSTILE = 'it\'s "naïve"\n\\ {x="1"} 😀'
SCRAPES = 30  # 40 seconds apart
AT = "7m"

POLICY = QualityPolicy()

Test = dict[str, Any]


@dataclass(frozen=True)
class Service:
    """A service that gets all its predictions and labels between two scrapes.

    Attributes:
        baseline: What it serves.
        now: The pairs of its labels.
        policy: The policy of quality.
        served: Scores of its predictions.
        features: Features of these predictions.
        withdrawn: Pairs that were counted too, and that corrected labels took back.
        segments: The pairs of the labels of each segment.
    """

    baseline: Baseline
    now: Outcomes
    policy: QualityPolicy = POLICY
    served: Sequence[float] = ()
    features: Sequence[Mapping[str, Any]] = ()
    withdrawn: Outcomes | None = None
    segments: Mapping[str, Outcomes] = field(default_factory=dict)

    def series(self) -> Iterator[dict[str, str]]:
        """Yield what Prometheus scrapes."""
        now = {"": self.now, **self.segments}
        taken = {segment: each.empty() for segment, each in now.items()}
        counted = dict(now)
        if self.withdrawn is not None:
            taken[""], counted[""] = self.withdrawn, self.now.plus(self.withdrawn)
        for series, before, after in [*self._pages(), *self._counted(counted, taken)]:
            if before == "NaN":  # a segment without rows has no minimum, and promtool takes no NaN
                continue
            target = 'job="models",instance="0"'
            values = f"{before} {after}x{SCRAPES}"
            yield {"series": f"{series.removesuffix('}')},{target}}}", "values": values}

    def _pages(self) -> Iterator[tuple[str, str, str]]:
        policy = Policy(quality=self.policy)
        monitor = Monitor(self.baseline, registry=None, policy=policy)
        before = monitor.export().body.decode()
        features = self.features or [{"x": 1.0}] * len(self.served)
        for row, score in zip(features, self.served, strict=True):
            monitor.log_prediction(row, float(score))
        pages = [
            [line.rpartition(" ") for line in page.splitlines() if not line.startswith("#")]
            for page in (before, monitor.export().body.decode())
        ]
        monitor.close()
        after = {series: value for series, _, value in pages[1]}
        for series, _, value in pages[0]:
            yield series, value, after[series]

    def _counted(
        self, counted: Mapping[str, Outcomes], taken: Mapping[str, Outcomes]
    ) -> Iterator[tuple[str, str, str]]:
        labels = {"model_name": self.baseline.model, "model_version": self.baseline.version}
        for prefix, outcomes in ((PAIRED, counted), (WITHDRAWN, taken)):
            for family in PairSeries(prefix, outcomes, labels, "_total").families(outcomes):
                for series, value in zip(family.series, family.values, strict=True):
                    yield series, "0", repr(float(value))

    def tests(self) -> Iterator[Test]:
        """Yield tests that every number of the rules is Python's."""
        now = {"": self.now, **self.segments}
        for segment, training in self.baseline.outcomes_by_segment.items():
            own = {"segment": segment} if segment else {}
            parts = parts_of_false_alarms(len(now) - 1, whole=not segment)
            for window in self.policy.windows:
                found = compare_outcomes(
                    now[segment],
                    training,
                    policy=self.policy,
                    window=window,
                    sliding=True,
                    parts=parts,
                )
                for change in found:
                    for series, value in expected(change).items():
                        yield self._same(series, window, value, **own, **labels_of(change))
                if len(served := self._served_in(segment)):
                    yield from self._tests_of_estimates(training, served, window, own)
                    coverage = now[segment].rows / len(served)
                    series, output = "model:boxkite_quality:coverage", training.pairs[0].output
                    yield self._same(series, window, coverage, variable=output, **own)

    def _served_in(self, segment: str) -> list[float]:
        """Return the scores of the predictions of a segment; all of them if it is empty."""
        if not segment:
            return list(self.served)
        name, _, value = segment.partition("=")
        pairs = zip(self.features, self.served, strict=False)
        return [score for row, score in pairs if row[name] == value]

    def _tests_of_estimates(
        self, training: Outcomes, served: Sequence[float], window: str, own: Mapping[str, str]
    ) -> Iterator[Test]:
        pairs = training.pairs[0]
        cells = np.searchsorted(pairs.edges, served)
        for each in estimate(training, np.bincount(cells, minlength=len(pairs.counts))):
            labels = {"variable": pairs.output, "statistic": each.name, **own}
            yield self._same("model:boxkite_quality:estimated", window, each.value, **labels)

    def _same(self, series: str, window: str, value: float, **labels: str) -> Test:
        """Return a test that a series has a value to 1e-9, or is absent where it is NaN."""
        own = {
            "job": "models",
            "model_name": self.baseline.model,
            "model_version": self.baseline.version,
            "variable_role": "output",
            "window": window,
            **labels,
        }
        text = ",".join(f"{key}={quoted(each)}" for key, each in own.items())
        chosen = f"{series}{{{text}}}" if "segment" in own else f'{series}{{{text},segment=""}}'
        if math.isnan(value):
            return {"expr": chosen, "eval_time": AT, "exp_samples": []}
        near = f"abs({chosen} - {float(value)!r}) <= bool {1e-9 * max(1.0, abs(value))!r}"
        samples = [{"labels": f"{{{text}}}", "value": 1}]
        return {"expr": near, "eval_time": AT, "exp_samples": samples}


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def labels_of(change: QualityChange) -> dict[str, str]:
    now = change.now
    labels = {"variable": now.output, "statistic": now.name}
    # The probability of a class is an output of its own.
    return labels if now.category in ("", now.output) else {**labels, "category": now.category}


def expected(change: QualityChange) -> dict[str, float]:
    """Return what the rules should record of a statistic, by the name of the series."""
    now = change.now
    level = "class" if "category" in labels_of(change) else "model"
    found = {
        f"{level}:boxkite_quality:value": now.value,
        f"{level}:boxkite_quality:low": now.interval.low,
        f"{level}:boxkite_quality:high": now.interval.high,
        "model:boxkite_quality:rows": now.rows,
    }
    if change.verdict is not None:
        verdict = {"insufficient": math.nan, "ok": 0, "worse": 1}[change.verdict]
        found["model:boxkite_quality:verdict"] = verdict
    if change.verdict in ("ok", "worse"):
        found["model:boxkite_quality:threshold"] = change.threshold
        found["model:boxkite_quality:loss"] = change.loss
    return found


def run(bench: Any, services: Sequence[Service], **tests: Any) -> None:
    """Replay what the services export through the rules, at once: a run takes seconds."""
    series = [each for service in services for each in service.series()]
    windows = list(services[0].policy.windows)
    rules = render_rules(windows=["1d"], quality_windows=windows)
    bench.run_series(rules, series, "40s", **tests)


def check(bench: Any, services: Sequence[Service]) -> None:
    tests = [each for service in services for each in service.tests()]
    run(bench, services, promql_expr_test=tests)


def scored(random: np.random.Generator, rows: int, shift: float = 0.0) -> tuple[Any, Any]:
    """Return calibrated scores and their outcomes. A shift of the log odds makes them wrong."""
    odds = random.normal(-0.5, 1.5, rows)
    return 1 / (1 + np.exp(-odds)), random.random(rows) < 1 / (1 + np.exp(-odds - shift))


def score_baseline(model: str, threshold: float = 0.4) -> Baseline:
    random = np.random.default_rng(1)
    scores, outcome = scored(random, 4000)
    return Baseline.fit(
        {"x": random.normal(size=4000)},
        {"a score": scores},
        outcome=outcome,
        threshold=threshold,
        model=model,
        version="v",
        bins=6,
    )


def with_segments(
    random: np.random.Generator,
    shifts: Mapping[str, float] = MappingProxyType({"NO": 0.0, "IT": 1.5}),
    rows: Mapping[str, int] = MappingProxyType({"NO": 900, "IT": 800}),
    *,
    policy: QualityPolicy = POLICY,
    model: str = "by country",
    served: Sequence[float] = (),
    features: Sequence[Mapping[str, Any]] = (),
) -> Service:
    """Return a service whose model has become wrong in some countries, in one by default."""
    countries = random.choice(["NO", "IT"], 4000)
    scores, outcome = scored(random, 4000)
    names = {"model": model, "version": "v", "bins": 4}
    columns = {"x": random.normal(size=4000), "country": countries}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BaselineWarning)  # the segments without rows
        baseline = Baseline.fit(
            columns, {"a score": scores}, outcome=outcome, segments=["country"], **names
        )
    cells = baseline.outcome_cells([])
    now = {
        f"country={country}": cells.count([scores], outcome)
        for country, shift in shifts.items()
        for scores, outcome in [scored(random, rows[country], shift)]
    }
    nothing = cells.count([[]], [])
    segments = {each: now.get(each, nothing) for each in baseline.outcomes_by_segment if each}
    whole = reduce(Outcomes.plus, now.values())
    return Service(baseline, whole, policy, served, features, segments=segments)


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


def test_every_statistic_of_a_score_is_pythons(bench: Any) -> None:
    random = np.random.default_rng(2)
    services = []
    for number, (rows, shift, policy) in enumerate(
        [
            (3000, 0.0, QualityPolicy()),
            (3000, 1.2, QualityPolicy(min_rows=100, false_alarms_per_month=5)),
            (60, 1.2, QualityPolicy()),  # too few rows for some statistics
            (1, 0.0, QualityPolicy()),
            (0, 0.0, QualityPolicy()),
        ]
    ):
        baseline = score_baseline(f"{HOSTILE} {number}")
        assert baseline.outcomes is not None
        if number == 1:
            varied = replace(baseline.outcomes, variation=VARIED)
            baseline = replace(baseline, outcomes=varied)
        scores, outcome = scored(random, rows, shift)
        now = baseline.outcome_cells([]).count([scores], outcome)
        services.append(Service(baseline, now, policy, scored(random, 400)[0].tolist()))
    # Scores that separate the outcomes perfectly, and some that labels took back.
    baseline = score_baseline("perfect")
    cells = baseline.outcome_cells([])
    perfect = cells.count([[0.1] * 60 + [0.9] * 80], [0] * 60 + [1] * 80)
    taken = cells.count([[0.9] * 5], [0] * 5)
    services.append(Service(baseline, perfect, withdrawn=taken))
    assert {each.name: each.value for each in measure(perfect)}["auc"] == 1
    # More positives are expected of the scores of one country than of the other's.
    served = np.concatenate([scored(random, 90)[0], scored(random, 110)[0] ** 0.5]).tolist()
    features = [{"x": 1.0, "country": each} for each in ["NO"] * 90 + ["IT"] * 110]
    services.append(with_segments(random, served=served, features=features))
    verdicts = {
        change.verdict
        for each in services
        for change in compare_outcomes(each.now, each.baseline.outcomes, policy=each.policy)
    }
    assert verdicts == {"insufficient", "ok", "worse", None}
    check(bench, services)


CLASSES = ("cat", "dog", "cow\nwith\na bell")


def predicted_classes(random: np.random.Generator, rows: int, right: float) -> tuple[Any, Any]:
    """Return predicted and true classes, of which `right` are equal."""
    actual = random.choice(CLASSES, rows, p=(0.6, 0.3, 0.1))
    other = random.choice(CLASSES, rows)
    return np.where(random.random(rows) < right, actual, other), actual


def with_classes(random: np.random.Generator, right: float) -> Service:
    output, outcome = predicted_classes(random, 3000, 0.7)
    baseline = Baseline.fit(
        {"x": range(3000)}, {"animal": output}, outcome=outcome, model=f"{right}", version="v"
    )
    output, outcome = predicted_classes(random, 1000, right)
    # A class that training never had, as a prediction and as an outcome; and one that nobody
    # predicts any more.
    output[:20], outcome[10:50] = "fish", "fish"
    output[output == CLASSES[2]] = "cat"
    return Service(baseline, baseline.outcome_cells([]).count([output], outcome))


def with_probabilities(random: np.random.Generator) -> Service:
    def rows(number: int, skill: float) -> tuple[dict[str, Any], Any]:
        outcome = random.integers(0, 3, number)
        weights = random.gamma(1.0, size=(number, 3))
        weights[np.arange(number), outcome] *= skill
        weights /= weights.sum(axis=1, keepdims=True)
        return dict(zip("abc", weights.T, strict=True)), np.array(list("abc"))[outcome]

    names = {"model": "probabilities", "version": "v"}
    output, outcome = rows(2000, 4.0)
    baseline = Baseline.fit(
        {"x": range(2000)}, output, outcome=outcome, classes=True, bins=4, **names
    )
    output, outcome = rows(600, 2.0)
    return Service(baseline, baseline.outcome_cells([]).count(list(output.values()), outcome))


def with_numbers(random: np.random.Generator, bias: float, rows: int) -> Service:
    def served(number: int, bias: float) -> tuple[Any, Any]:
        actual = random.normal(100, 10, number)
        return actual + random.normal(bias, 1, number), actual

    output, outcome = served(2000, 0.1)
    names = {"model": f"{bias} {rows}", "version": "v"}
    baseline = Baseline.fit({"x": range(2000)}, {"price": output}, outcome=outcome, bins=4, **names)
    output, outcome = served(rows, bias)
    return Service(baseline, baseline.outcome_cells([]).count([output], outcome))


def test_every_statistic_of_classes_and_numbers_is_pythons(bench: Any) -> None:
    random = np.random.default_rng(3)
    services = [
        with_classes(random, 0.7),
        with_classes(random, 0.4),
        with_probabilities(random),
        with_numbers(random, 0.3, 800),
        with_numbers(random, -0.3, 800),
        with_numbers(random, 0.0, 1),
    ]
    check(bench, services)


HOUR = QualityPolicy(windows={"1h": 1.0})


def test_the_alert_says_what_is_worse_by_how_much_and_on_how_many_rows(bench: Any) -> None:
    random = np.random.default_rng(6)
    baseline = score_baseline("loans")
    scores, outcome = scored(random, 3000, 1.2)
    service = Service(baseline, baseline.outcome_cells([]).count([scores], outcome), HOUR)
    found = compare_outcomes(service.now, baseline.outcomes, policy=HOUR, window="1h", sliding=True)
    firing = []
    for severity, multiple in (("warning", 1), ("critical", 5)):
        for each in found:
            if each.verdict == "worse" and each.loss > multiple * each.floor:
                assert each.before is not None
                name = each.now.name
                summary = (
                    f"Model loans (job models): the {name} of a score is worse than at training"
                )
                description = (
                    f"The {name} of a score is {each.now.value:.4g} (95 % interval "
                    f"{each.now.interval.low:.4g} to {each.now.interval.high:.4g}) in the labels "
                    f"of the last 1h, and was {each.before.value:.4g} at training. {each.now.rows} "
                    "rows, model version v. First, check whether these labels are complete, "
                    "because one-sided labels make a model look worse. Then see which features "
                    "have drifted on the days of these predictions."
                )
                labels = {
                    "severity": severity,
                    "window": "1h",
                    "job": "models",
                    "model_name": "loans",
                    "model_version": "v",
                    "variable_role": "output",
                    "variable": "a score",
                    "statistic": name,
                }
                annotations = {"summary": summary, "description": description}
                firing.append({"exp_labels": labels, "exp_annotations": annotations})
    assert {each["exp_labels"]["severity"] for each in firing} == {"warning", "critical"}
    tests = [
        {"alertname": "BoxkiteQualityWorse", "eval_time": "8m", "exp_alerts": []},
        {"alertname": "BoxkiteQualityWorse", "eval_time": "18m", "exp_alerts": firing},
    ]
    run(bench, [service], alert_rule_test=tests)


ONE_CAUSE = {
    # All rows hide the loss of a small segment.
    "one segment": (
        ({"NO": 0.0, "IT": 2.0}, {"NO": 9000, "IT": 400}),
        {"critical": ["country=IT"], "warning": ["country=IT"]},
    ),
    # One cause makes all rows and each segment worse, so that only all rows are critical.
    "everything": (
        ({"NO": 2.0, "IT": 2.0}, {"NO": 900, "IT": 900}),
        {"critical": [""], "warning": ["", "country=IT", "country=NO"]},
    ),
}


@pytest.mark.slow
def test_one_cause_of_worse_quality_raises_one_critical_alert(bench: Any) -> None:
    services, tests = [], []
    for model, ((shifts, rows), expected) in ONE_CAUSE.items():
        random = np.random.default_rng(7)
        services.append(with_segments(random, shifts, rows, policy=HOUR, model=model))
        for severity, segments in expected.items():
            chosen = (
                f'model_name="{model}",severity="{severity}",statistic="accuracy",'
                'alertstate="firing"'
            )
            labels = [f'{{segment="{each}"}}' if each else "{}" for each in segments]
            tests.append(
                {
                    "expr": f"count by (segment) (ALERTS{{{chosen}}})",
                    "eval_time": "18m",
                    "exp_samples": [{"labels": each, "value": 1} for each in labels],
                }
            )
    run(bench, services, evaluation="3m", promql_expr_test=tests)


def test_the_rules_record_nothing_where_no_service_exports_outcomes(bench: Any) -> None:
    baseline = score_baseline("m")
    without = replace(baseline, outcomes=None)
    page = Monitor(without, registry=None).export().body.decode()
    lines = (line.rpartition(" ") for line in page.splitlines() if not line.startswith("#"))
    series = [{"series": name, "values": f"{value}x{SCRAPES}"} for name, _, value in lines]
    nothing = {"expr": 'count({__name__=~".*boxkite_(quality|outcome).*"})', "eval_time": AT}
    tests = [{**nothing, "exp_samples": []}]
    bench.run_series(render_rules(windows=["1d"]), series, "40s", promql_expr_test=tests)


def test_a_job_writes_its_verdict_and_the_alert_says_it(bench: Any) -> None:
    random = np.random.default_rng(7)
    baseline = score_baseline("loans")
    scores, outcome = scored(random, 3000, 0.7)
    now = baseline.outcome_cells([]).count([scores], outcome)
    quality = compare_outcomes(now, baseline.outcomes)
    run = JobRun(ran_at=0.0, interval=600.0, period_end=-3600.0)
    text = render(job_quality_families(baseline, {"": JudgedRows(quality, 4000)}, run))
    subprocess.run([bench.promtool, "check", "metrics"], input=text.encode(), check=True)
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    found = {series: float(value) for series, _, value in lines}
    model = 'model_name="loans",model_version="v"'
    assert found[f"boxkite_quality_coverage{{{model}}}"] == 0.75
    assert found[f"boxkite_quality_period_end_seconds{{{model}}}"] == -3600
    assert found[f'boxkite_quality_model_verdict{{{model},verdict="worse"}}'] == 1
    output = f'{model},variable_role="output",variable="a score"'
    for each in quality:
        labels = f'{{{output},statistic="{each.now.name}"}}'
        assert found[f"boxkite_quality_value{labels}"] == each.now.value
        assert found[f"boxkite_quality_rows{labels}"] == each.now.rows
        assert (f"boxkite_quality_severity{labels}" in found) == (each.verdict is not None)
    series = [
        {"series": name.replace("{", '{job="nightly",', 1), "values": f"{value!r}x{SCRAPES}"}
        for name, value in found.items()
    ]
    worse = [each for each in quality if each.verdict == "worse"]
    assert {each.severity for each in worse} == {"warning", "critical"}
    alerts = 'count by (statistic, severity) (ALERTS{alertname="BoxkiteQualityWorse"})'
    samples = [
        {"labels": f'{{statistic="{each.now.name}",severity="{severity}"}}', "value": 1}
        for each in worse
        for severity in dict.fromkeys(("warning", each.severity))
    ]
    tests = [{"expr": alerts, "eval_time": "1m", "exp_samples": samples}]
    stopped = {
        "exp_labels": {
            "severity": "warning",
            "job": "nightly",
            "model_name": "loans",
            "command": "outcomes",
        },
        "exp_annotations": {
            "summary": "Model loans (job nightly): the job that joins its labels has stopped",
            "description": "The last comparison ran 13m 0s ago. One is due every 10m 0s. Until the "
            "next one, the verdicts are out of date. First, read the output of the job's last run: "
            "it exits with 2 if it cannot read the rows.",
        },
    }
    told = [
        {"alertname": "BoxkiteJobStopped", "eval_time": "11m", "exp_alerts": []},
        {"alertname": "BoxkiteJobStopped", "eval_time": "13m", "exp_alerts": [stopped]},
    ]
    rules = render_rules(windows=["1d"])
    bench.run_series(rules, series, "1m", promql_expr_test=tests, alert_rule_test=told)
