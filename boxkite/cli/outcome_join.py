"""Count predictions that are joined with their labels: all of them, by segment, and by day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.outcome_pairs import OutcomeCells
from boxkite.quality import Outcomes

__all__ = ["Joined", "JoinedPart", "LabelledRows", "PairCounter"]

Counts: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = Sequence[int] | Counts


class LabelledRows(NamedTuple):
    """Predictions with their labels, column by column.

    Attributes:
        outputs: Values of each output.
        labels: Outcome of each prediction; None for a prediction without a label.
        segments: Indices of the predictions of each segment, by its label.
        days: Indices of the predictions of each day in UTC. Predictions without a time are absent.
    """

    outputs: Sequence[Any]
    labels: Sequence[Any]
    segments: Mapping[str, Rows]
    days: Mapping[date, Rows]


@dataclass(frozen=True)
class JoinedPart:
    """Predictions with their labels: all of them, one segment, or one day.

    Attributes:
        outcomes: Paired rows.
        predictions: Number of predictions.
        labelled: Number of these that have a label.
        scores: Number of predictions, with and without a label, in each bin of the output. Empty
            if the output is not a single score.
    """

    outcomes: Outcomes
    predictions: int
    labelled: int
    scores: Counts

    @property
    def coverage(self) -> float:
        """Share of the predictions that have a label."""
        return self.labelled / self.predictions if self.predictions else 0.0


@dataclass(frozen=True)
class Joined:
    """Predictions of a log or a table with their labels.

    Attributes:
        whole: All predictions with the baseline's model and version.
        segments: The predictions of each segment, by its label.
        days: The predictions of each day in UTC, the first day first.
        others: Number of predictions of other models and versions.
        foreign: Number of labels that belong to those.
        unknown: Number of labels without a prediction here: it was not sampled, made at another
            time, or never made.
    """

    whole: JoinedPart
    segments: Mapping[str, JoinedPart] = field(default_factory=dict[str, JoinedPart])
    days: Mapping[date, JoinedPart] = field(default_factory=dict[date, JoinedPart])
    others: int = 0
    foreign: int = 0
    unknown: int = 0


class PairCounter:
    """Counts predictions with their labels, chunk by chunk.

    Args:
        cells: Cells to count.
        segments: Labels of the segments to count.
    """

    def __init__(self, cells: OutcomeCells, segments: Iterable[str]) -> None:
        self._cells = cells
        self._whole = _Part(cells)
        self._segments = {label: _Part(cells) for label in segments}
        self._days: dict[date, _Part] = {}

    def add(self, rows: LabelledRows) -> None:
        """Count more predictions.

        Raises:
            BaselineError: If the columns differ in length.
        """
        numbers = _Numbers.of(self._cells, rows)
        self._whole.add(numbers, np.arange(len(rows.labels)))
        for label, places in rows.segments.items():
            self._segments[label].add(numbers, places)
        for day, places in rows.days.items():
            self._days.setdefault(day, _Part(self._cells)).add(numbers, places)

    def joined(self, *, others: int = 0, foreign: int = 0, labels: int = 0) -> Joined:
        """Return what was counted.

        Args:
            others: Number of predictions of other models and versions.
            foreign: Number of labels that belong to those.
            labels: Number of all labels that were looked for.
        """
        whole = self._whole.joined()
        return Joined(
            whole,
            {label: part.joined() for label, part in self._segments.items()},
            {day: self._days[day].joined() for day in sorted(self._days)},
            others,
            foreign,
            max(0, labels - foreign - whole.labelled),
        )


class _Numbers(NamedTuple):
    """Predictions with their labels as numbers, which can be cut into segments and days.

    Attributes:
        outputs: Outputs, shape (rows, outputs). NaN if it is missing or invalid.
        outcomes: Outcome of each prediction. NaN if it is missing or invalid.
        labelled: Whether each prediction has a label, valid or not.
    """

    outputs: Floats
    outcomes: Floats
    labelled: NDArray[np.bool_]

    @classmethod
    def of(cls, cells: OutcomeCells, rows: LabelledRows) -> _Numbers:
        labelled = np.array([each is not None for each in rows.labels], dtype=np.bool_)
        outcomes = np.full(len(labelled), np.nan)
        known = [each for each in rows.labels if each is not None]
        outcomes[labelled] = cells.numbers_of_outcomes(known)
        return cls(cells.numbers_of_outputs(rows.outputs, len(labelled)), outcomes, labelled)


class _Part:
    """Counts all predictions, one segment, or one day."""

    def __init__(self, cells: OutcomeCells) -> None:
        self._cells = cells
        self._outcomes = cells.count_numbers(np.empty((0, cells.width)), np.empty(0))
        first = self._outcomes.pairs[0]
        self._edges: Floats = first.edges
        self._scores = np.zeros(len(first.counts) if first.kind == "score" else 0, dtype=np.int64)
        self._predictions = self._labelled = 0

    def add(self, numbers: _Numbers, places: Rows) -> None:
        """Count the predictions with these indices."""
        rows = np.asarray(places, dtype=np.int64)
        known = rows[numbers.labelled[rows]]
        self._predictions += len(rows)
        self._labelled += len(known)
        if len(known):
            found = self._cells.count_numbers(numbers.outputs[known], numbers.outcomes[known])
            self._outcomes = self._outcomes.plus(found)
        if len(self._scores):
            scores: Floats = numbers.outputs[rows, 0]
            cells = np.searchsorted(self._edges, scores[np.isfinite(scores)])
            self._scores += np.bincount(cells, minlength=len(self._scores))

    def joined(self) -> JoinedPart:
        """Return what was counted."""
        return JoinedPart(self._outcomes, self._predictions, self._labelled, self._scores)
