"""Rows that come in bursts, and rows that are independent: alarms in a month.

A user sends 20 equal rows. In bursts they come within one hour; otherwise they are spread over the
day, so that neighbouring hours share users. Training comes in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from judging import Judge
from numpy.typing import NDArray
from stationary_week import DAY, LENGTH, MONTH, PENDING, SLOTS, alarms_of, windows_of

from boxkite.baseline.variable import NumericVariable
from boxkite.variation import learn_variation

__all__ = ["print_bursts"]

Counts: TypeAlias = NDArray[np.int64]

BINS, VARIABLES, REPEATS = 20, 10, 20
TRAINING_HOURS = 28 * DAY


def _hours(rows: float, kind: str, hours: int, random: np.random.Generator) -> Counts:
    """Return the counts of each hour of rows from an even distribution over the bins."""
    if kind == "independent":
        return random.poisson(rows / BINS, (hours, BINS))
    if kind == "bursts":
        return random.poisson(rows / BINS / REPEATS, (hours, BINS)) * REPEATS
    # Each user's rows fall into random hours of one day: a user starts at any hour.
    found = np.zeros((hours + DAY, BINS), dtype=np.int64)
    users = random.poisson(rows / BINS / REPEATS, (hours, BINS))
    for start in range(hours):
        for offset, part in enumerate(
            random.multinomial(users[start] * REPEATS, np.full(DAY, 1 / DAY)).T
        ):
            found[start + offset] += part
    return found[DAY : hours + DAY] if hours > 2 * DAY else found[:hours]


def print_bursts(traffic: Sequence[int], runs: int) -> None:
    """Print alarms in a month of a model of ten variables, by how rows come."""
    print("Alarms a month of a model of ten features without drift; at most 1 is stated\n")
    print(
        "| rows | an hour in training | an hour live | 1h: as independent | learnt | 1d | learnt |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|")
    for kind in ("independent", "bursts", "over a day"):
        for rows in traffic:
            for live in (rows // 4, rows, rows * 4):
                random = np.random.default_rng([rows, live])
                counted = np.mean([_month(rows, live, kind, random) for _ in range(runs)], axis=0)
                cells = " | ".join(f"{each * VARIABLES:.1f}" for each in counted)
                print(f"| {kind} | {rows:,} | {live:,} | {cells} |", flush=True)


def _month(rows: int, live: int, kind: str, random: np.random.Generator) -> list[float]:
    training = _hours(rows, kind, TRAINING_HOURS, random)
    month = _hours(live, kind, MONTH + 2 * DAY, random)
    variable = NumericVariable(
        name="x",
        role="feature",
        position=0,
        counts=training.sum(axis=0),
        missing=0,
        edges=np.arange(BINS - 1.0),
        sum=0.0,
    )
    found = []
    for window, length in LENGTH.items():
        slots = training.reshape(-1, length // SLOTS[window], BINS).sum(axis=1)
        learnt = learn_variation(slots, ordered=True, slots=SLOTS[window])
        windows = windows_of(month, length)[-MONTH:]
        for judge in (
            Judge(variable, VARIABLES, window),
            Judge(variable, VARIABLES, window, learnt),
        ):
            verdicts = [judge.verdict(each) == "drift" for each in windows]
            found.append(float(alarms_of(verdicts, PENDING[window])))
    return found
