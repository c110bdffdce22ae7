"""The series `boxkite_baseline_quality…`: quality at training, and what rules need to measure it.

The statistics follow from the pairs of training. They are exported because a rule would otherwise
have to derive them again in every evaluation, although they never change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from boxkite.baseline.numeric_variable import NumericVariable
from boxkite.baseline.text_writer import Family, format_float, format_labels
from boxkite.baseline.variable import Variable
from boxkite.quality import OutcomePairs, Outcomes, QualityStatistic, measure
from boxkite.quality.estimate import positive_rates

__all__ = ["quality_families", "quality_labels", "statistic_labels"]

_STATISTICS = ("quality", "quality_low", "quality_high", "quality_rows")
_DOCUMENTATION = {
    "quality": "Statistic of quality at training.",
    "quality_low": "Lower end of its interval at 95 %.",
    "quality_high": "Upper end of its interval at 95 %.",
    "quality_rows": "Training rows that determine it.",
    "quality_variation": "How a statistic varied between windows of training.",
    "outcome_predicted": "1 if a score in this bin is a positive prediction, otherwise 0.",
    "outcome_rate": "Rate of positive outcomes to expect in one bin of the score.",
}


def quality_labels(output: str, segment: str = "", *, model: str, version: str) -> str:
    """Return the labels of an output's series as text, for all rows or for one segment."""
    labels = {
        "model_name": model,
        "model_version": version,
        "variable_role": "output",
        "variable": output,
    }
    return format_labels({**labels, "segment": segment} if segment else labels)


def quality_families(
    outcomes: Mapping[str, Outcomes], outputs: Sequence[Variable], *, model: str, version: str
) -> list[Family]:
    """Return the series of quality at training; none if training had no outcomes.

    Args:
        outcomes: Outcomes of training by segment; the segment of all rows is "".
        outputs: Output variables of the model.
        model: Value of the label `model_name`.
        version: Value of the label `model_version`.
    """
    samples: dict[str, list[tuple[str, float]]] = {name: [] for name in _DOCUMENTATION}
    for segment, found in outcomes.items():
        labels = {
            each.output: quality_labels(each.output, segment, model=model, version=version)
            for each in found.pairs
        }
        for statistic in measure(found):
            if statistic.is_defined:
                text = f"{labels[statistic.output]},{statistic_labels(statistic)}"
                values = (*statistic.interval, statistic.rows)
                for name, value in zip(_STATISTICS, values, strict=True):
                    samples[name].append((text, value))
        samples["quality_variation"] += _variation(found, labels)
        for pairs, threshold in _with_threshold(found):
            bins = [f"{labels[pairs.output]},{each}" for each in _bins(pairs)]
            positive = [float(bound > threshold) for bound in [*pairs.edges.tolist(), np.inf]]
            samples["outcome_predicted"] += zip(bins, positive, strict=True)
            # Predictions are counted in the bins of the output. In baselines that were fitted with
            # `like=`, the threshold may lie within one of these bins.
            if _has_bins_of(pairs, outputs):
                rates = positive_rates(pairs).tolist()
                samples["outcome_rate"] += zip(bins, rates, strict=True)
    return [
        _gauge(name, documentation, samples[name])
        for name, documentation in _DOCUMENTATION.items()
        if samples[name]
    ]


def statistic_labels(statistic: QualityStatistic) -> str:
    """Return the labels of one statistic of an output as text."""
    names = {"statistic": statistic.name}
    # The probability of a class is an output of its own, so its name is not repeated.
    if statistic.category and statistic.category != statistic.output:
        names["category"] = statistic.category
    return format_labels(names)


def _variation(outcomes: Outcomes, labels: Mapping[str, str]) -> Iterator[tuple[str, float]]:
    for window, found in outcomes.variation.items():
        for each in found:
            names = {"statistic": each.statistic, "window": window}
            for part, value in zip(each._fields[2:], each[2:], strict=True):
                yield f"{labels[each.output]},{format_labels({**names, 'part': part})}", value


def _with_threshold(outcomes: Outcomes) -> Iterator[tuple[OutcomePairs, float]]:
    """Yield the pairs of scores that become predictions at a threshold."""
    for pairs in outcomes.pairs:
        if pairs.threshold is not None:
            yield pairs, pairs.threshold


def _has_bins_of(pairs: OutcomePairs, outputs: Sequence[Variable]) -> bool:
    return any(
        isinstance(each, NumericVariable)
        and each.name == pairs.output
        and np.array_equal(each.edges, pairs.edges)
        for each in outputs
    )


def _bins(pairs: OutcomePairs) -> list[str]:
    """Return the label of each bin: its upper edge."""
    bounds = [*map(format_float, pairs.edges.tolist()), "+Inf"]
    return [f'output_cell="{bound}"' for bound in bounds]


def _gauge(name: str, documentation: str, samples: Sequence[tuple[str, float]]) -> Family:
    full_name = f"boxkite_baseline_{name}"
    series = [f"{full_name}{{{labels}}}" for labels, _ in samples]
    return Family(full_name, "gauge", documentation, series, [value for _, value in samples])
