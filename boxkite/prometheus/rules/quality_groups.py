"""The groups of rules on the quality of models, whose labels arrive in the services."""

from __future__ import annotations

from collections.abc import Mapping

from boxkite.baseline.text_writer import format_float
from boxkite.prometheus.rules.counting import OUTCOME_COUNTERS, counted_in_step
from boxkite.prometheus.rules.durations import format_duration, parse_duration
from boxkite.prometheus.rules.quality_expressions import quality_expressions, training_expressions
from boxkite.prometheus.rules.rule_options import RuleOptions
from boxkite.prometheus.rules.rule_template import render_group
from boxkite.quality import QualityPolicy

__all__ = ["quality_groups"]

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
    return found


def _sums(window: str) -> dict[str, str]:
    """Return PromQL for what the steps of a window add up to, by placeholder."""
    return {
        f"summed_outcome_{name}": (
            f"sum_over_time({level}:boxkite_outcome_{name}:increase5m[{window}:5m])"
        )
        for name, (level, _) in OUTCOME_COUNTERS.items()
    }
