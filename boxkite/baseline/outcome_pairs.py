"""Count the outputs of a model together with their true outcomes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.capture import NumericColumn, capture_column
from boxkite.baseline.class_probabilities import classes_of, winning_labels
from boxkite.baseline.row_labels import row_values
from boxkite.baseline.time_windows import row_cells
from boxkite.baseline.values import to_category, to_number
from boxkite.baseline.variable import (
    OTHER,
    UNSEEN,
    CategoryVariable,
    NumericVariable,
    Variable,
)
from boxkite.errors import BaselineError, BaselineWarning
from boxkite.quality.pairs import LossSums, OutcomeKind, OutcomePairs, Outcomes

__all__ = [
    "BINARY_LABELS",
    "CATCH_ALL",
    "DEFAULT_THRESHOLD",
    "OutcomeCells",
    "is_binary",
    "merge_outcomes",
    "row_numbers",
    "with_edge",
]

Cells: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = NDArray[np.bool_]

BINARY_LABELS = ("0", "1")
"""Cells of the outcome of a score."""

CATCH_ALL = (OTHER, UNSEEN)
"""Cells that stand for several classes. Two rows in the same cell may have different classes."""

DEFAULT_THRESHOLD = 0.5
"""A score above it is a positive prediction."""

_BINARY = CategoryVariable(
    name="outcome",
    role="outcome",
    position=0,
    counts=np.zeros(3, dtype=np.int64),
    missing=0,
    categories=(*BINARY_LABELS, UNSEEN),
)

# scikit-learn moves probabilities of 0 and 1 inwards by this much, which bounds the log loss.
_LEAST_PROBABILITY = float(np.finfo(np.float64).eps)


def is_binary(outcome: Any) -> bool:
    """Return whether all outcomes that are present are 0 or 1, in any spelling."""
    return bool((_binary_cells(outcome) < 2).all())


def _binary_cells(outcome: Any) -> Cells:
    """Return the cell of each outcome: 0, 1, 2 for anything else, and -1 if it is missing."""
    column = capture_column("outcome", outcome, categorical=False)
    if not isinstance(column, NumericColumn):
        return row_cells(_BINARY, outcome)
    cells = np.where(np.isin(column.values, (0, 1)), column.values, 2)
    return np.where(np.isnan(column.values), -1, cells).astype(np.int64)


@dataclass(frozen=True)
class OutcomeCells:
    """Counts rows of outputs and outcomes into pairs of cells.

    Attributes:
        outputs: Output variables of the model, by position.
        kind: What the outputs and the outcome are.
        threshold: A score above it is a positive prediction.
    """

    outputs: tuple[Variable, ...]
    kind: OutcomeKind
    threshold: float = DEFAULT_THRESHOLD

    @classmethod
    def of(
        cls, outputs: Sequence[Variable], outcome: Any, threshold: float = DEFAULT_THRESHOLD
    ) -> OutcomeCells:
        """Choose the kind of the outcome.

        If the output is a text or class probabilities, the outcome is a class. If the output is a
        number, it is a score if all outcomes are 0 or 1. Otherwise the outcome is a number too.

        Args:
            outputs: Output variables of the model.
            outcome: Outcome of each row.
            threshold: A score above it is a positive prediction.

        Raises:
            BaselineError: If the outcome does not fit the outputs.
        """
        kind: OutcomeKind = "class"
        if not outputs:
            raise BaselineError("outcome= needs the model's output: pass output= too")
        if len(outputs) > 1 and not classes_of(outputs):
            raise BaselineError(
                f"outcome= needs a model with one output, and this one has {len(outputs)}. If they "
                f"are class probabilities, pass classes="
            )
        if len(outputs) == 1 and isinstance(outputs[0], NumericVariable):
            kind = "score" if is_binary(outcome) else "number"
            if kind == "number":
                _check_numbers(outcome)
        return cls(tuple(outputs), kind, threshold)

    @classmethod
    def like(cls, outputs: Sequence[Variable], outcomes: Outcomes) -> OutcomeCells:
        """Return the cells that outcomes of these outputs were counted in."""
        first = outcomes.pairs[0]
        threshold = DEFAULT_THRESHOLD if first.threshold is None else first.threshold
        return cls(tuple(outputs), first.kind, threshold)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes whose probabilities the model returns; empty for any other output."""
        return classes_of(self.outputs)

    def count(self, columns: Sequence[Any], outcome: Any) -> Outcomes:
        """Count rows.

        A row is left out if its output or its outcome is missing or invalid. An infinite number is
        invalid here, because it would make the sums infinite.

        Args:
            columns: Values of each output by position. The winning class of class probabilities is
                derived from them, so its column is not needed.
            outcome: Outcome of each row.

        Raises:
            BaselineError: If the columns differ in length.
        """
        rows = len(outcome)
        names = self.classes or tuple(each.name for each in self.outputs)
        for name, column in zip(names, columns, strict=False):
            if len(column) != rows:
                raise BaselineError(
                    f"the outcome has {rows:,} rows, and output {name!r} has {len(column):,}"
                )
        if self.classes:
            return self._class_probabilities(columns, outcome)
        if self.kind == "class":
            return self._labels(columns[0], outcome)
        scores = row_numbers(columns[0])
        return (
            self._scores(scores, outcome)
            if self.kind == "score"
            else self._numbers(scores, row_numbers(outcome))
        )

    def _scores(self, scores: Floats, outcome: Any) -> Outcomes:
        output = self.outputs[0]
        assert isinstance(output, NumericVariable)
        cells = _binary_cells(outcome)
        valid = (cells >= 0) & (cells < 2) & np.isfinite(scores)
        pairs = _score_pairs(output, scores[valid], cells[valid] == 1, self.threshold)
        return Outcomes((pairs,), int((~valid).sum()))

    def _numbers(self, predicted: Floats, actual: Floats) -> Outcomes:
        output = self.outputs[0]
        assert isinstance(output, NumericVariable)
        valid = np.isfinite(predicted) & np.isfinite(actual)
        predicted, actual = predicted[valid], actual[valid]
        # Numbers may be so large that their difference or its square overflows.
        with np.errstate(over="ignore"):
            errors = predicted - actual
            squares = np.square(errors)
        cells = np.searchsorted(output.edges, predicted)
        size = len(output.edges) + 1
        pairs = OutcomePairs(
            output=output.name,
            kind="number",
            edges=output.edges,
            counts=_paired(cells, np.searchsorted(output.edges, actual), (size, size)),
            output_sums=np.bincount(cells, predicted, size).astype(np.float64),
            losses={
                "error": LossSums.of(errors),
                "absolute_error": LossSums.of(np.abs(errors)),
                "squared_error": LossSums.of(squares),
            },
        )
        return Outcomes((pairs,), int((~valid).sum()))

    def _labels(self, predicted: Any, outcome: Any) -> Outcomes:
        output = self.outputs[0]
        assert isinstance(output, CategoryVariable)
        cells, actual = row_cells(output, predicted), row_cells(output, outcome)
        valid = (cells >= 0) & (actual >= 0)
        return Outcomes((_class_pairs(output, cells[valid], actual[valid]),), int((~valid).sum()))

    def _class_probabilities(self, columns: Sequence[Any], outcome: Any) -> Outcomes:
        winner = self.outputs[-1]
        assert isinstance(winner, CategoryVariable)
        scores = [row_numbers(each) for each in columns[: len(self.classes)]]
        predicted = row_cells(winner, winning_labels(scores, self.classes))
        actual = row_cells(winner, outcome)
        valid = (predicted >= 0) & (actual >= 0) & np.isfinite(scores).all(axis=0)
        actual, scores = actual[valid], [each[valid] for each in scores]
        places = [winner.index[name] for name in self.classes]
        # An outcome that is none of the classes has probability 0.
        truth = np.zeros(len(actual))
        for place, column in zip(places, scores, strict=True):
            truth = np.where(actual == place, column, truth)
        each_class = [
            _score_pairs(variable, column, actual == place, None)
            for variable, column, place in zip(self.outputs, scores, places, strict=False)
            if isinstance(variable, NumericVariable)
        ]
        losses: dict[str, LossSums] = {}
        if all("brier" in each.losses for each in each_class):
            losses["log_loss"] = LossSums.of(_log_loss(truth))
        pairs = _class_pairs(winner, predicted[valid], actual, losses)
        return Outcomes((pairs, *each_class), int((~valid).sum()))


