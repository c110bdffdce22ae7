"""The groups of alerts on jobs, which write their verdicts as gauges."""

from __future__ import annotations

from boxkite.prometheus.rules.alert_conditions import Level
from boxkite.prometheus.rules.annotations import job_texts
from boxkite.prometheus.rules.rule_options import RuleOptions
from boxkite.prometheus.rules.rule_template import render_group

__all__ = ["job_groups"]

_LEAST: dict[Level, int] = {"warning": 1, "critical": 2}
"""Least value of `boxkite_compare_severity`, by the level of the alerts."""


def job_groups(options: RuleOptions) -> list[str]:
    """Return the groups of alerts on the verdicts of jobs, and on their age.

    Args:
        options: Everything that does not change a verdict.
    """
    texts = job_texts(options.environment)
    groups = [
        render_group("job_alerts.yaml", options, level=level, **_conditions(least), **texts)
        for level, least in _LEAST.items()
    ]
    return [*groups, render_group("jobs.yaml", options, **texts)]


def _conditions(least: int) -> dict[str, str]:
    """Return PromQL for each alert, by placeholder of the template."""
    drift = {
        f"{role}_drift": _changed("psi", "drift", least, f', variable_role="{role}"')
        for role in ("feature", "output")
    }
    rates = ("missing", "unseen", "outside", "invalid")
    worse = (
        "max by (@live, statistic) (boxkite_quality_loss)\n"
        f"and max by (@live, statistic) (boxkite_quality_severity) >= {least}"
    )
    changed = {f"{rate}_changed": _changed(rate, rate, least) for rate in rates}
    return {**drift, **changed, "worse": worse}


def _changed(statistic: str, change: str, least: int, chosen: str = "") -> str:
    return (
        f'max by (@live) (boxkite_compare_statistic{{statistic="{statistic}"{chosen}}})\n'
        f'and max by (@live) (boxkite_compare_severity{{change="{change}"{chosen}}}) >= {least}'
    )
