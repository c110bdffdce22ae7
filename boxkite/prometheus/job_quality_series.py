"""The series that a job writes about the quality of a model, for the textfile collector."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias, get_args

from boxkite.baseline import Baseline
from boxkite.baseline.quality_series import quality_labels, statistic_labels
from boxkite.baseline.text_writer import Family, format_labels
from boxkite.drift.comparison_series import JobRun
from boxkite.prometheus.series_labels import part_labels, version_labels
from boxkite.quality import Quality, QualityChange, QualityVerdict

__all__ = ["JudgedRows", "job_quality_families"]

Samples: TypeAlias = list[tuple[str, float]]

_SEVERITIES = {"": 0, "warning": 1, "critical": 2}

_DOCUMENTATION = {
    "timestamp_seconds": "When the job ran.",
    "interval_seconds": "Time between two runs.",
    "period_end_seconds": "End of the period of the predictions.",
    "predictions": "Predictions in the period.",
    "coverage": "Fraction of predictions with an outcome.",
    "model_verdict": "1 for the verdict on the model.",
    "value": "Statistic of quality.",
    "low": "Lower end at 95 %.",
    "high": "Upper end at 95 %.",
    "rows": "Rows that determine it.",
    "loss": "How much worse than at training.",
    "threshold": "A loss above it is more than chance explains.",
    "severity": "0 for ok, 1 for warning, 2 for critical; absent if there is not enough data.",
    "estimated": "Expected from the scores alone.",
}


class JudgedRows(NamedTuple):
    """The quality of all predictions, or of those of one segment.

    Attributes:
        quality: Their quality.
        predictions: Number of predictions in the period, with and without a label.
    """

    quality: Quality
    predictions: int


def job_quality_families(
    baseline: Baseline, parts: Mapping[str, JudgedRows], run: JobRun
) -> list[Family]:
    """Return the series of a comparison of quality.

    Args:
        baseline: The baseline whose model is judged.
        parts: The judged predictions by segment; the segment of all predictions is "".
        run: When the job ran.
    """
    model = format_labels(version_labels(baseline))
    end = math.nan if run.period_end is None else run.period_end
    samples: dict[str, Samples] = {name: [] for name in _DOCUMENTATION}
    samples["timestamp_seconds"].append((model, run.ran_at))
    samples["interval_seconds"].append((model, run.interval))
    samples["period_end_seconds"].append((model, end))
    for segment, part in parts.items():
        for name, found in _samples(baseline, segment, part).items():
            samples[name] += found
    families = (_gauge(name, _DOCUMENTATION[name], found) for name, found in samples.items())
    return [family for family in families if family.series]


def _samples(baseline: Baseline, segment: str, part: JudgedRows) -> dict[str, Samples]:
    """Return the samples of all predictions, or of one segment, by the name of the family."""
    quality, predictions = part
    labels = format_labels(part_labels(baseline, segment))
    found = [(_labels(baseline, segment, each), each) for each in quality]
    judged = [(its, each) for its, each in found if each.verdict]
    estimated = {each.name: each.value for each in quality.estimated}
    return {
        "predictions": [(labels, predictions)],
        "coverage": [(labels, quality.rows / predictions if predictions else math.nan)],
        "model_verdict": [
            (f'{labels},verdict="{each}"', int(each == quality.verdict))
            for each in get_args(QualityVerdict)
        ],
        "value": [(its, each.now.value) for its, each in found],
        "low": [(its, each.now.interval.low) for its, each in found],
        "high": [(its, each.now.interval.high) for its, each in found],
        "rows": [(its, each.now.rows) for its, each in found],
        "loss": [(its, each.loss) for its, each in judged],
        "threshold": [(its, each.threshold) for its, each in judged],
        "severity": [
            (its, _SEVERITIES[each.severity])
            for its, each in judged
            if each.verdict in ("ok", "worse")
        ],
        "estimated": [
            (its, estimated[each.now.name])
            for its, each in found
            if each.now.name in estimated and not each.now.category
        ],
    }


def _labels(baseline: Baseline, segment: str, change: QualityChange) -> str:
    names = {"model": baseline.model, "version": baseline.version}
    return f"{quality_labels(change.now.output, segment, **names)},{statistic_labels(change.now)}"


def _gauge(name: str, documentation: str, samples: Samples) -> Family:
    full = f"boxkite_quality_{name}"
    known = [(labels, value) for labels, value in samples if not math.isnan(value)]
    series = [f"{full}{{{labels}}}" for labels, _ in known]
    return Family(full, "gauge", documentation, series, [value for _, value in known])