def merge_outcomes(one: Outcomes | None, other: Outcomes | None) -> Outcomes | None:
    """Return the outcomes of the rows of two baselines, for training that is counted in parts.

    Warns:
        BaselineWarning: if only one has outcomes, or the two are counted in different cells.
    """
    if one is not None and other is not None and one.fits(other):
        return one.plus(other)
    if one is not None or other is not None:
        warnings.warn(
            "the merged baseline has no outcomes, because a part has none, or the parts count them "
            "in different bins. Fit all parts with outcome=, like= and the same threshold",
            BaselineWarning,
            stacklevel=3,
        )
    return None


def _check_numbers(outcome: Any) -> None:
    if not isinstance(capture_column("outcome", outcome, categorical=False), NumericColumn):
        odd = next(
            each for each in row_values(outcome) if to_category(each) not in (None, "0", "1")
        )
        raise BaselineError(
            f"the outcome of a score must be 0 or 1, or a number, not {odd!r}. Convert it first, "
            f"for instance with labels == {odd!r}"
        )


def _score_pairs(
    output: NumericVariable, scores: Floats, positive: Rows, threshold: float | None
) -> OutcomePairs:
    """Count valid scores and whether the outcome of each is 1."""
    edges = with_edge(output.edges, threshold)
    cells, size = np.searchsorted(edges, scores), len(edges) + 1
    losses: dict[str, LossSums] = {}
    if output.minimum >= 0 and output.maximum <= 1:
        # A live score may leave the range that training had.
        probability = np.clip(scores, 0.0, 1.0)
        truth = np.where(positive, probability, 1 - probability)
        losses = {
            "brier": LossSums.of(np.square(1 - truth)),
            "log_loss": LossSums.of(_log_loss(truth)),
        }
    return OutcomePairs(
        output=output.name,
        kind="score",
        edges=edges,
        categories=BINARY_LABELS,
        counts=_paired(cells, positive.astype(np.int64), (size, 2)),
        output_sums=np.bincount(cells, scores, size).astype(np.float64),
        losses=losses,
        threshold=threshold,
    )


