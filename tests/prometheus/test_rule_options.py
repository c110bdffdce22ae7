"""What the arguments of `render_rules` change in the rule file."""

from typing import Any

import pytest

from boxkite import ConfigError, Policy
from boxkite.prometheus.rules import render_rules


def critical_windows(rules: str) -> list[str]:
    """Return which exported critical value each group takes."""
    marker = 'boxkite_drift_critical{window="'
    return [part.partition('"')[0] for part in rules.split(marker)[1:]]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, ["1h", "1d"]),
        ({"windows": ["1m"]}, ["1h"]),
        ({"windows": ["1m", "1d", "1m"]}, ["1h", "1d"]),
        ({"windows": ["1w"], "critical_windows": {"1w": "1d"}}, ["1d"]),
        ({"policy": Policy(windows={"6h": 6.0, "30m": 0.5}), "windows": ["1h"]}, ["30m"]),
    ],
)
def test_a_window_that_the_policy_lacks_takes_the_critical_value_of_another(
    arguments: dict[str, Any], expected: list[str]
) -> None:
    assert critical_windows(render_rules(**arguments)) == expected


@pytest.mark.parametrize(
    ("window", "interval", "pending"),
    [
        ("30s", "5s", "3s"),
        ("10m", "10s", "1m"),
        ("1h", "1m", "6m"),
        ("1d", "2m", "2h24m"),
    ],
)
def test_evaluations_and_waiting_follow_the_window(
    window: str, interval: str, pending: str
) -> None:
    lines = {line.strip() for line in render_rules(windows=[window]).splitlines()}
    expected = {f"interval: {interval}", f"for: {pending}", f"keep_firing_for: {window}"}
    assert expected <= lines


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"windows": []}, "the rules need at least one window, as 1h"),
        ({"windows": ["1 h"]}, "'1 h' is not a Prometheus duration; give one such as 1h or 90s"),
        ({"windows": ["0s"]}, "'0s' is not a Prometheus duration; give one such as 1h or 90s"),
        ({"windows": [""]}, "'' is not a Prometheus duration; give one such as 1h or 90s"),
        ({"interval": "soon"}, "'soon' is not a Prometheus duration; give one such as 1h or 90s"),
        (
            {"critical_windows": {"1h": "2h"}},
            "no critical value for the window '2h'; the policy has 1h, 1d",
        ),
    ],
)
def test_what_is_no_duration_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        render_rules(**arguments)
    assert str(raised.value) == message


def test_the_runbook_is_where_the_alerts_lead() -> None:
    rules = render_rules(windows=["1h"], runbook='https://example.org/ü"')
    lines = [line.strip() for line in rules.splitlines() if "runbook_url" in line]
    assert lines == [
        'runbook_url: "https://example.org/ü\\"#boxkitefeaturedrift"',
        'runbook_url: "https://example.org/ü\\"#boxkiteoutputdrift"',
    ]


def test_an_interval_given_is_that_of_every_group() -> None:
    rules = render_rules(interval="90s")
    found = [line.strip() for line in rules.splitlines() if line.strip().startswith("interval:")]
    assert found == ["interval: 1m30s", "interval: 1m30s"]
