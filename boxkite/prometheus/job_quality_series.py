"""The series that a job writes about the quality of a model, for the textfile collector."""

from __future__ import annotations

import math
from typing import TypeAlias, get_args

from boxkite.baseline import Baseline
from boxkite.baseline.quality_series import quality_labels
from boxkite.baseline.text_writer import Family, format_labels
from boxkite.drift.comparison_series import JobRun
from boxkite.prometheus.series_labels import version_labels
from boxkite.quality import Quality, QualityChange, QualityVerdict

__all__ = ["job_quality_families"]

Samples: TypeAlias = list[tuple[str, float]]

_SEVERITIES = {"": 0, "warning": 1, "critical": 2}


def job_quality_families(
    baseline: Baseline, quality: Quality, predictions: int, run: JobRun
) -> list[Family]:
    """Return the series of a comparison of quality.

    Args:
        baseline: The baseline whose model is judged.
        quality: Its quality.
        predictions: Number of predictions in the period, with and without a label.
        run: When the job ran.
    """
    labels = format_labels(version_labels(baseline))
    found = [(_labels(baseline, each), each) for each in quality]
    estimated = [
        (_labels(baseline, change), each.value)
        for each in quality.estimated
        for change in quality
        if (change.now.name, change.now.category) == (each.name, "")
    ]
    verdicts: Samples = [
        (f'{labels},verdict="{each}"', int(each == quality.verdict))
        for each in get_args(QualityVerdict)
    ]
    coverage = quality.rows / predictions if predictions else math.nan
    end = math.nan if run.period_end is None else run.period_end
    return [
        family
        for family in (
            _gauge("timestamp_seconds", "When the job ran.", [(labels, run.ran_at)]),
            _gauge("interval_seconds", "Time between two runs.", [(labels, run.interval)]),
            _gauge("period_end_seconds", "End of the period of the predictions.", [(labels, end)]),
            _gauge("predictions", "Predictions in the period.", [(labels, predictions)]),
            _gauge("coverage", "Fraction of predictions with an outcome.", [(labels, coverage)]),
            _gauge("model_verdict", "1 for the verdict on the model.", verdicts),
            _gauge("value", "Statistic of quality.", [(its, e.now.value) for its, e in found]),
            _gauge(
                "low", "Lower end at 95 %.", [(its, each.now.interval.low) for its, each in found]
            ),
            _gauge(
                "high", "Upper end at 95 %.", [(its, each.now.interval.high) for its, each in found]
            ),
            _gauge("rows", "Rows that determine it.", [(its, e.now.rows) for its, e in found]),
            _gauge("loss", "How much worse than at training.", _judged(baseline, quality, "loss")),
            _gauge(
                "threshold",
                "A loss above it is more than chance explains.",
                _judged(baseline, quality, "threshold"),
            ),
            _gauge(
                "severity",
                "0 for ok, 1 for warning, 2 for critical; absent if there is not enough data.",
                [
                    (its, _SEVERITIES[each.severity])
                    for its, each in found
                    if each.verdict in ("ok", "worse")
                ],
            ),
            _gauge("estimated", "Expected from the scores alone.", estimated),
        )
        if family.series
    ]


def _judged(baseline: Baseline, quality: Quality, name: str) -> Samples:
    return [(_labels(baseline, each), getattr(each, name)) for each in quality if each.verdict]


def _labels(baseline: Baseline, change: QualityChange) -> str:
    now = change.now
    names = {"statistic": now.name}
    # The probability of a class is an output of its own, so its name is not repeated.
    if now.category and now.category != now.output:
        names["category"] = now.category
    output = quality_labels(now.output, model=baseline.model, version=baseline.version)
    return f"{output},{format_labels(names)}"


def _gauge(name: str, documentation: str, samples: Samples) -> Family:
    full = f"boxkite_quality_{name}"
    known = [(labels, value) for labels, value in samples if not math.isnan(value)]
    series = [f"{full}{{{labels}}}" for labels, _ in known]
    return Family(full, "gauge", documentation, series, [value for _, value in known])