def with_edge(edges: Floats, threshold: float | None) -> Floats:
    """Return the edges, with one at the threshold, so that no bin reaches across it."""
    return edges if threshold is None else np.union1d(edges, [threshold])


def _class_pairs(
    output: CategoryVariable,
    predicted: Cells,
    actual: Cells,
    losses: dict[str, LossSums] | None = None,
) -> OutcomePairs:
    size = len(output.categories)
    return OutcomePairs(
        output=output.name,
        kind="class",
        categories=output.categories,
        catch_all=CATCH_ALL,
        counts=_paired(predicted, actual, (size, size)),
        losses=losses or {},
    )


def _log_loss(truth: Floats) -> Floats:
    """Return the log loss of rows.

    Args:
        truth: Probability that the model gave to the true outcome.
    """
    return -np.log(np.clip(truth, _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY))


def _paired(output_cells: Cells, outcome_cells: Cells, shape: tuple[int, int]) -> Cells:
    """Count each pair of cells."""
    flat = np.bincount(output_cells * shape[1] + outcome_cells, minlength=shape[0] * shape[1])
    return flat.reshape(shape).astype(np.int64)


def row_numbers(values: Any) -> Floats:
    """Return a column as floats, row by row. A value that is not a number becomes NaN."""
    column = capture_column("outcome", values, categorical=False)
    if isinstance(column, NumericColumn):
        return column.values
    return np.array([_number(each) for each in row_values(values)], dtype=np.float64)


def _number(value: Any) -> float:
    try:
        return to_number(value)
    except ValueError:
        return np.nan
