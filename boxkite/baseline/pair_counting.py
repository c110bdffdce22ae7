"""Count pairs of an output and its outcome, and add up the losses of each pair."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.category_variable import OTHER, UNSEEN, CategoryVariable
from boxkite.baseline.numeric_variable import NumericVariable
from boxkite.baseline.outcome_values import BINARY_LABELS
from boxkite.quality.pairs import LossSums, OutcomePairs

__all__ = ["CATCH_ALL", "class_pairs", "log_loss", "number_pairs", "score_pairs", "with_edge"]

Cells: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = NDArray[np.bool_]

CATCH_ALL = (OTHER, UNSEEN)
"""Cells that stand for several classes. Two rows in the same cell may have different classes."""

# scikit-learn moves probabilities of 0 and 1 inwards by this much, which bounds the log loss.
_LEAST_PROBABILITY = float(np.finfo(np.float64).eps)


def score_pairs(
    output: NumericVariable, scores: Floats, positive: Rows, threshold: float | None
) -> OutcomePairs:
    """Count valid scores and whether the outcome of each is 1."""
    edges = with_edge(output.edges, threshold)
    cells, size = np.searchsorted(edges, scores), len(edges) + 1
    losses: dict[str, LossSums] = {}
    output_sums = np.empty(0)
    if output.minimum >= 0 and output.maximum <= 1:
        # A live score may leave the range that training had.
        probability = np.clip(scores, 0.0, 1.0)
        truth = np.where(positive, probability, 1 - probability)
        losses = {
            "brier": LossSums.of(np.square(1 - truth)),
            "log_loss": LossSums.of(log_loss(truth)),
        }
        output_sums = np.bincount(cells, probability, size).astype(np.float64)
    return OutcomePairs(
        output=output.name,
        kind="score",
        edges=edges,
        categories=BINARY_LABELS,
        counts=_paired(cells, positive.astype(np.int64), (size, 2)),
        output_sums=output_sums,
        losses=losses,
        threshold=threshold,
    )


def number_pairs(output: NumericVariable, predicted: Floats, actual: Floats) -> OutcomePairs:
    """Count valid numbers and their outcomes."""
    # Numbers may be so large that their difference or its square overflows.
    with np.errstate(over="ignore"):
        errors = predicted - actual
        squares = np.square(errors)
    size = len(output.edges) + 1
    cells, truths = np.searchsorted(output.edges, predicted), np.searchsorted(output.edges, actual)
    return OutcomePairs(
        output=output.name,
        kind="number",
        edges=output.edges,
        counts=_paired(cells, truths, (size, size)),
        losses={
            "overestimate": LossSums.of(np.maximum(errors, 0)),
            "underestimate": LossSums.of(np.maximum(-errors, 0)),
            "squared_error": LossSums.of(squares),
        },
    )


def with_edge(edges: Floats, threshold: float | None) -> Floats:
    """Return the edges, with one at the threshold, so that no bin reaches across it."""
    return edges if threshold is None else np.union1d(edges, [threshold])


def class_pairs(
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


def log_loss(truth: Floats) -> Floats:
    """Return the log loss of rows.

    Args:
        truth: Probability that the model gave to the true outcome.
    """
    return -np.log(np.clip(truth, _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY))


def _paired(output_cells: Cells, outcome_cells: Cells, shape: tuple[int, int]) -> Cells:
    """Count each pair of cells."""
    flat = np.bincount(output_cells * shape[1] + outcome_cells, minlength=shape[0] * shape[1])
    return flat.reshape(shape).astype(np.int64)
