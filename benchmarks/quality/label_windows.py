"""Labels of a score that arrive hour by hour, and the statistics of many windows of them at once.

boxkite measures one window at a time. Months of many baselines need millions of windows, so the
same formulas stand here for arrays; a test compares both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from boxkite.quality.intervals import NORMAL_95

__all__ = ["STATISTICS", "LabelWindows", "ScoredRows", "Statistics"]

STATISTICS = ("accuracy", "precision", "recall", "f1", "auc", "log_loss", "brier")

Floats = NDArray[np.float64]
Interval = tuple[Floats, Floats, Floats]


@dataclass(frozen=True)
class ScoredRows:
    """Draws rows of a model whose score is calibrated.

    Attributes:
        random: Source of the rows.
        spread: Standard deviation of the log odds. 1.5 gives an accuracy of 0.74.
    """

    random: np.random.Generator
    spread: float = 1.5

    def draw(self, rows: int, drop: Floats | float = 0.0) -> tuple[Floats, NDArray[np.bool_]]:
        """Return scores and outcomes.

        Args:
            rows: Number of rows.
            drop: How far the accuracy falls, for all rows or for each: some outcomes are flipped.
        """
        odds = self.random.normal(-0.5, self.spread, rows)
        scores = 1 / (1 + np.exp(-odds))
        outcome = self.random.random(rows) < scores
        if np.any(drop):
            right = (scores > 0.5) == outcome
            outcome ^= right & (self.random.random(rows) < drop / right.mean())
        return scores, outcome


@dataclass(frozen=True)
class Statistics:
    """Statistics of many windows, each of shape (…, statistics) in the order of `STATISTICS`.

    Attributes:
        value: Values.
        error: Standard errors that match the intervals.
        rows: Rows that determine them.
    """

    value: Floats
    error: Floats
    rows: Floats


@dataclass(frozen=True)
class LabelWindows:
    """Paired rows of many hours or windows.

    Attributes:
        counts: Rows by bin of the score and by outcome, shape (…, bins, 2).
        losses: Sums of the log loss and of the Brier score, and of their squares, shape (…, 2, 2).
        negative_bins: Number of bins up to the threshold.
    """

    counts: NDArray[np.int64]
    losses: Floats
    negative_bins: int

    @classmethod
    def of_hours(
        cls,
        source: ScoredRows,
        edges: Floats,
        labels: float,
        *,
        hours: int,
        segments: int = 1,
        drop: float = 0.0,
        from_hour: int = 0,
    ) -> LabelWindows:
        """Simulate labels of equally large segments, shape (segments, hours, …).

        Args:
            source: Draws the rows.
            edges: Upper edges of the bins of the score, with one at 0.5.
            labels: Expected labels in an hour, of all segments together.
            hours: Number of hours.
            segments: Number of segments.
            drop: How far the accuracy falls.
            from_hour: Hour from which it has fallen.
        """
        numbers = source.random.poisson(labels / segments, segments * hours)
        places = np.repeat(np.arange(segments * hours), numbers)
        rows = source.draw(len(places), drop * (places % hours >= from_hour))
        return cls.counted((segments, hours), places, *rows, edges)

    @classmethod
    def counted(
        cls,
        shape: tuple[int, ...],
        places: NDArray[np.int64],
        scores: Floats,
        outcome: NDArray[np.bool_],
        edges: Floats,
    ) -> LabelWindows:
        """Count rows.

        Args:
            shape: Shape of the windows.
            places: Window that each row belongs to, as an index of the flat shape.
            scores: Probability of each row.
            outcome: Outcome of each row.
            edges: Upper edges of the bins of the score, with one at 0.5.
        """
        size, bins = int(np.prod(shape)), len(edges) + 1
        cells = (places * bins + np.searchsorted(edges, scores)) * 2 + outcome
        counts = np.bincount(cells, minlength=size * bins * 2)
        truth = np.where(outcome, scores, 1 - scores)
        sums = [
            np.bincount(places, each, size)
            for loss in (-np.log(truth), np.square(1 - truth))
            for each in (loss, np.square(loss))
        ]
        return cls(
            counts.reshape(*shape, bins, 2),
            np.stack(sums, axis=-1).reshape(*shape, 2, 2),
            int(np.searchsorted(edges, 0.5)) + 1,
        )

    def of_segment(self, segment: int | None) -> LabelWindows:
        """Return the hours of one segment, or of all rows."""
        if segment is None:
            return LabelWindows(self.counts.sum(0), self.losses.sum(0), self.negative_bins)
        return LabelWindows(self.counts[segment], self.losses[segment], self.negative_bins)

    def windows(self, ends: NDArray[np.int64], length: int) -> LabelWindows:
        """Return the windows of some hours before each of some ends."""

        def summed(hours: NDArray[np.generic]) -> NDArray[np.generic]:
            sums = np.concatenate([np.zeros_like(hours[:1]), np.cumsum(hours, axis=0)])
            return sums[ends] - sums[ends - length]

        return LabelWindows(summed(self.counts), summed(self.losses), self.negative_bins)

    def statistics(self) -> Statistics:
        """Return the statistics that boxkite judges."""
        with np.errstate(invalid="ignore", divide="ignore"):  # a window may lack rows
            found = [*self._fractions(), self._auc(), *self._means()]
        value, low, high, rows = (np.stack(each, axis=-1) for each in zip(*found, strict=True))
        return Statistics(value, (high - low) / (2 * NORMAL_95), rows)

    def _fractions(self) -> list[tuple[Floats, ...]]:
        below = self.counts[..., : self.negative_bins, :].sum(-2)
        above = self.counts[..., self.negative_bins :, :].sum(-2)
        (tn, fn), (fp, tp) = np.moveaxis(below, -1, 0), np.moveaxis(above, -1, 0)
        relevant = tp + fp + fn
        f1 = (2 * each / (1 + each) for each in _wilson(tp, relevant))
        parts = ((tp + tn, tp + tn + fp + fn), (tp, tp + fp), (tp, tp + fn))
        return [*((*_wilson(hits, rows), rows) for hits, rows in parts), (*f1, relevant)]

    def _auc(self) -> tuple[Floats, ...]:
        negatives, positives = np.moveaxis(self.counts, -1, 0)
        n, p = negatives.sum(-1), positives.sum(-1)
        beaten = (np.cumsum(negatives, -1) - negatives / 2) / n[..., None]
        losing = 1 - (np.cumsum(positives, -1) - positives / 2) / p[..., None]
        area = (positives * beaten).sum(-1) / p
        variance = (positives * (beaten - area[..., None]) ** 2).sum(-1) / (p - 1) / p
        variance += (negatives * (losing - area[..., None]) ** 2).sum(-1) / (n - 1) / n
        half = NORMAL_95 * np.sqrt(variance) / (area * (1 - area))
        ends = (area / (area + (1 - area) * np.exp(sign * half)) for sign in (1, -1))
        return (area, *ends, np.minimum(n, p))

    def _means(self) -> list[tuple[Floats, ...]]:
        rows = self.counts.sum((-2, -1))
        mean = self.losses[..., 0] / rows[..., None]
        variance = self.losses[..., 1] / rows[..., None] - mean**2
        half = NORMAL_95 * np.sqrt(variance / (rows - 1)[..., None])
        ends = mean, mean - half, mean + half
        return [(*(each[..., place] for each in ends), rows) for place in range(2)]


def _wilson(hits: Floats, rows: Floats) -> Interval:
    z2, fraction = NORMAL_95**2, hits / rows
    middle = (hits + z2 / 2) / (rows + z2)
    half = NORMAL_95 / (rows + z2) * np.sqrt(rows * fraction * (1 - fraction) + z2 / 4)
    return fraction, np.minimum(fraction, middle - half), np.maximum(fraction, middle + half)
