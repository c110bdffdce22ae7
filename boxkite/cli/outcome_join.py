"""Join the predictions of a log with a table of labels, and count pairs of cells.

Memory holds the labels and one chunk of the log, so it does not grow with the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline import Baseline
from boxkite.baseline.outcome_pairs import OutcomeCells
from boxkite.baseline.outcome_values import row_numbers
from boxkite.cli.labels import Labels
from boxkite.cli.log_counting import logged_output
from boxkite.logs.log_line import LoggedPrediction
from boxkite.logs.reader.log_reader import LogReader
from boxkite.quality import Outcomes

__all__ = ["Joined", "join_labels"]

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
    """

    outcomes: Outcomes
    predictions: int
    labelled: int
    others: int
    foreign: int
    unknown: int
    scores: Counts

    @property
    def coverage(self) -> float:
        """Share of the predictions that have a label."""
        return self.labelled / self.predictions if self.predictions else 0.0


class _Join:
    """Counts what was joined so far."""

    def __init__(self, baseline: Baseline, labels: Labels, cells: OutcomeCells) -> None:
        self._baseline = baseline
        self._labels = labels.outcomes
        self._cells = cells
        self._names = [each.name for each in baseline.outputs]
        self.outcomes = cells.count([[] for _ in self._names], [])
        self._first = self.outcomes.pairs[0]
        scored = self._first.kind == "score"
        self.scores = np.zeros(len(self._first.counts) if scored else 0, dtype=np.int64)
        self.predictions = self.others = self.foreign = self.labelled = 0

    def add(self, chunk: Sequence[LoggedPrediction]) -> None:
        """Count a part of the log."""
        ours = [each for each in chunk if self._is_ours(each)]
        outputs = [self._values(each) for each in ours]
        self.predictions += len(ours)
        self.others += len(chunk) - len(ours)
        known = [i for i, each in enumerate(ours) if each.entity_id in self._labels]
        self.labelled += len(known)
        columns = [list(each) for each in zip(*(outputs[i] for i in known), strict=True)]
        if columns:
            labels = [self._labels[ours[i].entity_id] for i in known]
            self.outcomes = self.outcomes.plus(self._cells.count(columns, labels))
        if len(self.scores) and outputs:
            scores = row_numbers([values[0] for values in outputs])
            cells = np.searchsorted(self._first.edges, scores[np.isfinite(scores)])
            self.scores += np.bincount(cells, minlength=len(self.scores))

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
    return Joined(
        join.outcomes,
        join.predictions,
        join.labelled,
        join.others,
        join.foreign,
        len(labels.outcomes) - join.labelled - join.foreign,
        join.scores,
    )
