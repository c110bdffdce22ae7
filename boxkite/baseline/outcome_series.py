"""The series of paired predictions and outcomes, at training and while serving.

Each set of pairs has five families with a common prefix: `pairs`, `below`, `outputs`, `losses` and
`loss_squares`. At training they are gauges. While serving they are counters: those with the prefix
`WITHDRAWN` hold what corrected labels took back, because a counter must not fall.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product

from boxkite.baseline.text_writer import Family, format_float, format_labels
from boxkite.quality.pairs import OutcomePairs, Outcomes

__all__ = ["BASELINE", "PAIRED", "WITHDRAWN", "PairSeries", "outcome_families"]

BASELINE = "boxkite_baseline_outcome"
"""Prefix of the series of training."""

PAIRED = "boxkite_outcome"
"""Prefix of the series of labels that arrived while serving."""

WITHDRAWN = "boxkite_outcome_withdrawn"
"""Prefix of the series of pairs that a corrected label took back."""

_DOCUMENTATION = {
    "pairs": "Rows with this output and this outcome.",
    "below": "Rows with this outcome whose output is in a lower bin.",
    "outputs": "Sum of the outputs in one bin, over rows with an outcome.",
    "losses": "Sum of a loss over rows with an outcome.",
    "loss_squares": "Sum of the squares of a loss.",
}


class PairSeries:
    """The names of the series of pairs, written once.

    A cell is named by its category, or by the upper edge of its bin. `below` exists for scores
    only, and `outputs` for probabilities only.

    Args:
        prefix: Common prefix of the families: `BASELINE`, `PAIRED` or `WITHDRAWN`.
        layouts: Outcomes that are counted in the same cells, by segment. The segment of all rows
            is "", and its series have no label `segment`.
        labels: Labels of all series.
        suffix: End of each sample's name: `_total` for counters.
    """

    def __init__(
        self,
        prefix: str,
        layouts: Mapping[str, Outcomes],
        labels: Mapping[str, str],
        suffix: str = "",
    ) -> None:
        self._type = "counter" if suffix else "gauge"
        self._names = {each: f"{prefix}_{each}" for each in _DOCUMENTATION}
        self._series: dict[str, list[str]] = {each: [] for each in _DOCUMENTATION}
        for segment, pairs in _each(layouts):
            names = {**labels, "variable_role": "output", "variable": pairs.output}
            start = format_labels({**names, "segment": segment} if segment else names)
            for family, found in _cell_labels(pairs).items():
                name = self._names[family] + suffix
                self._series[family] += [f"{name}{{{start},{each}}}" for each in found]

    def families(self, outcomes: Mapping[str, Outcomes]) -> list[Family]:
        """Return the families with the values of outcomes, without families that have no series.

        Args:
            outcomes: Outcomes by segment, in the order of the layouts.
        """
        values: dict[str, list[float]] = {each: [] for each in _DOCUMENTATION}
        for _, pairs in _each(outcomes):
            values["pairs"] += pairs.counts.ravel().tolist()
            values["below"] += pairs.below.ravel().tolist() if pairs.kind == "score" else []
            values["outputs"] += pairs.output_sums.tolist()
            values["losses"] += [loss.total for loss in pairs.losses.values()]
            values["loss_squares"] += [loss.squares for loss in pairs.losses.values()]
        return [
            Family(self._names[each], self._type, documentation, series, values[each])
            for each, documentation in _DOCUMENTATION.items()
            if (series := self._series[each])
        ]


def _each(outcomes: Mapping[str, Outcomes]) -> Iterator[tuple[str, OutcomePairs]]:
    for segment, found in outcomes.items():
        for pairs in found.pairs:
            yield segment, pairs


def _cell_labels(pairs: OutcomePairs) -> dict[str, Sequence[str]]:
    """Return the labels that tell the series of one output apart, by family."""
    rows, columns = _cells(pairs)
    both = [
        format_labels({"output_cell": row, "outcome_cell": column})
        for row, column in product(rows, columns)
    ]
    losses = [format_labels({"loss": name}) for name in pairs.losses]
    return {
        "pairs": both,
        "below": both if pairs.kind == "score" else [],
        "outputs": [format_labels({"output_cell": row}) for row in rows[: len(pairs.output_sums)]],
        "losses": losses,
        "loss_squares": losses,
    }


def _cells(pairs: OutcomePairs) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the output's cells and of the outcome's."""
    bins = (*map(format_float, pairs.edges.tolist()), "+Inf")
    if pairs.kind == "number":
        return bins, bins
    return (bins if pairs.kind == "score" else pairs.categories), pairs.categories


def outcome_families(outcomes: Mapping[str, Outcomes], *, model: str, version: str) -> list[Family]:
    """Return the series of the outcomes of training; none if there were none.

    Counts of 0 have no series, because most pairs of cells are empty in a large confusion matrix.

    Args:
        outcomes: Outcomes of training by segment; the segment of all rows is "".
        model: Value of the label `model_name`.
        version: Value of the label `model_version`.
    """
    labels = {"model_name": model, "model_version": version}
    counts = (f"{BASELINE}_pairs", f"{BASELINE}_below")
    return [
        _without_zeros(each) if each.name in counts else each
        for each in PairSeries(BASELINE, outcomes, labels).families(outcomes)
    ]


def _without_zeros(family: Family) -> Family:
    kept = [each for each in zip(family.series, family.values, strict=True) if each[1]]
    return replace(family, series=[series for series, _ in kept], values=[v for _, v in kept])
