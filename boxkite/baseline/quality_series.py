"""The series `boxkite_baseline_quality…`: quality at training, and what rules need to measure it.

The statistics follow from the pairs of training. They are exported because a rule would otherwise
have to derive them again in every evaluation, although they never change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from boxkite.baseline.text_writer import Family, format_float, format_labels
from boxkite.baseline.variable import NumericVariable, Variable
from boxkite.quality import OutcomePairs, Outcomes, QualityStatistic, measure
from boxkite.quality.estimate import positive_rates

__all__ = ["quality_families", "quality_labels"]

_PARTS = {
    "": "Statistic of quality at training.",
    "_low": "Lower end of its interval at 95 %.",
    "_high": "Upper end of its interval at 95 %.",
    "_rows": "Training rows that determine it.",
}


def quality_labels(output: str, *, model: str, version: str) -> str:
    """Return the labels of an output's series as text."""
    return format_labels(
        {
            "model_name": model,
            "model_version": version,
            "variable_role": "output",
            "variable": output,
        }
    )


def quality_families(
    outcomes: Outcomes | None, outputs: Sequence[Variable], *, model: str, version: str
) -> list[Family]:
    """Return the series of quality at training; none if training had no outcomes.

    Args:
        outcomes: Outcomes of training; None if there were none.
        outputs: Output variables of the model.
        model: Value of the label `model_name`.
        version: Value of the label `model_version`.
    """
    if outcomes is None:
        return []
    labels = {
        each.output: quality_labels(each.output, model=model, version=version)
        for each in outcomes.pairs
    }
    found = [
        *_statistics(outcomes, labels),
        _variation(outcomes, labels),
        _gauge(
            "outcome_predicted",
            "1 if a score in this bin is a positive prediction, otherwise 0.",
            [
                (f"{labels[pairs.output]},{cell}", float(bound > threshold))
                for pairs, threshold in _with_threshold(outcomes)
                for cell, bound in zip(_bins(pairs), [*pairs.edges, np.inf], strict=True)
            ],
        ),
        _gauge(
            "outcome_rate",
            "Rate of positive outcomes to expect in one bin of the score.",
            [
                (f"{labels[pairs.output]},{cell}", rate)
                for pairs, _ in _with_threshold(outcomes)
                # Predictions are counted in the bins of the output. In baselines that were fitted
                # with `like=`, the threshold may lie within one of these bins.
                if _has_bins_of(pairs, outputs)
                for cell, rate in zip(_bins(pairs), positive_rates(pairs).tolist(), strict=True)
            ],
        ),
    ]
    return [family for family in found if family.series]


def _statistics(outcomes: Outcomes, labels: dict[str, str]) -> list[Family]:
    known = [each for each in measure(outcomes) if each.is_defined]
    series = [f"{labels[each.output]},{_names(each)}" for each in known]
    columns = zip(*((*each.interval, each.rows) for each in known), strict=True)
    return [
        _gauge(f"quality{part}", documentation, list(zip(series, values, strict=True)))
        for (part, documentation), values in zip(_PARTS.items(), columns, strict=False)
    ]


def _names(statistic: QualityStatistic) -> str:
    """Return the labels that name a statistic among those of its output."""
    names = {"statistic": statistic.name}
    # The probability of a class is an output of its own, so its name is not repeated.
    if statistic.category and statistic.category != statistic.output:
        names["category"] = statistic.category
    return format_labels(names)


def _variation(outcomes: Outcomes, labels: dict[str, str]) -> Family:
    return _gauge(
        "quality_variation",
        "How a statistic varied between windows of training.",
        [
            (f"{labels[each.output]},{format_labels(names | {'part': part})}", value)
            for window, found in outcomes.variation.items()
            for each in found
            for names in [{"statistic": each.statistic, "window": window}]
            for part, value in zip(each._fields[2:], each[2:], strict=True)
        ],
    )


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
