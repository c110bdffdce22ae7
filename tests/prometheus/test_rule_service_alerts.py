"""When the alerts on services and the log fire, and what they say, judged by promtool."""

from collections.abc import Sequence
from typing import Any

import pytest
import yaml

from boxkite.prometheus.rules import render_rules


def service_rules() -> str:
    """Return the rules of the services alone: promtool goes through a day of them in no time."""
    groups = yaml.safe_load(render_rules())["groups"]
    return yaml.safe_dump(
        {"groups": [each for each in groups if each["name"] == "boxkite-service"]}
    )


def said(summary: str, *description: str) -> tuple[str, str]:
    return summary, " ".join(description)


# Series are given a minute apart, for three hours and more.
MODEL = 'model_name="m",job="j"'
DAY = 1440


def version(name: str, instance: int, rows: int = 100) -> list[str]:
    labels = f'{MODEL},model_version="{name}",instance="{instance}"'
    return [
        f"boxkite_baseline_rows{{{labels}}} {rows}x200",
        f"boxkite_predictions_total{{{labels}}} 0x200",
    ]


def predictions(values: str) -> str:
    return f'boxkite_predictions_total{{{MODEL},model_version="1",instance="0"}} {values}'


def records(outcome: str, values: str) -> str:
    labels = f'{MODEL},model_version="1",sink="file",outcome="{outcome}",instance="0"'
    return f"boxkite_log_records_total{{{labels}}} {values}"


def pending(values: str) -> str:
    labels = f'{MODEL},model_version="1",sink="file",instance="0"'
    return f"boxkite_log_pending_records{{{labels}}} {values}"


def errors(stage: str, values: str) -> str:
    labels = f'{MODEL},model_version="1",failed_stage="{stage}",instance="0"'
    return f"boxkite_errors_total{{{labels}}} {values}"


NO_PREDICTIONS = said(
    "Model m (job j) has made no prediction for an hour",
    "It made 600 in the same hour of the day before, or since it started if that is less than a",
    "day ago. Without predictions there is no verdict on drift. First, check that the service is",
    "up and that requests reach it.",
)


CASES: list[tuple[str, str, list[str], str, dict[str, str], tuple[str, str]]] = [
    (
        "two baselines for longer than a rollout",
        "BoxkiteBaselinesDiffer",
        [*version("1", 0), *version("1", 1), *version("2", 2)],
        "70m",
        {"job": "j", "model_name": "m", "severity": "warning"},
        said(
            "Model m (job j): 2 baselines serve at once",
            "For an hour, replicas have served different baselines: version 1 on 2, version 2 on",
            "1, in all. Each version is judged by its own rows, so each has fewer rows to judge",
            "by. First, check whether a rollout is stuck.",
        ),
    ),
    (
        "a target without a baseline",
        "BoxkiteNoBaseline",
        [*version("none", 0, rows=0), *version("1", 1)],
        "20m",
        {"job": "j", "model_name": "m", "severity": "warning"},
        said(
            "Model m (job j): no baseline on 1 replicas",
            "These replicas make predictions but have nothing to compare them with, so their",
            "drift is not seen. First, look in the service log for the line about the missing",
            "baseline, and set BASELINE to the path or URL of histogram.prom.",
        ),
    ),
    (
        "no predictions after an hour of them",
        "BoxkiteNoPredictions",
        [predictions("0+10x60 600x140")],
        "140m",
        {"job": "j", "model_name": "m", "severity": "warning"},
        NO_PREDICTIONS,
    ),
    (
        "no predictions at an hour that had some the day before",
        "BoxkiteNoPredictions",
        [predictions(f"0+10x{DAY} {DAY * 10}x200")],
        f"{DAY + 80}m",
        {"job": "j", "model_name": "m", "severity": "warning"},
        NO_PREDICTIONS,
    ),
    (
        "the targets have gone altogether",
        "BoxkiteNoPredictions",
        [predictions(f"0+10x{DAY} stale")],
        f"{DAY + 80}m",
        {"job": "j", "model_name": "m", "severity": "warning"},
        NO_PREDICTIONS,
    ),
    (
        "records of the log are dropped",
        "BoxkiteLogDropping",
        [records("dropped", "0x20 9x20"), records("delivered", "0+10x40")],
        "22m",
        {"job": "j", "model_name": "m", "sink": "file", "severity": "critical"},
        said(
            "Model m (job j): the prediction log is losing records",
            "About 9 records were dropped in 10 minutes before the sink file had taken them. The",
            "predictions were answered and counted. First, look in the service log for the",
            "reason: the sink refuses them, or there is no room left.",
        ),
    ),
    (
        "a sink that takes nothing",
        "BoxkiteLogPendingGrowing",
        [records("delivered", "0+10x20 200x60"), pending("10x20 10+10x60")],
        "70m",
        {"job": "j", "model_name": "m", "sink": "file", "severity": "warning"},
        said(
            "Model m (job j): the prediction log is falling behind",
            "400 records wait for the sink file, more than it took in 10 minutes, and their",
            "number grows. When no room is left, the oldest are dropped. First, check that the",
            "sink is up and how fast it takes records.",
        ),
    ),
    (
        "errors of a stage that should have none",
        "BoxkiteMonitoringErrors",
        [errors("journal", "0+1x60"), predictions("0+1000x60")],
        "30m",
        {"job": "j", "model_name": "m", "failed_stage": "journal", "severity": "warning"},
        said(
            "Model m (job j): monitoring fails at the stage journal",
            "Monitoring failed about 10 times in 10 minutes, and continues to fail. The requests",
            "were answered. First, read the reason in the service log: boxkite writes it once a",
            "minute.",
        ),
    ),
    (
        "one row in fifty that does not fit",
        "BoxkiteMonitoringErrors",
        [errors("features", "0+2x60"), predictions("0+100x60")],
        "30m",
        {"job": "j", "model_name": "m", "failed_stage": "features", "severity": "warning"},
        said(
            "Model m (job j): monitoring fails at the stage features",
            "Monitoring failed about 20 times in 10 minutes, and continues to fail. The requests",
            "were answered. First, read the reason in the service log: boxkite writes it once a",
            "minute.",
        ),
    ),
]

