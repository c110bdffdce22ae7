"""Alerts on their way through a real Prometheus and a real Alertmanager."""

import json
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boxkite import Baseline, Monitor
from boxkite.prometheus.rules import RuleOptions, render_rules
from boxkite.settings import Settings

FEATURES = [f"x{number}" for number in range(40)]


def firing(notification: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted(
        (each["labels"]["alertname"], each["labels"].get("variable", ""))
        for each in notification["alerts"]
        if each["status"] == "firing"
    )


@pytest.mark.slow
def test_forty_features_that_drift_are_one_notification(
    alerting: Callable[..., Any], served: Callable[..., Any]
) -> None:
    random = np.random.default_rng(1)
    baseline = Baseline.fit({name: random.normal(size=2000) for name in FEATURES}, model="forty")
    monitor = Monitor(baseline, settings=Settings(), registry=None)
    rules = render_rules(
        windows=["1m"], critical_windows={"1m": "1h"}, options=RuleOptions(interval="1s")
    )
    with served(monitor) as target, alerting([target], rules) as system:
        system.up(1)
        for row in random.normal(1.0, 1.0, (500, 40)).tolist():
            monitor.log_prediction(row)
        system.wait("a notification", lambda: system.told.get("models"))
        count = "count(ALERTS{alertstate='firing', severity='warning'})"
        assert system.value(count) == 40

        (notification,) = system.told["models"]
        assert firing(notification) == sorted(("BoxkiteFeatureDrift", name) for name in FEATURES)
        assert notification["groupLabels"] == {"job": "models", "model_name": "forty"}
        assert list(system.told) == ["models"]


def post_alerts(alertmanager: str, *labels: dict[str, str]) -> None:
    request = urllib.request.Request(
        f"http://{alertmanager}/api/v2/alerts",
        json.dumps([{"labels": each} for each in labels]).encode(),
        {"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=30).close()


def is_ready(alertmanager: str) -> bool:
    try:
        urllib.request.urlopen(f"http://{alertmanager}/-/ready", timeout=5).close()
    except OSError:
        return False
    return True


def in_segment(name: str, variable: str, segment: str = "", **labels: str) -> dict[str, str]:
    """Return the labels of an alert on a segment; Alertmanager drops an empty one."""
    own = {"alertname": name, "variable": variable, "segment": segment, "window": "1d"}
    return {"model_name": "m", "severity": "warning", **own, **labels}


# What has changed in all rows is told once, and what has changed in a segment only is told too.
IN_SEGMENTS = [
    in_segment("BoxkiteFeatureDrift", "x", "carrier=UA"),
    in_segment("BoxkiteFeatureDrift", "x", "carrier=UA", severity="critical"),
    in_segment("BoxkiteFeatureDrift", "y", "carrier=DL", window="1h"),
    in_segment("BoxkiteFeatureDrift", "segment only", "carrier=UA"),
    in_segment("BoxkiteQualityWorse", "score", statistic="auc"),
    in_segment("BoxkiteQualityWorse", "score", "carrier=UA", statistic="auc"),
    in_segment("BoxkiteQualityWorse", "score", "carrier=DL", statistic="f1"),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("alerts", "told"),
    [
        (
            [
                {"alertname": "BoxkiteNoPredictions", "model_name": "m"},
                {"alertname": "BoxkiteFeatureDrift", "model_name": "m", "variable": "x"},
                {"alertname": "BoxkiteLogDropping", "model_name": "m"},
            ],
            [("BoxkiteLogDropping", ""), ("BoxkiteNoPredictions", "")],
        ),
        (
            [
                {
                    "alertname": "BoxkiteMonitoringErrors",
                    "model_name": "m",
                    "failed_stage": "features",
                },
                {"alertname": "BoxkiteInvalidValues", "model_name": "m", "variable": "x"},
                {"alertname": "BoxkiteInvalidValues", "model_name": "m", "variable": "y"},
            ],
            [("BoxkiteMonitoringErrors", "")],
        ),
        (
            [
                {
                    "alertname": "BoxkiteFeatureDrift",
                    "model_name": "m",
                    "variable": name,
                    "window": each,
                    "severity": severity,
                }
                for severity in ("warning", "critical")
                for name, each in (("x", "1h"), ("x", "1d"), ("y", "1d"))
            ]
            + IN_SEGMENTS,
            [
                ("BoxkiteFeatureDrift", "segment only"),
                ("BoxkiteFeatureDrift", "x"),
                ("BoxkiteFeatureDrift", "y"),
                ("BoxkiteQualityWorse", "score"),
            ],
        ),
        (
            [
                {
                    "alertname": "BoxkiteFeatureDrift",
                    "model_name": "m",
                    "variable": "x",
                    "window": window,
                    "severity": severity,
                }
                for window, severity in (("1h", "warning"), ("1d", "critical"), ("1d", "warning"))
            ],
            [("BoxkiteFeatureDrift", "x")],
        ),
    ],
    ids=["no predictions", "rows that do not fit", "windows and segments", "both severities"],
)
def test_what_another_alert_explains_is_inhibited(
    alerting: Callable[..., Any], alerts: list[dict[str, str]], told: list[tuple[str, str]]
) -> None:
    with alerting([], "groups: []") as system:
        system.wait("Alertmanager", lambda: is_ready(system.alertmanager))
        post_alerts(system.alertmanager, *alerts)
        (notification,) = system.wait("a notification", lambda: system.told.get("models"))
        assert firing(notification) == told


def test_the_examples_configurations_pass_their_own_checks(
    promtool: str, amtool: str, tmp_path: Path
) -> None:
    folder = Path(__file__).parents[2] / "examples" / "alerting"
    for name in ("prometheus.yml", "alertmanager.yml"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "boxkite.rules.yml").write_text(render_rules())
    for command in (
        [promtool, "check", "config", "--lint=all", "--lint-fatal", "prometheus.yml"],
        [amtool, "check-config", "alertmanager.yml"],
    ):
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert run.returncode == 0, run.stdout + run.stderr
