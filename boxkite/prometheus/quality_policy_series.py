"""The series that export a service's policy on quality to the rules."""

from __future__ import annotations

import math

from boxkite.baseline import Baseline
from boxkite.baseline.quality_series import quality_labels
from boxkite.baseline.text_writer import Family, format_labels
from boxkite.quality import QualityPolicy, measure
from boxkite.quality.quality_policy import parts_of_false_alarms
from boxkite.quality.quality_verdict import critical

__all__ = ["quality_policy_families"]

_DEFAULT = QualityPolicy()


def quality_policy_families(baseline: Baseline, policy: QualityPolicy) -> list[Family]:
    """Return the critical values and floors of each judged statistic.

    If there are segments, the whole gets half of the false alarms, and each segment an equal part
    of the other half.

    Args:
        baseline: The baseline of the service; one without outcomes has no such series.
        policy: The policy of the service on quality.
    """
    criticals: dict[str, float] = {}
    floors: dict[str, float] = {}
    rows: dict[str, float] = {}
    outcomes = baseline.outcomes_by_segment
    for segment, found in outcomes.items():
        statistics = measure(found)
        judged = [each for each in statistics if each.judged]
        scale = next((each.value for each in statistics if each.name == "rmse"), math.nan)
        parts = parts_of_false_alarms(len(outcomes) - 1, whole=not segment)
        for each in judged:
            output = quality_labels(
                each.output, segment, model=baseline.model, version=baseline.version
            )
            labels = f"{output},{format_labels({'statistic': each.name})}"
            for window in policy.windows:
                share = policy.sliding_share(window, len(judged), parts)
                criticals[f"{labels},{format_labels({'window': window})}"] = critical(each, share)
            if each.is_defined:
                floors[labels] = policy.floor(each, scale)
            if policy.min_rows != _DEFAULT.min_rows:
                rows[output] = policy.min_rows
    families = [
        _gauge(
            "boxkite_quality_critical",
            "Quantile of the normal distribution that a worse statistic must exceed.",
            criticals,
        ),
        _gauge("boxkite_quality_min_change", "Smallest change for the worse that matters.", floors),
        _gauge(
            "boxkite_quality_min_rows",
            f"Fewest rows for a verdict, if not {_DEFAULT.min_rows}.",
            rows,
        ),
    ]
    return [each for each in families if each.series]


def _gauge(name: str, documentation: str, samples: dict[str, float]) -> Family:
    series = [f"{name}{{{labels}}}" for labels in samples]
    return Family(name, "gauge", documentation, series, list(samples.values()))
