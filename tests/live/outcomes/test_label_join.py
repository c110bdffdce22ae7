"""Labels and predictions in any order: each label ends in one result, and counts are exact."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from boxkite import Baseline
from boxkite.error_reporter import ErrorReporter
from boxkite.live.counts_file import START, Position
from boxkite.live.outcomes import outcome_database
from boxkite.live.outcomes.group_join import GroupJoin, MemoryJoin
from boxkite.live.outcomes.joined_outcomes import JoinedOutcomes
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


class Killed(BaseException):
    """The process dies."""


def uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


def prediction_id(number: int, made: int, server: str = "here") -> str:
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(made))
    return f"{server}/{moment}/{uuid(number)}"


def prediction(number: int, made: int, score: Any, carrier: Any = "UA") -> bytes:
    return encode(Record(uuid(number), made * SECOND, [1.0, carrier], [score]))


def label(identifier: Any, outcome: Any, arrived: int = NOW) -> bytes:
    return encode_outcome(identifier, arrived * SECOND, outcome)


class Joining(RuleBasedStateMachine):
    """Compares the join with plain dictionaries, whichever step is killed."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.now = NOW
        self.journals = {"a": Records(), "b": Records()}
        self.memory = MemoryJoin(OPTIONS)
        self.clock = pytest.MonkeyPatch()
        self.clock.setattr(time, "time", lambda: float(self.now))
        # What the records say, and what must become of them.
        self.made: dict[int, tuple[int, Any, str]] = {}
        self.pending: list[tuple[int, int, bool]] = []
        self.labels: dict[int, list[int]] = {}
        self.fresh = 0
        self.sent = 0
        self.never = 0

    def teardown(self) -> None:
        self.clock.undo()
        self.folder.cleanup()

    def join(self) -> GroupJoin:
        return GroupJoin(Path(self.folder.name), OPTIONS, ErrorReporter())

    def append(self, worker: str, content: bytes) -> None:
        if worker == "memory":
            self.memory.add([content])
        else:
            self.journals[worker].contents.append(content)

    workers = st.sampled_from(["a", "b", "memory"])

    @rule(worker=workers, score=st.sampled_from([0.1, 0.5, 0.9, None, "x"]), late=st.booleans())
    def predict(self, worker: str, score: Any, late: bool) -> None:
        """Make a prediction now, or know its id only and write it later."""
        number, self.fresh = self.fresh, self.fresh + 1
        carrier = "DL" if number % 3 else "other"
        self.made[number] = (self.now, score, carrier)
        if late:
            self.pending.append((number, self.now, False))
        else:
            self.append(worker, prediction(number, self.now, score, carrier))

    @precondition(lambda self: self.pending)
    @rule(worker=workers)
    def write_prediction(self, worker: str) -> None:
        number, made, _ = self.pending.pop()
        self.append(worker, prediction(number, made, *self.made[number][1:]))

    @precondition(lambda self: self.made)
    @rule(worker=workers, which=st.integers(0, 100), outcome=st.integers(0, 1))
    def outcome(self, worker: str, which: int, outcome: int) -> None:
        number = which % self.fresh
        # One label of a prediction comes through one worker, because the order of workers is open.
        worker = "ab"[number % 2]
        self.sent += 1
        self.labels.setdefault(number, []).append(outcome)
        self.append(worker, label(prediction_id(number, self.made[number][0]), outcome, self.now))

    @rule(
        worker=workers,
        case=st.sampled_from(
            [
                ("invalid", "no id", 1),
                ("invalid", None, 1),
                ("invalid", prediction_id(9, NOW), "maybe"),
                ("invalid", prediction_id(9, NOW), None),
                ("foreign", prediction_id(9, NOW, "there"), 1),
                ("late", prediction_id(9, NOW - 5 * 86_400), 1),
            ]
        ),
    )
    def hopeless(self, worker: str, case: tuple[str, Any, Any]) -> None:
        _, identifier, outcome = case
        self.sent += 1
        self.never += 1
        self.append(worker, label(identifier, outcome, self.now))

    @rule(step=st.one_of(st.none(), st.integers(0, 60)))
    def join_journals(self, step: int | None) -> None:
        """Join, and die at a statement of the transaction if there is a step."""
        original = sqlite3.connect

        def dying(*arguments: Any, **options: Any) -> Any:
            connection = original(*arguments, **options)
            left = [step]

            def trace(_: str) -> None:
                if left[0] is not None:
                    left[0] -= 1
                    if left[0] < 0:
                        connection.interrupt()

            connection.set_trace_callback(trace)
            return connection

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(outcome_database.sqlite3, "connect", dying)
            join = self.join()
            try:
                join.join(self.journals)
                if not self.memory.is_empty:
                    join.take(self.memory)
            except OSError:
                assert step is not None

    @rule(seconds=st.sampled_from([0, 60, 1200]))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    def joined(self) -> JoinedOutcomes:
        join = self.join()
        join.join(self.journals)
        if not self.memory.is_empty:
            join.take(self.memory)
        return join.totals()

    @invariant()
    def each_label_is_in_one_place(self) -> None:
        joined = self.joined()
        assert sum(joined.results.values()) + joined.waiting == self.sent
        assert min(joined.results.values(), default=0) >= 0

    @invariant()
    def pairs_are_those_of_the_last_labels(self) -> None:
        joined = self.joined()
        if joined.results["unknown"]:
            return  # a label that waited for an hour is gone, and the next one is the first again
        written = {number for number, *_ in self.pending}
        valid = [
            (score, outcomes[-1], carrier)
            for number, outcomes in self.labels.items()
            if number not in written
            for _, score, carrier in [self.made[number]]
            if isinstance(score, float)
        ]
        for segment, names in {"": ("DL", "other"), "carrier=DL": ("DL",)}.items():
            rows = [each for each in valid if each[2] in names]
            expected = CELLS.count([[each[0] for each in rows]], [each[1] for each in rows])
            found = joined.outcomes(LAYOUT, segment)
            assert found.pairs[0].counts.tolist() == expected.pairs[0].counts.tolist()
            assert found.pairs[0].losses["brier"] == pytest.approx(
                expected.pairs[0].losses["brier"]
            )
        days = self.join().days(0)
        assert sum(each.outcomes.rows for each in days) == len(valid)
        assert sum(each.predictions for each in days) == len(self.made) - len(self.pending)


TestJoining = Joining.TestCase
TestJoining.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
