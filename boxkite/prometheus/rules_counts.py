"""What was added to the services' counters, in a window or in a step of five minutes.

A window of a day over 50 replicas of 100 variables is 600 million samples of raw counters, twice at
each evaluation. So windows longer than two hours are sums of steps, in which the replicas are
together already: 2,000 times fewer samples.
"""

from __future__ import annotations

from collections.abc import Callable

from boxkite.prometheus.rules_duration import seconds_of

__all__ = ["counted_in_step", "counted_in_steps", "counted_raw", "counts_of", "is_summed"]

_STEP = "5m"
_LONGEST_READ = 7200
# How long a target may be away and still be counted from where it was.
_AWAY, _AWAY_AND_STEP = "15m", "20m"

_COUNTERS = {
    "values": ("boxkite_value_bucket", "variable_role, variable, le", "bucket:boxkite_value"),
    "categories": (
        "boxkite_category_total",
        "variable_role, variable, category",
        "cell:boxkite_category",
    ),
    "missing": ("boxkite_missing_total", "variable_role, variable", "variable:boxkite_missing"),
    "invalid": ("boxkite_invalid_total", "variable_role, variable", "variable:boxkite_invalid"),
}
"""Each counter, the labels that it has and boxkite_predictions_total has not, and its record."""


def is_summed(window: str) -> bool:
    """Tell whether a window is long enough to be a sum of steps."""
    return seconds_of(window) > _LONGEST_READ


def counts_of(window: str) -> dict[str, str]:
    """Return PromQL for what was counted in a window, by the name that a template has for it."""
    return counted_in_steps(window) if is_summed(window) else counted_raw(window)


def counted_raw(window: str) -> dict[str, str]:
    """Return the same from the counters themselves, however long the window is."""
    return _each(lambda series, labels, _: _counted(series, window, labels))


def counted_in_steps(window: str) -> dict[str, str]:
    """Return the same from recorded steps."""
    # At each multiple of a step, whatever the interval between evaluations of the record.
    steps = f"increase{_STEP}[{window}:{_STEP}]"
    return _each(lambda _, __, record: f"sum_over_time({record}:{steps})")


def counted_in_step() -> dict[str, str]:
    """Return PromQL for what was counted in the last step, by the name in the template."""
    return _each(lambda series, labels, _: _counted_in_step(series, labels))


def _each(count: Callable[[str, str, str], str]) -> dict[str, str]:
    return {f"counted_{name}": count(*counter) for name, counter in _COUNTERS.items()}


def _counted(series: str, window: str, labels: str) -> str:
    """Return PromQL for what was added to a counter of each target in a window."""
    restarted = f"ignoring ({labels}) resets(boxkite_predictions_total[{window}]) > 0"
    return (
        "(\n"
        f"  max_over_time({series}[{window}]) - min_over_time({series}[{window}])\n"
        f"  unless {restarted}\n"
        ")\n"
        "or\n"
        "(\n"
        f"  increase({series}[{window}])\n"
        f"  and {restarted}\n"
        ")"
    )


def _counted_in_step(series: str, labels: str) -> str:
    """Return PromQL for what was added to a counter of each target since the step before."""
    resets = "resets(boxkite_predictions_total"
    restarted = (
        f"ignoring ({labels}) {resets}[{_AWAY_AND_STEP}])\n"
        f"  > ({resets}[{_AWAY}] offset {_STEP}) or 0 * {resets}[{_AWAY_AND_STEP}]))"
    )
    return (
        "(\n"
        f"  clamp_min(\n"
        f"    last_over_time({series}[{_STEP}])\n"
        f"    - (last_over_time({series}[{_AWAY}] offset {_STEP}) or "
        f"min_over_time({series}[{_STEP}])),\n"
        "    0\n"
        "  )\n"
        f"  unless {restarted}\n"
        ")\n"
        "or\n"
        "(\n"
        f"  increase({series}[{_STEP}])\n"
        f"  and {restarted}\n"
        ")"
    )
