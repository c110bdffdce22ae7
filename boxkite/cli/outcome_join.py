"""Join the predictions of a log with a table of labels, and count pairs of cells.

Memory holds the labels and one chunk of the log, so it does not grow with the log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline import Baseline, SegmentColumn
from boxkite.baseline.outcome_pairs import OutcomeCells
from boxkite.baseline.outcome_values import row_numbers
from boxkite.cli.labels import Labels
from boxkite.cli.log_counting import logged_output, unredacted
from boxkite.logs.log_line import LoggedPrediction
from boxkite.logs.reader.log_reader import LogReader
from boxkite.quality import Outcomes
from boxkite.system.type_guards import is_dict, is_list

__all__ = ["Joined", "join_labels", "segment_of"]

Counts: TypeAlias = NDArray[np.int64]

_ROWS = 10_000
_PLAIN = frozenset({str, int, float, bool})


@dataclass(frozen=True)
class Joined:
    """Predictions of a log with their labels.

    Attributes:
        outcomes: Paired rows.
        predictions: Number of predictions with the baseline's model and version.
        labelled: Number of these that have a label.
        others: Number of predictions of other models and versions.
        foreign: Number of labels that belong to those.
        unknown: Number of labels without a prediction in this part of the log: it was not sampled,
            made at another time, or never made.
        scores: Number of predictions, with and without a label, in each bin of the output. Empty
            if the output is not a single score.
        segments: The same for the predictions of each segment, by its label. They have no numbers
            of others, foreign and unknown labels.
    """

    outcomes: Outcomes
    predictions: int
    labelled: int
    others: int
    foreign: int
    unknown: int
    scores: Counts
    segments: Mapping[str, Joined] = field(default_factory=dict[str, "Joined"])

    @property
    def coverage(self) -> float:
        """Share of the predictions that have a label."""
        return self.labelled / self.predictions if self.predictions else 0.0


class _Part:
    """Counts all predictions, or those of one segment."""

    def __init__(self, cells: OutcomeCells, outputs: int) -> None:
        self._cells = cells
        self.outcomes = cells.count([[] for _ in range(outputs)], [])
        self._first = self.outcomes.pairs[0]
        scored = self._first.kind == "score"
        self.scores = np.zeros(len(self._first.counts) if scored else 0, dtype=np.int64)
        self.predictions = self.labelled = 0

    def add(self, outputs: Sequence[list[Any]], known: Sequence[tuple[list[Any], Any]]) -> None:
        """Count predictions.

        Args:
            outputs: Values of each output, for each prediction.
            known: The same for each prediction that has a label, with the label.
        """
        self.predictions += len(outputs)
        self.labelled += len(known)
        columns = [list(each) for each in zip(*(values for values, _ in known), strict=True)]
        if columns:
            labels = [label for _, label in known]
            self.outcomes = self.outcomes.plus(self._cells.count(columns, labels))
        if len(self.scores) and outputs:
            scores = row_numbers([values[0] for values in outputs])
            cells = np.searchsorted(self._first.edges, scores[np.isfinite(scores)])
            self.scores += np.bincount(cells, minlength=len(self.scores))

    def joined(self) -> Joined:
        """Return what was counted."""
        return Joined(self.outcomes, self.predictions, self.labelled, 0, 0, 0, self.scores)


class _Join:
    """Counts what was joined so far."""

    def __init__(self, baseline: Baseline, labels: Labels, cells: OutcomeCells) -> None:
        self._baseline = baseline
        self._labels = labels.outcomes
        self._names = [each.name for each in baseline.outputs]
        self.whole = _Part(cells, len(self._names))
        self.segments = {label: _Part(cells, len(self._names)) for label in baseline.segment_labels}
        self.others = self.foreign = 0

    def add(self, chunk: Sequence[LoggedPrediction]) -> None:
        """Count a part of the log."""
        ours = [each for each in chunk if self._is_ours(each)]
        self.others += len(chunk) - len(ours)
        outputs = [self._values(each) for each in ours]
        self._add(self.whole, ours, outputs, range(len(ours)))
        for column in self._baseline.segments:
            rows: dict[str, list[int]] = {}
            for i, each in enumerate(ours):
                rows.setdefault(segment_of(self._baseline, column, each), []).append(i)
            for label, places in rows.items():
                self._add(self.segments[label], ours, outputs, places)

    def _add(
        self,
        part: _Part,
        ours: Sequence[LoggedPrediction],
        outputs: Sequence[list[Any]],
        places: Sequence[int],
    ) -> None:
        known = [i for i in places if ours[i].entity_id in self._labels]
        pairs = [(outputs[i], self._labels[ours[i].entity_id]) for i in known]
        part.add([outputs[i] for i in places], pairs)

    def _is_ours(self, logged: LoggedPrediction) -> bool:
        ours = (self._baseline.model, self._baseline.version)
        if (logged.model, logged.version) == ours:
            return True
        self.foreign += logged.entity_id in self._labels
        return False

    def _values(self, logged: LoggedPrediction) -> list[Any]:
        """Return the value of each output; None for one that is no plain value."""
        row = logged_output(logged, self._names)
        if isinstance(row, dict):
            row = [row.get(name) for name in self._names]
        values: list[Any] = [None] * len(self._names) if row is None else row
        return [each if type(each) in _PLAIN else None for each in values]


def join_labels(baseline: Baseline, log: LogReader, labels: Labels, cells: OutcomeCells) -> Joined:
    """Join a log with labels.

    Only predictions with the baseline's model and version are paired, because another model has
    another quality.

    Args:
        baseline: Baseline of the model.
        log: Predictions.
        labels: Outcomes by entity id.
        cells: Cells to count.

    Raises:
        OSError: If the log cannot be read.
    """
    join = _Join(baseline, labels, cells)
    for chunk in log.chunks(_ROWS):
        join.add(chunk)
    whole = join.whole.joined()
    return replace(
        whole,
        others=join.others,
        foreign=join.foreign,
        unknown=len(labels.outcomes) - whole.labelled - join.foreign,
        segments={label: part.joined() for label, part in join.segments.items()},
    )


def segment_of(baseline: Baseline, column: SegmentColumn, logged: LoggedPrediction) -> str:
    """Return the label of a logged prediction's segment.

    Args:
        baseline: Baseline with the segments.
        column: Column of the segments.
        logged: Prediction of a log.
    """
    values = unredacted(logged.segments)
    value = values.get(column.name) if is_dict(values) else None
    if value is None and column.is_feature:
        features = unredacted(logged.features)
        if is_dict(features):
            value = features.get(column.name)
        elif is_list(features):
            names = [each.name for each in baseline.features]
            value = dict(zip(names, features, strict=False)).get(column.name)
    try:
        return column.labels[column.place_of(value)]
    except ValueError:
        return column.labels[-1]  # counts as missing, as in the service
