"""Predictions with known outcomes, counted as pairs of an output cell and an outcome cell.

The statistics of quality need only these counts and two kinds of sums. `output_sums` give the mean
score in each bin, which calibration needs. The sums of losses make the Brier score, the log loss
and the errors of numbers exact, although the counts only tell the bin of each row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["LossSums", "OutcomeKind", "OutcomePairs", "Outcomes", "StatisticVariation"]

Counts: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

OutcomeKind: TypeAlias = Literal["score", "class", "number"]
"""What an output and its outcome are.

- `score`: the output is a number, and the outcome is 0 or 1.
- `class`: both are classes.
- `number`: both are numbers in the same unit.
"""


class LossSums(NamedTuple):
    """Sums of one loss over all paired rows.

    Attributes:
        total: Sum of the losses.
        squares: Sum of their squares.
    """

    total: float = 0.0
    squares: float = 0.0

    @classmethod
    def of(cls, losses: Floats) -> LossSums:
        """Add up the losses of rows. A sum that no float can hold is infinite."""
        with np.errstate(over="ignore"):
            return cls(float(losses.sum()), float(np.square(losses).sum()))

    def plus(self, other: LossSums) -> LossSums:
        """Return the sums over the rows of both."""
        return LossSums(self.total + other.total, self.squares + other.squares)


@dataclass(frozen=True, kw_only=True, eq=False)
class OutcomePairs:
    """Paired rows of one output.

    Attributes:
        output: Name of the output variable.
        kind: What the output and the outcome are.
        edges: Finite upper edges of the output's bins, ascending. Empty for classes. The bins of a
            number's outcome have the same edges.
        categories: Labels of the outcome's cells, empty for numbers. For a class these are also the
            cells of the output. For a score they are "0" and "1".
        catch_all: Labels of cells that stand for several classes. Two rows in such a cell may have
            different classes, so they never count as equal.
        counts: Number of rows, shape (output cells, outcome cells).
        output_sums: Sum of the outputs in each of the output's bins. Empty unless the output is a
            probability.
        losses: Sums of each loss by name: `brier` and `log_loss` for probabilities,
            `overestimate`, `underestimate` and `squared_error` for numbers. No loss is negative.
        threshold: A score above it is a positive prediction. It is one of the edges. None if the
            score is one of several class probabilities.
    """

    output: str
    kind: OutcomeKind
    counts: Counts
    edges: Floats = field(default_factory=lambda: np.empty(0))
    categories: tuple[str, ...] = ()
    catch_all: tuple[str, ...] = ()
    output_sums: Floats = field(default_factory=lambda: np.empty(0))
    losses: Mapping[str, LossSums] = field(default_factory=dict[str, LossSums])
    threshold: float | None = None

    @property
    def rows(self) -> int:
        """Number of paired rows."""
        return int(self.counts.sum())

    @property
    def below(self) -> Counts:
        """Number of rows with the same outcome in all lower bins, in the shape of `counts`.

        It tells how many rows of one outcome score lower than the rows in each bin, from which AUC
        follows.
        """
        return np.cumsum(self.counts, axis=0) - self.counts

    def fits(self, other: OutcomePairs) -> bool:
        """Return whether the other pairs count the same cells."""
        mine, theirs = (
            (each.output, each.kind, each.categories, each.threshold) for each in (self, other)
        )
        return mine == theirs and np.array_equal(self.edges, other.edges)

    def plus(self, other: OutcomePairs) -> OutcomePairs:
        """Return the pairs of the rows of both.

        Raises:
            ValueError: If the two count other cells.
        """
        if not self.fits(other):
            raise ValueError(
                f"the pairs of {self.output!r} count other cells than the pairs to add"
            )
        names = self.losses.keys() & other.losses.keys()
        return replace(
            self,
            counts=self.counts + other.counts,
            output_sums=self.output_sums + other.output_sums,
            losses={n: each.plus(other.losses[n]) for n, each in self.losses.items() if n in names},
        )

    def empty(self) -> OutcomePairs:
        """Return pairs without rows, in the same cells."""
        return replace(
            self,
            counts=np.zeros_like(self.counts),
            output_sums=np.zeros_like(self.output_sums),
            losses=dict.fromkeys(self.losses, LossSums()),
        )

    def minus(self, other: OutcomePairs) -> OutcomePairs:
        """Return these pairs without others that are among them."""
        return self.plus(
            replace(
                other,
                counts=-other.counts,
                output_sums=-other.output_sums,
                losses={
                    n: LossSums(-each.total, -each.squares) for n, each in other.losses.items()
                },
            )
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OutcomePairs):
            return NotImplemented
        return (
            self.fits(other)
            and np.array_equal(self.counts, other.counts)
            and np.array_equal(self.output_sums, other.output_sums)
            and self.losses == other.losses
        )

    def __hash__(self) -> int:
        return hash((self.output, self.kind, self.counts.tobytes()))


class StatisticVariation(NamedTuple):
    """How one statistic varies between windows of training.

    Attributes:
        output: Name of the output variable.
        statistic: Name of the statistic.
        windows: Number of training windows.
        mean: Mean of the statistic over the windows.
        variance: Variance of the statistic between the windows.
        chance: The part of that variance that chance explains: the mean squared standard error.
        worst: How much worse the worst window is than the mean of the windows.
    """

    output: str
    statistic: str
    windows: int
    mean: float
    variance: float
    chance: float
    worst: float


@dataclass(frozen=True)
class Outcomes:
    """The paired rows of all outputs of a model.

    Attributes:
        pairs: Pairs of each output. If the outputs are class probabilities, the first pairs are of
            the most probable class.
        unpaired: Number of rows that were left out, because their output or outcome is missing or
            invalid.
        variation: Variation of the statistics between windows of training, by the length of the
            window ("1d"). Empty if it is not known.
    """

    pairs: tuple[OutcomePairs, ...]
    unpaired: int = 0
    variation: Mapping[str, tuple[StatisticVariation, ...]] = field(
        default_factory=dict[str, tuple[StatisticVariation, ...]]
    )

    @property
    def rows(self) -> int:
        """Number of rows with a valid output and outcome."""
        return self.pairs[0].rows if self.pairs else 0

    def fits(self, other: Outcomes) -> bool:
        """Return whether the other outcomes count the same cells."""
        return len(self.pairs) == len(other.pairs) and all(
            mine.fits(theirs) for mine, theirs in zip(self.pairs, other.pairs, strict=True)
        )

    def plus(self, other: Outcomes) -> Outcomes:
        """Return the outcomes of the rows of both, without natural variation.

        Raises:
            ValueError: If the two count other cells.
        """
        pairs = zip(self.pairs, other.pairs, strict=True)
        return Outcomes(
            tuple(mine.plus(theirs) for mine, theirs in pairs), self.unpaired + other.unpaired
        )

    def empty(self) -> Outcomes:
        """Return outcomes without rows, in the same cells."""
        return Outcomes(tuple(each.empty() for each in self.pairs))

    def minus(self, other: Outcomes) -> Outcomes:
        """Return these outcomes without others that are among them."""
        pairs = zip(self.pairs, other.pairs, strict=True)
        return Outcomes(tuple(mine.minus(theirs) for mine, theirs in pairs), self.unpaired)
