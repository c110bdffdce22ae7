"""How a variable divides its share of the false-alarm rate over its tests, and their quantiles."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Shares", "excess_quantile", "score_quantile"]

_MOST_DIRECTIONS = 3


@dataclass(frozen=True)
class Shares:
    """How a variable's share of the false-alarm rate is divided over its tests (union bound).

    Attributes:
        rest: Share of PSI, or of the rest if there are directions.
        score: Share of each direction; 0 if there are none.
        distance: Share of K-S; 0 for unordered categories.
        excess: Share of the excess of one cell; 0 if natural variation is not known.
    """

    rest: float
    score: float
    distance: float
    excess: float = 0.0

    @classmethod
    def of(cls, share: float, *, ordered: bool, directions: int | None) -> Shares:
        """Halve the share between PSI and K-S, and divide PSI's half if natural variation is known.

        The rest gets two quarters of it, all scores together one, and the excess one. Without
        directions, the rest gets the quarter of the scores too.

        Args:
            share: The variable's share.
            ordered: Whether the cells have an order.
            directions: Number of directions; None if natural variation is not known.
        """
        distance = share / 2 if ordered else 0.0
        psi = share - distance
        if directions is None:
            return cls(psi, 0.0, distance)
        if not directions:
            return cls(psi * 3 / 4, 0.0, distance, psi / 4)
        return cls(psi / 2, psi / 4 / directions, distance, psi / 4)


def score_quantile(share: float) -> float:
    """Return an upper bound of the squared normal quantile for one direction of a variable.

    P(|N| > x) is at most 2 exp(-x^2 / 2). The function uses the smallest share that one of three
    directions can have, which is 1/24 of the variable's share. Prometheus can compute this
    closed form, so the services need not export it.
    """
    return 2 * math.log(2 / (share / 8 / _MOST_DIRECTIONS))


def excess_quantile(share: float, cells: int) -> float:
    """Return an upper bound of the squared excess / chance, for the greatest of all cells.

    A count that expects r rows exceeds x > r with a probability of at most exp(-KL), where KL =
    x ln(x / r) - x + r (Chernoff 1952). KL is at least half of (x - r) ln(x / r), so the squared
    deviation / chance exceeds c with a probability of at most exp(-c / 2). The union bound over the
    cells gives the quantile. The share is the smallest that the excess can have.
    """
    return 2 * math.log(cells / (share / 8))
