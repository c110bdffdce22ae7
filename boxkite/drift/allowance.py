"""The distance from training that chance and natural variation explain for a live window.

PSI is the sum of the squared deviations of the cells (`boxkite.variation.deviation`). The squared
scores along the directions of natural variation are one part of it. The remainder is called the
rest. With chance = k (1/n + 1/m), for n training rows, m live rows and a design effect of k, each
test is

    statistic > natural + sqrt((quantile * chance)^2 + 4 * score quantile * chance * natural).

The statistics are the rest, the squared score along each direction, the squared K-S distance, and,
if natural variation is known, the squared excess: the greatest deviation of one cell above training
outside the directions. A fault that fills one cell with a few rows shows there first.
Each is the square of a sum: natural variation plus chance. It has three terms: the square of
natural variation, the square of chance, and twice the projection of chance on natural variation.
The last two are uncorrelated, so their quantiles add up like the sides of a right triangle: the
squares add up. Without natural variation, these are the tests of PSI and K-S for independent rows.
All statistics are sums over cells, so Prometheus computes the same numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.drift.shares import Shares, excess_quantile, score_quantile
from boxkite.variation import Variation
from boxkite.variation.deviation import deviations, distances, excesses, smoothed_fractions

__all__ = ["Allowance", "Statistics", "measure"]

Counts: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Amount: TypeAlias = "float | Floats"


@dataclass(frozen=True)
class Statistics:
    """How far one window of live rows is from training.

    Attributes:
        psi: Population stability index, in nats.
        scores: Score along each direction of natural variation.
        rest: PSI minus the squared scores.
        distance: K-S distance; NaN for unordered categories.
        chance: Variance that chance gives to one coordinate.
        rows: Live rows.
        moved_cell: Index of the cell whose fraction differs most from training.
        moved: Its live fraction minus its training fraction, both smoothed.
        moved_rows: The same difference as counted, without smoothing.
        excess: Greatest deviation of one cell above training outside the directions; NaN if natural
            variation is not known.
    """

    psi: float
    scores: tuple[float, ...]
    rest: float
    distance: float
    chance: float
    rows: int
    moved_cell: int = 0
    moved: float = 0.0
    moved_rows: float = 0.0
    excess: float = math.nan


def measure(
    live: Counts,
    training: Counts,
    variation: Variation | None = None,
    *,
    ordered: bool,
    design_effect: float = 1.0,
) -> Statistics:
    """Measure live rows against training rows in the same cells.

    Args:
        live: Live rows in each cell, at least one in total.
        training: Training rows in each cell, at least one in total.
        variation: Natural variation of the variable; None if it is not known.
        ordered: Whether the cells have an order, so that K-S applies.
        design_effect: Observed rows per independent row, live and in training.
    """
    points = deviations(live, training, design_effect)
    psi = float((points**2).sum())
    scores = () if variation is None else tuple((variation.directions @ points).tolist())
    moved = smoothed_fractions(live, design_effect) - smoothed_fractions(training, design_effect)
    most = int(np.abs(moved).argmax())
    rows, trained = int(live.sum()), int(training.sum())
    return Statistics(
        psi=psi,
        scores=scores,
        rest=psi - math.fsum(score**2 for score in scores),
        distance=float(distances(live, training)) if ordered else math.nan,
        chance=design_effect * (1 / trained + 1 / rows),
        rows=rows,
        moved_cell=most,
        moved=float(moved[most]),
        moved_rows=float(live[most] / rows - training[most] / trained),
        excess=math.nan if variation is None else float(excesses(points, variation.directions)),
    )


@dataclass(frozen=True)
class Allowance:
    """What chance and natural variation allow one variable in windows of one length.

    Attributes:
        rest: Quantile of PSI / chance, or of rest / chance; NaN if none is known.
        score: Quantile of squared score / chance.
        distance: Quantile of K-S / sqrt(chance); NaN for unordered categories.
        excess: Quantile of squared excess / chance; NaN if natural variation is not known.
        natural_rest: Natural variation of the rest.
        natural_scores: Natural variation of the squared score along each direction.
        natural_distance: Natural variation of the squared K-S distance.
        natural_excess: Natural variation of the squared excess.
        window_rows: Median number of rows in a training window. A live window with fewer rows is
            allowed proportionally more natural variation.
    """

    rest: float
    score: float
    distance: float
    excess: float = math.nan
    natural_rest: float = 0.0
    natural_scores: tuple[float, ...] = ()
    natural_distance: float = 0.0
    natural_excess: float = 0.0
    window_rows: float = 0.0

    @classmethod
    def of(
        cls,
        share: float,
        rest: float,
        distance: float,
        variation: Variation | None,
    ) -> Allowance:
        """Return the allowance at a variable's share of the false-alarm rate.

        Args:
            share: Probability that a window without drift exceeds the allowance.
            rest: Quantile of PSI / chance at `Shares.rest`.
            distance: Quantile of K-S / sqrt(chance); NaN for unordered categories.
            variation: Natural variation of the variable; None if it is not known.
        """
        score = score_quantile(share)
        if variation is None:
            return cls(rest, score, distance)
        shares = Shares.of(share, ordered=not math.isnan(distance), directions=len(variation.along))
        return cls(
            rest,
            score,
            distance,
            excess_quantile(share, variation.cells),
            variation.rest.limit(shares.rest) if variation.rest else 0.0,
            tuple(each.limit(shares.score) for each in variation.along),
            variation.distance.limit(shares.distance) if variation.distance else 0.0,
            variation.excess.limit(shares.excess) if variation.excess else 0.0,
            variation.rows,
        )

    def rest_limit(self, found: Statistics) -> float:
        """Return the greatest PSI, or rest, that is explained."""
        return float(self._rest(found.chance, found.rows))

    def score_limits(self, found: Statistics) -> tuple[float, ...]:
        """Return the greatest squared score along each direction that is explained."""
        return tuple(float(each) for each in self._scores(found.chance, found.rows))

    def distance_limit(self, found: Statistics) -> float:
        """Return the greatest K-S distance that is explained."""
        if not self.natural_distance:  # keep the exact value of K-S without variation
            return self.distance * math.sqrt(found.chance)
        return math.sqrt(float(self._square(found.chance, found.rows)))

    def excess_limit(self, found: Statistics) -> float:
        """Return the greatest excess that is explained; NaN if natural variation is not known."""
        return math.sqrt(float(self._excess(found.chance, found.rows)))

    def exceeded(self, found: Statistics) -> tuple[str, ...]:
        """Return the tests whose limit the statistics exceed: "rest", "K-S", "cell", …"""
        names: list[str] = []
        if found.rest > self.rest_limit(found):
            names.append("rest")
        if found.distance > self.distance_limit(found):
            names.append("K-S")
        if found.excess > self.excess_limit(found):
            names.append("cell")
        pairs = zip(found.scores, self.score_limits(found), strict=True)
        names += [f"direction {i}" for i, (score, most) in enumerate(pairs, 1) if score**2 > most]
        return tuple(names)

    def multiples(
        self,
        windows: Counts,
        training: Counts,
        variation: Variation | None,
        *,
        ordered: bool,
        design_effect: float = 1.0,
    ) -> Floats:
        """Return `VariableDrift.multiple` of many windows at once.

        Args:
            windows: Live rows in each cell, shape (windows, cells).
            training: Training rows in each cell.
            variation: Natural variation that the allowance was made for.
            ordered: Whether the cells have an order, so that K-S applies.
            design_effect: Observed rows per independent row, live and in training.

        Returns:
            The multiple of each window; NaN if it has no rows.
        """
        rows = np.maximum(windows.sum(axis=1), 1)
        chance = design_effect * (1 / int(training.sum()) + 1 / rows)
        points = deviations(windows, training, design_effect)
        psi = (points**2).sum(axis=1)
        squares = [] if variation is None else list((points @ variation.directions.T).T ** 2)
        limit = self._rest(chance, rows)
        found = [psi / (limit + sum(squares))]
        found += [e / most for e, most in zip(squares, self._scores(chance, rows), strict=True)]
        if variation is not None:
            excess = excesses(points, variation.directions)
            found.append(excess**2 / self._excess(chance, rows))
        if ordered:
            fractions = windows / rows[:, None]
            gaps = np.cumsum(fractions - training / int(training.sum()), axis=1)
            found.append(np.abs(gaps).max(axis=1) ** 2 / self._square(chance, rows))
        most = np.fmax.reduce(np.array(found))
        return np.where(windows.any(axis=1), most, np.nan)

    def _rest(self, chance: Amount, rows: Amount) -> Amount:
        return self._limit(self.rest, self.score, self.natural_rest, chance, rows)

    def _scores(self, chance: Amount, rows: Amount) -> list[Amount]:
        naturals = self.natural_scores
        return [self._limit(self.score, self.score, each, chance, rows) for each in naturals]

    def _square(self, chance: Amount, rows: Amount) -> Amount:
        square = self.distance**2
        return self._limit(square, square, self.natural_distance, chance, rows)

    def _excess(self, chance: Amount, rows: Amount) -> Amount:
        return self._limit(self.excess, self.excess, self.natural_excess, chance, rows)

    def _limit(
        self, own: float, projected: float, natural: float, chance: Amount, rows: Amount
    ) -> Amount:
        explained = natural * np.maximum(1.0, self.window_rows / rows)
        by_chance = own * chance
        return explained + np.sqrt(by_chance**2 + 4 * projected * chance * explained)
