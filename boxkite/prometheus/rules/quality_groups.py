"""The groups of rules on the quality of models, whose labels arrive in the services."""

from __future__ import annotations

from collections.abc import Mapping

from boxkite.baseline.text_writer import format_float
from boxkite.prometheus.rules.alert_conditions import SEGMENTS, WHOLE, Level, at_most_once
from boxkite.prometheus.rules.annotations import quality_texts, service_texts
from boxkite.prometheus.rules.counting import OUTCOME_COUNTERS, counted_in_step
from boxkite.prometheus.rules.durations import format_duration, parse_duration
from boxkite.prometheus.rules.quality_expressions import quality_expressions, training_expressions
from boxkite.prometheus.rules.rule_options import RuleOptions
from boxkite.prometheus.rules.rule_template import render_group
from boxkite.quality import QualityPolicy
from boxkite.quality.quality_verdict import CRITICAL_LOSS

__all__ = ["QUALITY_WINDOWS", "quality_groups"]

QUALITY_WINDOWS = tuple(QualityPolicy().windows)
"""The windows of quality by default."""

# A long window holds old labels for a long time, so its alert need not go on for a whole window.
_LONGEST_FIRING = 86_400
_MOST_LATE = 0.1


def quality_groups(sources: Mapping[str, str], options: RuleOptions) -> list[str]:
    """Return the groups that measure quality, judge it, and alert.

    Args:
        sources: For each window of quality, the window of the services whose policy is used.
        options: Everything that does not change a verdict.
    """
    if not sources:
        return []
    interval = format_duration(min(options.seconds_between(each) for each in sources))
    min_rows = format_float(QualityPolicy().min_rows)
    found = [
        render_group(
            "quality_baseline.yaml",
            options,
            interval=interval,
            min_rows=min_rows,
            **training_expressions(),
        ),
        render_group("quality_steps.yaml", options, **counted_in_step()),
    ]
    for window, source in sources.items():
        expressions = {
            "window": window,
            "interval": format_duration(options.seconds_between(window)),
            "baseline_interval": interval,
            **_sums(window),
            **quality_expressions(window, source),
        }
        found += [
            render_group(f"quality_{name}.yaml", options, **expressions)
            for name in ("window", "statistics", "verdicts")
        ]
        found += _alerts(window, options)
    longest = [*sources][-1]
    where = service_texts(options.environment)["where"]
    found.append(
        render_group(
            "labels.yaml", options, longest=longest, most_late=format_float(_MOST_LATE), where=where
        )
    )
    return found


def _alerts(window: str, options: RuleOptions) -> list[str]:
    """Return a group of alerts for each severity."""
    seconds = parse_duration(window)
    conditions: dict[Level, str] = {
        "warning": _worse(window),
        # One cause may make quality worse in all rows and in each of twenty segments.
        "critical": at_most_once(
            _much_worse(window, WHOLE),
            _much_worse(window, SEGMENTS),
            _worse(window, WHOLE),
            "statistic",
        ),
    }
    return [
        render_group(
            "quality_alerts.yaml",
            options,
            window=window,
            level=level,
            worse=condition,
            interval=format_duration(options.seconds_between(window)),
            pending=format_duration(seconds // 10),
            keep_firing=format_duration(min(seconds, _LONGEST_FIRING)),
            **quality_texts(window, options.environment),
        )
        for level, condition in conditions.items()
    ]


def _worse(window: str, *rows: str) -> str:
    """Return a template of PromQL for the loss of each statistic that is worse than at training."""
    chosen = ", ".join((f'window="{window}"', *rows))
    return (
        f"model:boxkite_quality:loss{{{chosen}}}\n"
        f"and model:boxkite_quality:verdict{{{chosen}}} == 1"
    )


def _much_worse(window: str, rows: str) -> str:
    loss = f'model:boxkite_quality:loss{{window="{window}", {rows}}}'
    floor = f"{format_float(CRITICAL_LOSS)} * model:boxkite_quality:floor"
    return (
        f"{_worse(window, rows)}\nand on (@live, statistic) {loss} > on (@live, statistic) {floor}"
    )


def _sums(window: str) -> dict[str, str]:
    """Return PromQL for what the steps of a window add up to, by placeholder."""
    return {
        f"summed_outcome_{name}": (
            f"sum_over_time({level}:boxkite_outcome_{name}:increase5m[{window}:5m])"
        )
        for name, (level, _) in OUTCOME_COUNTERS.items()
    }
