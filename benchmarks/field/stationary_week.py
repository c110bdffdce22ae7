"""A week that repeats without end: hours differ, and nothing ever changes.

Each hour is drawn from the distribution of its hour of the week. Training is four such weeks. Then
a month is evaluated at every full hour, over the last hour and over the last day. An alarm of the
day's window needs three evaluations in a row, as `for: 2h24m` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from judging import Judge
from numpy.typing import NDArray
from scipy.stats import norm

from boxkite.baseline.variable import NumericVariable
from boxkite.variation import learn_variation

__all__ = ["FEATURES", "WEEK", "Feature", "Service", "alarms_of", "print_week", "windows_of"]

Counts: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

WEEK, DAY, MONTH = 168, 24, 720
TRAINING_WEEKS = 4
PENDING = {"1h": 1, "1d": 3}
LENGTH = {"1h": 1, "1d": DAY}
SLOTS = {"1h": 1, "1d": 4}


@dataclass(frozen=True)
class Feature:
    """A normal feature whose mean and spread depend on the hour of the week.

    Attributes:
        name: Name in the results.
        means: Mean at each hour of the week.
        deviations: Standard deviation at each hour of the week.
    """

    name: str
    means: Floats
    deviations: Floats

    def fractions(self, edges: Floats, shift: float = 0.0) -> Floats:
        """Return the mass of each bin at each hour of the week, shape (168, bins)."""
        z = (edges - self.means[:, None] - shift) / self.deviations[:, None]
        below = np.hstack([np.zeros((WEEK, 1)), norm.cdf(z), np.ones((WEEK, 1))])
        return np.diff(below, axis=1)


def _features() -> list[Feature]:
    random = np.random.default_rng(11)
    hour = np.arange(WEEK)
    ones = np.ones(WEEK)
    daily, weekend = np.sin(2 * np.pi * hour / DAY), (hour // DAY >= 5).astype(float)
    nightly = (hour % DAY == 3).astype(float)
    return [
        Feature("any hour is different", random.normal(0, 0.6, WEEK), ones),
        Feature("daily sine", daily, ones),
        Feature("weekends", weekend, ones),
        Feature("a job at night", 2 * nightly, ones),
        Feature("one hour a week", 2.0 * (hour == 50), ones),
        Feature("spread by day", np.zeros(WEEK), 1 + 0.5 * daily),
        Feature("slight sine", 0.2 * daily, ones),
        *[Feature(f"no structure {i}", np.zeros(WEEK), ones) for i in (1, 2, 3)],
    ]


FEATURES = _features()


@dataclass(frozen=True)
class Service:
    """One feature's training and its judges.

    Attributes:
        feature: The feature.
        edges: Edges of its bins, of equal mass over the week.
        hourly: Rows at each hour of the day.
        judges: By window, a judge without and one with variation.
    """

    feature: Feature
    edges: Floats
    hourly: Floats
    judges: dict[str, tuple[Judge, Judge]]

    @classmethod
    def train(
        cls,
        feature: Feature,
        hourly: Floats,
        bins: int,
        variables: int,
        random: np.random.Generator,
    ) -> Service:
        """Draw four weeks and learn from them."""
        grid = np.linspace(-8, 8, 4001)
        mass = np.cumsum(feature.fractions(grid).mean(axis=0))[:-1]
        edges = np.interp(np.arange(1, bins) / bins, mass, grid)
        service = cls(feature, edges, hourly, {})
        hours = service.draw(TRAINING_WEEKS * WEEK, random)
        total = hours.sum(axis=0)
        variable = NumericVariable(
            name=feature.name,
            role="feature",
            position=0,
            counts=total,
            missing=0,
            edges=edges,
            sum=0.0,
        )
        for window, length in LENGTH.items():
            step = length // SLOTS[window]
            slots = hours.reshape(-1, step, bins).sum(axis=1)
            learnt = learn_variation(slots, ordered=True, slots=SLOTS[window])
            service.judges[window] = (
                Judge(variable, variables, window),
                Judge(variable, variables, window, learnt),
            )
        return service

    def draw(self, hours: int, random: np.random.Generator, shift: float = 0.0) -> Counts:
        """Draw the counts of consecutive hours, from the first hour of a week."""
        fractions = self.feature.fractions(self.edges, shift)
        at = np.arange(hours) % WEEK
        return random.poisson(self.hourly[at % DAY][:, None] * fractions[at])


def windows_of(hours: Counts, length: int) -> Counts:
    """Return the counts of the last `length` hours at each full hour."""
    sums = np.cumsum(np.vstack([np.zeros((1, hours.shape[1]), dtype=np.int64), hours]), axis=0)
    return sums[length:] - sums[:-length]


def alarms_of(verdicts: Sequence[bool], pending: int) -> int:
    """Return how many alarms start, each after `pending` verdicts of drift in a row."""
    alarms = above = 0
    for each in verdicts:
        above = above + 1 if each else 0
        alarms += above == pending
    return alarms


def _month(service: Service, random: np.random.Generator) -> dict[str, tuple[float, ...]]:
    hours = service.draw(MONTH + DAY, random)
    found = {}
    for window, length in LENGTH.items():
        windows = windows_of(hours, length)[-MONTH:]
        found[window] = tuple(
            float(alarms_of([judge.verdict(w) == "drift" for w in windows], PENDING[window]))
            for judge in service.judges[window]
        )
    return found


def print_week(traffic: Sequence[int], months: int, bins: int = 20) -> None:
    """Print alarms in a month of a stationary week, without and with natural variation."""
    print("Alarms a month of one model with these ten features; at most 1 is stated\n")
    print(
        "| rows an hour | traffic | feature | 1h: independent | learnt | 1d: independent | learnt |"
    )
    print("|---:|---|---|---:|---:|---:|---:|")
    day = 1 + 0.9 * np.sin(2 * np.pi * (np.arange(DAY) - 9) / DAY)
    for rows in traffic:
        for name, shape in (("even", np.ones(DAY)), ("19 times more by day", day)):
            random = np.random.default_rng(rows)
            totals = np.zeros(4)
            for feature in FEATURES:
                counted = np.zeros(4)
                for _ in range(months):
                    service = Service.train(feature, rows * shape, bins, len(FEATURES), random)
                    found = _month(service, random)
                    counted += [*found["1h"], *found["1d"]]
                totals += counted / months
                cells = " | ".join(f"{each:.2f}" for each in counted / months)
                print(f"| {rows:,} | {name} | {feature.name} | {cells} |", flush=True)
            cells = " | ".join(f"**{each:.2f}**" for each in totals)
            print(f"| {rows:,} | {name} | **the model** | {cells} |", flush=True)
