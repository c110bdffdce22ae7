"""Rows that come in bursts, and rows that are independent: alarms in a month.

A user sends 20 equal rows. In bursts they come within a quarter of an hour; otherwise they are
spread over the day, so that neighbouring hours share users. Training comes in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from judging import PENDING, Judge
from numpy.typing import NDArray
from stationary_week import DAY, LENGTH, MONTH, TRAINING_HOURS, alarms_of, sliding

from boxkite.baseline.numeric_variable import NumericVariable
from boxkite.baseline.tally import Tally
from boxkite.baseline.time_windows import learn_windows
from boxkite.drift import Policy

__all__ = ["print_bursts"]

Counts: TypeAlias = NDArray[np.int64]
Random: TypeAlias = np.random.Generator

BINS, VARIABLES, REPEATS = 20, 10, 20
QUARTERS = 4
KINDS = ("independent", "bursts", "over a day")
POLICIES = {"": Policy(), ", DESIGN_EFFECT=20": Policy(design_effect=float(REPEATS))}


@dataclass(frozen=True)
class QuarterHours:
    """The rows of one variable in quarters of an hour, for `learn_windows`.

    Attributes:
        counts: Rows of each cell, shape (quarters, cells).
    """

    counts: Counts

    @property
    def span(self) -> float:
        """Seconds from the first to the last row."""
        return len(self.counts) * 900.0 - 1

    def every(self, seconds: float) -> Counts:
        """Return the rows of each cell in consecutive slots, shape (slots, cells)."""
        slots = (np.arange(len(self.counts)) * 900.0 / seconds).astype(np.int64)
        found = np.zeros((int(slots[-1]) + 1, self.counts.shape[1]), dtype=np.int64)
        np.add.at(found, slots, self.counts)
        return found


def _quarters(rows: float, kind: str, hours: int, random: Random) -> Counts:
    """Draw the counts of each quarter of an hour, from an even distribution over the bins."""
    number, rate = hours * QUARTERS, rows / QUARTERS / BINS
    if kind == "independent":
        return random.poisson(rate, (number, BINS))
    users = random.poisson(rate / REPEATS, (number, BINS))
    if kind == "bursts":
        return users * REPEATS
    # Each of a user's rows falls into a random quarter of the day that begins with the first.
    day = DAY * QUARTERS
    starts, cells = np.nonzero(users)
    repeats = users[starts, cells] * REPEATS
    at = np.repeat(starts, repeats) + random.integers(0, day, int(repeats.sum()))
    found = np.zeros((number + day, BINS), dtype=np.int64)
    np.add.at(found, (at, np.repeat(cells, repeats)), 1)
    return found[:number]


def print_bursts(traffic: Sequence[int], runs: int) -> None:
    """Print alarms in a month of a model of ten variables, by how rows come."""
    print("Alarms a month of a model of ten features without drift; at most 1 is stated\n")
    heads = [
        f"{window}, {time} time={setting}"
        for window in LENGTH
        for time in ("without", "with")
        for setting in POLICIES
    ]
    print(f"| rows come | an hour in training | an hour live | {' | '.join(heads)} |")
    print(f"|---|---:|---:|{'---:|' * len(heads)}")
    for kind in KINDS:
        for rows in traffic:
            for live in (rows // 4, rows, rows * 4):
                random = np.random.default_rng([rows, live])
                counted = np.mean([_month(rows, live, kind, random) for _ in range(runs)], axis=0)
                cells = " | ".join(f"{each * VARIABLES:.1f}" for each in counted)
                print(f"| {kind} | {rows:,} | {live:,} | {cells} |", flush=True)


def _month(rows: int, live: int, kind: str, random: Random) -> list[int]:
    training = _quarters(rows, kind, TRAINING_HOURS + DAY, random)[DAY * QUARTERS :]
    hours = _quarters(live, kind, MONTH + 2 * DAY, random)[DAY * QUARTERS :]
    tallies = [Tally(each) for each in hours.reshape(-1, QUARTERS, BINS).sum(axis=1)]
    plain = NumericVariable(
        name="x",
        role="feature",
        position=0,
        counts=training.sum(axis=0),
        missing=0,
        edges=np.arange(BINS - 1.0),
        sum=0.0,
    )
    lengths = {window: length * 3600.0 for window, length in LENGTH.items()}
    variation = learn_windows(plain, QuarterHours(training), lengths).variation
    learnt = replace(plain, variation=variation)
    found = []
    for window, length in LENGTH.items():
        windows = sliding(tallies, length)[-MONTH:]
        for variable in (plain, learnt):
            judges = [Judge(variable, VARIABLES, window, each) for each in POLICIES.values()]
            found += [_alarms(judge, windows) for judge in judges]
    return found


def _alarms(judge: Judge, windows: Sequence[Tally]) -> int:
    return alarms_of([judge.alerts(each) for each in windows], PENDING[judge.window])
