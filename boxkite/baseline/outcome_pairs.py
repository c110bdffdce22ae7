"""Decide in which cells the outputs of a model and their true outcomes are counted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.capture import NumericColumn, capture_column
from boxkite.baseline.category_variable import UNSEEN, CategoryVariable
from boxkite.baseline.class_probabilities import classes_of, winning_places
from boxkite.baseline.numeric_variable import NumericVariable
from boxkite.baseline.outcome_values import (
    binary_number,
    binary_numbers,
    cell_number,
    cell_numbers,
    finite_number,
    is_binary,
    row_numbers,
)
from boxkite.baseline.pair_counting import class_pairs, log_loss, number_pairs, score_pairs
from boxkite.baseline.row_labels import row_values
from boxkite.baseline.values import to_category
from boxkite.baseline.variable import Variable
from boxkite.errors import BaselineError
from boxkite.quality.pairs import LossSums, OutcomeKind, OutcomePairs, Outcomes

__all__ = [
    "DEFAULT_THRESHOLD",
    "OutcomeCells",
]

Cells: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = NDArray[np.bool_]

DEFAULT_THRESHOLD = 0.5
"""A score above it is a positive prediction."""

_MOST_NAMED = 5


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

    @property
    def width(self) -> int:
        """Number of the outputs that are kept for a pair: one, or one for each class."""
        return len(self.classes) or 1

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
        outputs = self.numbers_of_outputs(columns, len(outcome))
        return self.count_numbers(outputs, self.numbers_of_outcomes(outcome))

    def numbers_of_outputs(self, columns: Sequence[Any], rows: int) -> Floats:
        """Return columns of outputs as numbers, for `count_numbers`.

        Args:
            columns: Values of each output by position, as for `count`.
            rows: Number of rows that each column must have.

        Raises:
            BaselineError: If a column has another number of rows.
        """
        columns = columns[: self.width]
        for variable, column in zip(self.outputs, columns, strict=False):
            if len(column) != rows:
                raise BaselineError(
                    f"the outcome has {rows:,} rows, but output {variable.name!r} has "
                    f"{len(column):,}. Pass one outcome for each row"
                )
        if self.kind == "class" and not self.classes:
            return cell_numbers(self._class_variable, columns[0])[:, None]
        return np.column_stack([row_numbers(each) for each in columns])

    def numbers_of_outcomes(self, outcome: Any) -> Floats:
        """Return a column of outcomes as numbers, for `count_numbers`."""
        if self.kind == "score":
            return binary_numbers(outcome)
        if self.kind == "number":
            return row_numbers(outcome)
        return cell_numbers(self._class_variable, outcome)

    def can_count(self, outcome: Any) -> bool:
        """Return whether any outcome is one that the model can have: a number or a known class."""
        numbers = self.numbers_of_outcomes(outcome)
        known = numbers[np.isfinite(numbers)]
        if self.kind == "class":
            known = known[known < self._class_variable.index[UNSEEN]]
        return bool(len(known))

    @property
    def outcome_words(self) -> str:
        """What an outcome is, for messages: "0 or 1", "a number" or "one of 'no', 'yes'"."""
        if self.kind == "class":
            known = [each for each in self._class_variable.categories if each != UNSEEN]
            more = ", …" if known[_MOST_NAMED:] else ""
            return f"one of {', '.join(map(repr, known[:_MOST_NAMED]))}{more}"
        return "0 or 1" if self.kind == "score" else "a number"

    def output_numbers(self, row: Sequence[Any]) -> tuple[float, ...] | None:
        """Return the numbers of one row of outputs, for `count_numbers`; None if it is invalid.

        Args:
            row: Values of the outputs by position.
        """
        is_label = self.kind == "class" and not self.classes
        convert = self.outcome_number if is_label else finite_number
        numbers = tuple(map(convert, row[: self.width]))
        return None if any(map(math.isnan, numbers)) else numbers

    def category(self, cell: int) -> str | None:
        """Return the category of a cell; None if the output is not a class, or no cell is given."""
        if self.kind != "class" or self.classes or cell < 0:
            return None
        return self._class_variable.categories[cell]

    def outcome_number(self, value: Any) -> float:
        """Return the number of one outcome, for `count_numbers`; NaN if it is invalid."""
        if self.kind == "score":
            return binary_number(value)
        if self.kind == "number":
            return finite_number(value)
        return cell_number(self._class_variable, value)

    def count_numbers(self, outputs: Floats, outcomes: Floats) -> Outcomes:
        """Count rows that are numbers already. A class is the index of its cell.

        Args:
            outputs: Outputs, shape (rows, `width`). NaN if it is missing or invalid.
            outcomes: Outcome of each row. NaN if it is missing or invalid.
        """
        valid = np.isfinite(outcomes) & np.isfinite(outputs).all(axis=1)
        outputs, outcomes = outputs[valid], outcomes[valid]
        if self.classes:
            pairs = self._class_probabilities(outputs.T, outcomes.astype(np.int64))
        elif self.kind == "class":
            predicted, actual = outputs[:, 0].astype(np.int64), outcomes.astype(np.int64)
            pairs = [class_pairs(self._class_variable, predicted, actual)]
        elif self.kind == "score":
            positive = outcomes == 1
            pairs = [score_pairs(self._numeric, outputs[:, 0], positive, self.threshold)]
        else:
            pairs = [number_pairs(self._numeric, outputs[:, 0], outcomes)]
        return Outcomes(tuple(pairs), int((~valid).sum()))

    @property
    def _numeric(self) -> NumericVariable:
        output = self.outputs[0]
        assert isinstance(output, NumericVariable)
        return output

    @property
    def _class_variable(self) -> CategoryVariable:
        """The output that is a class. Among class probabilities, it is the last."""
        output = self.outputs[-1]
        assert isinstance(output, CategoryVariable)
        return output

    def _class_probabilities(self, columns: Floats, actual: Cells) -> list[OutcomePairs]:
        winner = self._class_variable
        scores = list(columns)
        places = [winner.index[name] for name in self.classes]
        predicted = np.array(places)[winning_places(scores)]
        # An outcome that is none of the classes has probability 0.
        truth = np.zeros(len(actual))
        for place, column in zip(places, scores, strict=True):
            truth = np.where(actual == place, column, truth)
        each_class = [
            score_pairs(variable, column, actual == place, None)
            for variable, column, place in zip(self.outputs, scores, places, strict=False)
            if isinstance(variable, NumericVariable)
        ]
        losses: dict[str, LossSums] = {}
        if all("brier" in each.losses for each in each_class):
            losses["log_loss"] = LossSums.of(log_loss(truth))
        return [class_pairs(winner, predicted, actual, losses), *each_class]


def _check_numbers(outcome: Any) -> None:
    if not isinstance(capture_column("outcome", outcome, categorical=False), NumericColumn):
        odd = next(
            each for each in row_values(outcome) if to_category(each) not in (None, "0", "1")
        )
        raise BaselineError(
            f"the outcome of a score must be 0 or 1, or a number, not {odd!r}. Convert it first, "
            f"for instance with labels == {odd!r}"
        )