CALM: list[tuple[str, str, list[str], str]] = [
    (
        "a rollout of twenty minutes",
        "BoxkiteBaselinesDiffer",
        [
            f'boxkite_predictions_total{{{MODEL},model_version="1",instance="0"}} 9x30 stale',
            f'boxkite_predictions_total{{{MODEL},model_version="2",instance="1"}} _x10 9x190',
        ],
        "100m",
    ),
    (
        "versions of two jobs, as of production and a test of it",
        "BoxkiteBaselinesDiffer",
        [*version("1", 0), *(each.replace('job="j"', 'job="test"') for each in version("2", 1))],
        "100m",
    ),
    (
        "a target without a baseline beside one with",
        "BoxkiteBaselinesDiffer",
        [*version("none", 0, rows=0), *version("1", 1)],
        "100m",
    ),
    ("all have a baseline", "BoxkiteNoBaseline", [*version("1", 0)], "100m"),
    ("a model that never had any", "BoxkiteNoPredictions", [predictions("0x200")], "150m"),
    ("one that had few", "BoxkiteNoPredictions", [predictions("0+1x20 20x180")], "150m"),
    ("traffic goes on", "BoxkiteNoPredictions", [predictions("0+10x200")], "150m"),
    ("a restart", "BoxkiteNoPredictions", [predictions("0+10x100 0+10x100")], "150m"),
    (
        "a night that was quiet the day before",
        "BoxkiteNoPredictions",
        [predictions(f"0+10x600 6000x{DAY - 600} 6000+10x600 12000x300")],
        f"{DAY + 750}m",
    ),
    ("nothing is dropped", "BoxkiteLogDropping", [records("dropped", "0x60")], "30m"),
    (
        "dropped before this Prometheus looked",
        "BoxkiteLogDropping",
        [records("dropped", "7x60")],
        "30m",
    ),
    (
        "more traffic, and as much delivered",
        "BoxkiteLogPendingGrowing",
        [records("delivered", "0+10x30 300+100x60"), pending("10x30 100x60")],
        "70m",
    ),
    (
        "a backlog that is worked off",
        "BoxkiteLogPendingGrowing",
        [records("delivered", "0+10x80"), pending("9000-50x80")],
        "70m",
    ),
    (
        "a single error",
        "BoxkiteMonitoringErrors",
        [errors("journal", "0x20 1x60"), predictions("0+100x80")],
        "31m",
    ),
    (
        "one row in a thousand that does not fit",
        "BoxkiteMonitoringErrors",
        [errors("features", "0+1x60"), predictions("0+1000x60")],
        "30m",
    ),
]


def as_input(lines: Sequence[str]) -> list[dict[str, str]]:
    """Return series as promtool takes them."""
    pairs = [line.partition("} ") for line in lines]
    return [{"series": f"{name}}}", "values": values} for name, _, values in pairs]


@pytest.mark.parametrize(
    ("name", "series", "at", "labels", "text"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_trouble_of_the_services_is_told(
    bench: Any,
    name: str,
    series: list[str],
    at: str,
    labels: dict[str, str],
    text: tuple[str, str],
) -> None:
    summary, description = text
    annotations = {"summary": summary, "description": description}
    firing = [{"exp_labels": labels, "exp_annotations": annotations}]
    tests = [{"alertname": name, "eval_time": at, "exp_alerts": firing}]
    bench.run_series(service_rules(), as_input(series), "1m", alert_rule_test=tests)


@pytest.mark.parametrize(
    ("name", "series", "at"), [case[1:] for case in CALM], ids=[case[0] for case in CALM]
)
def test_what_is_no_trouble_is_not_told(bench: Any, name: str, series: list[str], at: str) -> None:
    tests = [{"alertname": name, "eval_time": at, "exp_alerts": []}]
    bench.run_series(service_rules(), as_input(series), "1m", alert_rule_test=tests)
