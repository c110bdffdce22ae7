"""A model with a score and a segment column, and records of its predictions and labels."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from boxkite import Baseline
from boxkite.live.counts_file import START, Position
from boxkite.live.outcomes.label_join import JoinOptions
from boxkite.live.outcomes.outcome_record import encode_outcome
from boxkite.live.record import Record, encode

RANDOM = np.random.default_rng(1)
SCORES = RANDOM.random(2000)
BASELINE = Baseline.fit(
    {"x": np.arange(2000) % 7, "carrier": np.array(["UA", "DL"])[np.arange(2000) % 2]},
    {"score": SCORES},
    outcome=(RANDOM.random(2000) < SCORES).astype(int),
    segments=["carrier"],
)
assert BASELINE.outcomes is not None
LAYOUT = BASELINE.outcomes.empty()
CELLS = BASELINE.outcome_cells(None)
TTL = 3 * 86_400.0
OPTIONS = JoinOptions.of(BASELINE, "here", TTL, 1 << 30)
NOW = 1_800_000_000
SECOND = 1_000_000_000


class Records:
    """A journal whose positions are numbers of records."""

    def __init__(self) -> None:
        self.contents: list[bytes] = []

    def end_after(self, _: Position) -> Position:
        return Position(1, START.offset + len(self.contents))

    def read(
        self, position: Position, limit: int, end: Position | None = None
    ) -> tuple[list[bytes], Position]:
        first = position.offset - START.offset
        last = min(first + limit, (end or self.end_after(position)).offset - START.offset)
        part = self.contents[first:last]
        return part, Position(1, position.offset + len(part))


def uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


def prediction_id(number: int, made: int, server: str = "here") -> str:
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(made))
    return f"{server}/{moment}/{uuid(number)}"


def prediction(number: int, made: int, score: Any, carrier: Any = "UA") -> bytes:
    return encode(Record(uuid(number), made * SECOND, [1.0, carrier], [score]))


def label(identifier: Any, outcome: Any, arrived: int = NOW * SECOND) -> bytes:
    """Return a label that arrives at a time in nanoseconds."""
    return encode_outcome(identifier, arrived, outcome)
