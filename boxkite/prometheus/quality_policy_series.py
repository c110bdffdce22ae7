"""The series that export a service's policy on quality to the rules."""

from __future__ import annotations

import math

from boxkite.baseline import Baseline
from boxkite.baseline.quality_series import quality_labels
from boxkite.baseline.text_writer import Family, format_labels
from boxkite.quality import QualityPolicy, QualityStatistic, measure
from boxkite.quality.quality_verdict import critical

__all__ = ["quality_policy_families"]

_DEFAULT = QualityPolicy()


def quality_policy_families(baseline: Baseline, policy: QualityPolicy) -> list[Family]:
    """Return the critical values and floors of each judged statistic.

    Args:
        baseline: The baseline of the service; one without outcomes has no such series.
        policy: The policy of the service on quality.
    """
    if baseline.outcomes is None:
        return []
    found = measure(baseline.outcomes)
    judged = [each for each in found if each.judged]
    scale = next((each.value for each in found if each.name == "rmse"), math.nan)
    names = {"model": baseline.model, "version": baseline.version}

    def labelled(statistic: QualityStatistic, **labels: str) -> str:
        labels = {"statistic": statistic.name, **labels}
        return f"{quality_labels(statistic.output, **names)},{format_labels(labels)}"

    families = [
        _gauge(
            "boxkite_quality_critical",
            "Quantile of the normal distribution that a worse statistic must exceed.",
            {
                labelled(each, window=window): critical(
                    each, policy.sliding_share(window, len(judged))
                )
                for window in policy.windows
                for each in judged
            },
        ),
        _gauge(
            "boxkite_quality_min_change",
            "Smallest change for the worse that matters.",
            {labelled(each): policy.floor(each, scale) for each in judged if each.is_defined},
        ),
    ]
    if policy.min_rows != _DEFAULT.min_rows:
        documentation = f"Fewest rows for a verdict, if not {_DEFAULT.min_rows}."
        outputs = dict.fromkeys(quality_labels(each.output, **names) for each in judged)
        samples = dict.fromkeys(outputs, float(policy.min_rows))
        families.append(_gauge("boxkite_quality_min_rows", documentation, samples))
    return families


def _gauge(name: str, documentation: str, samples: dict[str, float]) -> Family:
    series = [f"{name}{{{labels}}}" for labels in samples]
    return Family(name, "gauge", documentation, series, list(samples.values()))
