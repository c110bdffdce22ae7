"""How many series the rules record for what a service exports.

Each number follows from the rule templates, and a test compares it with what the rules record. A
rule whose series can be absent, such as the interval of an AUC of 1, counts as if it were there.
"""

from __future__ import annotations

from typing import NamedTuple

from boxkite.baseline import CategoryVariable, Variable
from boxkite.quality import OutcomePairs, Outcomes, measure
from boxkite.variation import Variation

__all__ = [
    "OF_ROWS",
    "Recorded",
    "amounts_of",
    "counters_of",
    "of_outcomes",
    "of_variable",
    "of_variation",
]

_FRACTIONS = ("accuracy", "precision", "recall", "f1", "auc")


class Recorded(NamedTuple):
    """Number of recorded series by how often the rules evaluate them.

    Attributes:
        once: Series of training and of the policy, for all windows together.
        window: Series of each window.
        step: Series of each step of five minutes.
    """

    once: int = 0
    window: int = 0
    step: int = 0

    def plus(self, other: Recorded) -> Recorded:
        """Return the sum of both."""
        return Recorded(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


def counters_of(variable: Variable) -> int:
    """Return the counters of a variable that the rules read: its cells and its rates."""
    cells = len(variable.counts)
    if isinstance(variable, CategoryVariable):
        return cells * (1 + variable.is_ordered) + 2
    return cells + 3


def of_variable(variable: Variable) -> Recorded:
    """Return the series of drift of one variable, without natural variation."""
    cells, category = len(variable.counts), isinstance(variable, CategoryVariable)
    return Recorded(
        once=(3 if variable.is_ordered else 2) * cells + 7 + category,
        window=3 * cells + 22 if variable.is_ordered else 2 * cells + 20,
        step=counters_of(variable),
    )


OF_ROWS = Recorded(once=3, window=2)
"""The series of all rows together, or of all rows of a segment: the policy, and the threshold of
rates."""


def amounts_of(variation: Variation) -> int:
    """Return the amounts of natural variation: one a direction, of the rest, K-S and a cell."""
    amounts = (*variation.along, variation.rest, variation.distance, variation.excess)
    return sum(each is not None for each in amounts)


def of_variation(variation: Variation) -> int:
    """Return the series that the natural variation of one variable adds to its window."""
    directions, cells = map(int, variation.directions.shape)
    # Once: the rows of a window and the weights. In each environment: the variation as it is
    # exported and for the rows of the window, the scores, the excess, their thresholds, and the
    # deviation of each cell.
    return 1 + directions * cells + 2 * amounts_of(variation) + 2 * directions + cells + 2


def of_outcomes(outcomes: Outcomes) -> Recorded:
    """Return the series of quality of all rows or of one segment.

    Args:
        outcomes: Outcomes of training. A statistic without training rows has no series.
    """
    statistics = [each for each in measure(outcomes) if each.is_defined]
    judged = sum(each.judged for each in statistics)
    # Statistics of a single class have an interval, but no verdict. All of them are fractions.
    of_model = [each for each in statistics if each.category in ("", each.output)]
    of_class = len(statistics) - len(of_model)
    fractions = of_class + sum(each.name in _FRACTIONS for each in of_model)
    averages = sum(each.name.startswith("macro_") for each in of_model)
    variations = sum(map(len, outcomes.variation.values()))
    found = Recorded(
        once=3 * len(statistics) + judged + 2 * variations,
        # Of each statistic: rows. Of the model's: value, interval, variance, degrees of freedom. Of
        # the judged ones: the exported quantile, loss, thresholds and verdict.
        window=(
            len(statistics)
            + 6 * len(of_model)
            + 5 * judged
            + 3 * fractions
            + 4 * of_class
            + 2 * averages
        ),
    )
    for pairs in outcomes.pairs:
        found = found.plus(_of_pairs(pairs))
    return found


def _of_pairs(pairs: OutcomePairs) -> Recorded:
    """Return the series of the counts of one output."""
    cells, bins, losses = pairs.counts.size, len(pairs.counts), len(pairs.losses)
    sums = len(pairs.output_sums)
    if pairs.kind != "score":
        # Rows and coverage in each window.
        return Recorded(1 + (pairs.kind == "class"), cells + 5 * losses + 2, cells + 2 * losses)
    has_threshold = pairs.threshold is not None
    return Recorded(
        once=1 + 2 * bins * has_threshold,
        # Pairs, rows below, and placements of the AUC; for each bin its variance, and for each bin
        # of a threshold the predictions. Then rows, coverage, AUC, and four estimated statistics.
        window=3 * cells + bins + sums + 5 * losses + 4 + (bins + 7) * has_threshold,
        step=2 * cells + sums + 2 * losses,
    )
