"""PromQL for the rows that a window or a step of five minutes added to the services' counters.

A day of raw counters from 50 replicas with 100 variables has 600 million samples, and each
evaluation would read them twice. So windows longer than two hours are sums of recorded steps. A
step already adds up all replicas, so about 2,000 times fewer samples remain.
"""

from __future__ import annotations

from collections.abc import Callable

from boxkite.prometheus.rules.durations import parse_duration

__all__ = [
    "OUTCOME_COUNTERS",
    "counted_in_step",
    "counted_in_steps",
    "counted_raw",
    "counts_of",
    "is_summed",
]

_STEP = "5m"
_LONGEST_RAW_SECONDS = 7200
# If a target is away for up to this long, counting continues from its last sample.
_AWAY, _AWAY_AND_STEP = "15m", "20m"
# Since Prometheus 3, a range leaves out a sample that lies exactly at its left end. Ranges here are
# a millisecond longer to keep that sample, so every version counts the same rows.
_LEFT_END = "1ms"

OUTCOME_COUNTERS = {
    "pairs": ("cell", "output_cell, outcome_cell"),
    "below": ("cell", "output_cell, outcome_cell"),
    "outputs": ("cell", "output_cell"),
    "losses": ("variable", "loss"),
    "loss_squares": ("variable", "loss"),
}
"""Each counter of pairs of outputs and outcomes, the level of the series that records it, and its
own labels. What a corrected label took back is a counter of its own (`withdrawn`)."""

_OF_VARIABLE = "segment, variable_role, variable"

_COUNTERS = {
    "values": ("boxkite_value_bucket", f"{_OF_VARIABLE}, le", "bucket:boxkite_value"),
    "categories": ("boxkite_category_total", f"{_OF_VARIABLE}, category", "cell:boxkite_category"),
    "missing": ("boxkite_missing_total", _OF_VARIABLE, "variable:boxkite_missing"),
    "invalid": ("boxkite_invalid_total", _OF_VARIABLE, "variable:boxkite_invalid"),
    "outside": ("boxkite_outside_total", _OF_VARIABLE, "variable:boxkite_outside"),
    **{
        f"outcome_{taken}{name}": (
            f"boxkite_outcome_{taken}{name}_total",
            f"{_OF_VARIABLE}, {labels}",
            f"{level}:boxkite_outcome_{taken}{name}",
        )
        for name, (level, labels) in OUTCOME_COUNTERS.items()
        for taken in ("", "withdrawn_")
    },
}
"""Each counter, its labels that boxkite_predictions_total lacks, and the series that records it."""


def is_summed(window: str) -> bool:
    """Return whether a window is so long that it is a sum of steps."""
    return parse_duration(window) > _LONGEST_RAW_SECONDS


def counts_of(window: str) -> dict[str, str]:
    """Return PromQL for the rows of a window, by placeholder of the template."""
    return counted_in_steps(window) if is_summed(window) else counted_raw(window)


def counted_raw(window: str) -> dict[str, str]:
    """Return PromQL that reads the counters themselves, whatever the length of the window."""
    return _each(lambda series, labels, _: _counted(series, window, labels))


def counted_in_steps(window: str) -> dict[str, str]:
    """Return PromQL that adds up recorded steps."""
    # The subquery evaluates at each multiple of a step, no matter how often the steps are recorded.
    steps = f"increase{_STEP}[{window}:{_STEP}]"
    return _each(lambda _, __, record: f"sum_over_time({record}:{steps})")


def counted_in_step() -> dict[str, str]:
    """Return PromQL for the rows of the last step, by placeholder of the template."""
    return _each(lambda series, labels, _: _counted_in_step(series, labels))


def _each(count: Callable[[str, str, str], str]) -> dict[str, str]:
    return {f"counted_{name}": count(*counter) for name, counter in _COUNTERS.items()}


def _range(duration: str) -> str:
    return f"[{duration}{_LEFT_END}]"


def _counted(series: str, window: str, labels: str) -> str:
    """Return PromQL for the rows that a window added to a counter of each target."""
    over = _range(window)
    restarted = f"ignoring ({labels}) resets(boxkite_predictions_total{over}) > 0"
    return (
        "(\n"
        f"  max_over_time({series}{over}) - min_over_time({series}{over})\n"
        f"  unless {restarted}\n"
        ")\n"
        "or\n"
        "(\n"
        f"  increase({series}{over})\n"
        f"  and {restarted}\n"
        ")"
    )


def _counted_in_step(series: str, labels: str) -> str:
    """Return PromQL for the rows that each target added to a counter since the step before."""
    step, away, away_and_step = map(_range, (_STEP, _AWAY, _AWAY_AND_STEP))
    resets = "resets(boxkite_predictions_total"
    restarted = (
        f"ignoring ({labels}) {resets}{away_and_step})\n"
        f"  > ({resets}{away} offset {_STEP}) or 0 * {resets}{away_and_step}))"
    )
    return (
        "(\n"
        f"  clamp_min(\n"
        f"    last_over_time({series}{step})\n"
        f"    - (last_over_time({series}{away} offset {_STEP}) or "
        f"min_over_time({series}{step})),\n"
        "    0\n"
        "  )\n"
        f"  unless {restarted}\n"
        ")\n"
        "or\n"
        "(\n"
        f"  increase({series}{step})\n"
        f"  and {restarted}\n"
        ")"
    )
