"""Alarms in a window's length by PSI, by K-S and by either, of one variable in bins of equal mass.

In the limit of many rows the counts of a window, less what is expected, are Gaussian: a vector z of
independent deviates. PSI is |z|^2, K-S the greatest of some linear forms of z, the sums up to each
edge. As the window slides by a part s of itself, z becomes (1 - b s) z and what is new; b is how
often the window's rows change in its length.

Both are seldom above. So one of the events "PSI is above" and "the sum up to this edge is above, or
below" is drawn by its chance, then a z of it, which counts for one over the number of events that
it belongs to (Adler, Blanchet and Liu 2012). From there z is followed, evaluation by evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, norm, truncnorm

from boxkite.drift import kolmogorov

__all__ = ["Field", "print_fields"]

Floats: TypeAlias = NDArray[np.float64]

DRAWS, FEWER_DRAWS = 60_000, 24_000  # of many bins each takes longer
SHARES = [1e-3, 3e-5, 1e-7]
TURNOVERS = [0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 3.0]
EVALUATIONS = {"1h": (60, 6), "1d, in steps of 5m": (288, 28), "1d, at full hours": (24, 3)}
STATISTICS = {
    "PSI, 20 bins": (20, 1.0, 0.0),
    "K-S, 20 bins": (20, 0.0, 1.0),
    "K-S, 200 bins": (200, 0.0, 1.0),
    "PSI or K-S at half of it each, 20 bins": (20, 0.5, 0.5),
}
"""Bins, and the parts of a share that PSI and K-S have."""


def print_fields() -> None:
    """Print the chance to be above and the alarms in a window's length, both over the share."""
    random = np.random.default_rng(1933)
    print("| statistic | share | window | above | " + " | ".join(map(str, TURNOVERS)) + " |")
    print("|---|---:|---|---:|" + "---:|" * len(TURNOVERS))
    for title, (bins, psi, ks) in STATISTICS.items():
        draws = DRAWS if bins == 20 else FEWER_DRAWS
        for share in SHARES:
            field = Field(bins, psi * share, ks * share)
            for window, evaluations in EVALUATIONS.items():
                found = [field.alarms(b, *evaluations, draws, random) for b in TURNOVERS]
                above = np.mean([chance for _, chance in found]) / share
                cells = " | ".join(f"{alarms / share:.2f}" for alarms, _ in found)
                print(f"| {title} | {share:g} | {window} | {above:.2f} | {cells} |", flush=True)


@dataclass(frozen=True)
class Field:
    """One variable.

    Attributes:
        bins: of equal mass.
        psi_share: the chance at which PSI is critical; 0 leaves it out.
        ks_share: likewise of K-S, by the first term of Kolmogorov's series.
    """

    bins: int
    psi_share: float
    ks_share: float

    @cached_property
    def psi(self) -> float:
        """The critical value of PSI, over what the rows make of it."""
        return float(chi2.isf(self.psi_share, self.bins - 1)) if self.psi_share else np.inf

    @cached_property
    def ks(self) -> float:
        """The critical value of K-S, over what the rows make of it."""
        return kolmogorov.quantile(self.ks_share) if self.ks_share else np.inf

    @cached_property
    def spread(self) -> Floats:
        """The standard deviation of the sum up to each edge."""
        edges = np.arange(1, self.bins) / self.bins
        return np.asarray(np.sqrt(edges * (1 - edges)))

    @cached_property
    def forms(self) -> Floats:
        """What makes the sum up to each edge of z: a row an edge."""
        edges = np.arange(1, self.bins) / self.bins
        covariance = np.minimum.outer(edges, edges) - np.outer(edges, edges)
        return np.asarray(np.linalg.cholesky(covariance))

    def events(self, z: Floats) -> NDArray[np.int64]:
        """Return to how many of the events each z belongs."""
        found = ((z**2).sum(axis=1) > self.psi).astype(np.int64)
        return found + (np.abs(z @ self.forms.T) > self.ks).sum(axis=1) if self.ks_share else found

    def draw(self, number: int, random: np.random.Generator) -> tuple[Floats, Floats]:
        """Return values of z with something above, and the probability that each counts for."""
        degrees = self.bins - 1
        chances = np.array([self.psi_share, *2 * norm.sf(self.ks / self.spread)])
        events = random.choice(self.bins, number, p=chances / chances.sum())
        z = random.standard_normal((number, degrees))
        far, edges = events == 0, events[events > 0] - 1
        if far.any():  # a direction, and how far
            tails = random.uniform(0, self.psi_share, (int(far.sum()), 1))
            lengths = np.linalg.norm(z[far], axis=1, keepdims=True)
            z[far] *= np.sqrt(chi2.isf(tails, degrees)) / lengths
        if len(edges):  # how far along the edge's form, and anything across it
            directions = self.forms[edges] / self.spread[edges, None]
            along = truncnorm.rvs(self.ks / self.spread[edges], np.inf, random_state=random)
            along *= random.choice([-1.0, 1.0], len(edges))
            z[~far] += (along - (z[~far] * directions).sum(axis=1))[:, None] * directions
        return z, chances.sum() / np.maximum(self.events(z), 1) / number

    def alarms(
        self, turnover: float, evaluations: int, pending: int, draws: int,
        random: np.random.Generator,
    ) -> tuple[float, float]:  # fmt: skip
        """Return the alarms in a window's length, and the chance to be above at one evaluation.

        As many runs reach a length as are of that length or more, less those that are longer, at
        each evaluation.

        Args:
            turnover: how often the window's rows change in its length.
            evaluations: in a window's length.
            pending: evaluations after the first that must be above as well.
            draws: how many z are followed.
            random: where they come from.
        """
        z, weights = self.draw(draws, random)
        reached = [float(weights.sum())]
        step = turnover / evaluations
        came = gone = np.zeros_like(z)
        for k in range(pending + 1):
            # z is what came in a window: what goes is a bridge to it, less its straight line.
            left = 1 - k * step
            spread = np.sqrt(step * (left - step) / left)
            gone = gone * (left - step) / left + spread * random.standard_normal(z.shape)
            came = came + np.sqrt(step) * random.standard_normal(z.shape)
            above = self.events((left - step) * z + came - gone) > 0
            z, came, gone, weights = (each[above] for each in (z, came, gone, weights))
            reached.append(float(weights.sum()))
        return evaluations * (reached[-2] - reached[-1]), reached[0]
