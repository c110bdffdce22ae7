"""The series `boxkite_baseline_outcome_…`: predictions of training with their outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from boxkite.baseline.text_writer import Family, format_float, format_labels
from boxkite.quality.pairs import OutcomePairs, Outcomes

__all__ = ["outcome_families"]

_PREFIX = "boxkite_baseline_outcome"


def outcome_families(outcomes: Mapping[str, Outcomes], *, model: str, version: str) -> list[Family]:
    """Return the series of the outcomes of training; none if there were none.

    A cell is named by its category, or by the upper edge of its bin. Pairs without rows have no
    series.

    Args:
        outcomes: Outcomes of training by segment; the segment of all rows is "".
        model: Value of the label `model_name`.
        version: Value of the label `model_version`.
    """
    pairs: list[tuple[str, float]] = []
    sums: list[tuple[str, float]] = []
    losses: list[tuple[str, float]] = []
    squares: list[tuple[str, float]] = []
    by_segment = [(segment, each) for segment, found in outcomes.items() for each in found.pairs]
    for segment, each in by_segment:
        labels = format_labels(
            {
                "model_name": model,
                "model_version": version,
                "variable_role": "output",
                "variable": each.output,
                **({"segment": segment} if segment else {}),
            }
        )
        rows, columns = _cells(each)
        counts = zip(product(rows, columns), each.counts.ravel().tolist(), strict=True)
        for (row, column), count in counts:
            if count:
                cell = format_labels({"output_cell": row, "outcome_cell": column})
                pairs.append((f"{labels},{cell}", count))
        for row, total in zip(rows, each.output_sums.tolist(), strict=False):
            sums.append((f"{labels},{format_labels({'output_cell': row})}", total))
        for name, loss in each.losses.items():
            text = f"{labels},{format_labels({'loss': name})}"
            losses.append((text, loss.total))
            squares.append((text, loss.squares))
    found = [
        _gauge("pairs", "Training rows with this output and this outcome.", pairs),
        _gauge("outputs", "Sum of the outputs in one bin, over rows with an outcome.", sums),
        _gauge("losses", "Sum of a loss over training rows with an outcome.", losses),
        _gauge("loss_squares", "Sum of the squares of a loss.", squares),
    ]
    return [family for family in found if family.series]


def _cells(pairs: OutcomePairs) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the output's cells and of the outcome's."""
    bins = (*map(format_float, pairs.edges.tolist()), "+Inf")
    if pairs.kind == "number":
        return bins, bins
    return (bins if pairs.kind == "score" else pairs.categories), pairs.categories


def _gauge(name: str, documentation: str, samples: list[tuple[str, float]]) -> Family:
    full_name = f"{_PREFIX}_{name}"
    series = [f"{full_name}{{{labels}}}" for labels, _ in samples]
    return Family(full_name, "gauge", documentation, series, [value for _, value in samples])
