"""Labels and predictions in any order: each label ends in one result, and counts are exact."""

from __future__ import annotations

import math
import sqlite3
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

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


class Mortal(sqlite3.Connection):
    """A connection whose process dies before a statement. It rolls nothing back."""

    left = math.inf

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        if Mortal.left <= 0:
            raise Killed
        Mortal.left -= 1
        return super().execute(*arguments)

    def executemany(self, *arguments: Any) -> sqlite3.Cursor:
        self.execute("SELECT 1")
        return super().executemany(*arguments)


connect = sqlite3.connect


def mortal_connect(path: Any, **options: Any) -> sqlite3.Connection:
    """Connect to a file. What is in memory dies with the process, so it is left alone."""
    return connect(path, factory=sqlite3.Connection if path == ":memory:" else Mortal, **options)


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
        self.database = pytest.MonkeyPatch()
        self.database.setattr(outcome_database.sqlite3, "connect", mortal_connect)
        # What the records say, and what must become of them.
        self.made: dict[int, tuple[int, Any, str]] = {}
        self.pending: list[tuple[int, int]] = []
        self.labels: dict[int, list[int]] = {}
        self.fresh = 0
        self.sent = 0
        self.invalid = 0

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
            self.pending.append((number, self.now))
        else:
            self.append(worker, prediction(number, self.now, score, carrier))

    @precondition(lambda self: self.pending)
    @rule(worker=workers)
    def write_prediction(self, worker: str) -> None:
        number, made = self.pending.pop()
        self.append(worker, prediction(number, made, *self.made[number][1:]))

    @precondition(lambda self: self.made)
    @rule(worker=workers, which=st.integers(0, 100), outcome=st.integers(0, 1))
    def outcome(self, worker: str, which: int, outcome: int) -> None:
        number = which % self.fresh
        self.labels.setdefault(number, []).append(outcome)
        self.send(worker, prediction_id(number, self.made[number][0]), outcome)

    def send(self, worker: str, identifier: Any, outcome: Any) -> None:
        # No two labels arrive in the same nanosecond.
        self.sent += 1
        self.append(worker, label(identifier, outcome, self.now * SECOND + self.sent))

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
        result, identifier, outcome = case
        self.invalid += result == "invalid"
        self.send(worker, identifier, outcome)

    @rule(steps=st.one_of(st.just(math.inf), st.integers(0, 60)))
    def join_journals(self, steps: float) -> None:
        """Join, and perhaps die after some statements."""
        Mortal.left = steps
        try:
            self.everything_is_joined()
        except Killed:
            pass
        finally:
            Mortal.left = math.inf

    @rule(seconds=st.sampled_from([0, 60, 1200]))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    def everything_is_joined(self) -> JoinedOutcomes:
        join = self.join()
        join.join(self.journals)
        if not self.memory.is_empty:
            join.take(self.memory)
        return join.totals()

    @rule()
    def check(self) -> None:
        """Each label is in one place, and the pairs are those of the last labels."""
        joined = self.everything_is_joined()
        assert sum(joined.results.values()) + joined.waiting == self.sent
        if joined.results["unknown"]:
            return  # a label that waited for an hour is gone, and the next one is the first again
        unwritten = {number for number, _ in self.pending}
        valid = [
            (score, outcomes[-1], carrier)
            for number, outcomes in self.labels.items()
            if number not in unwritten
            for _, score, carrier in [self.made[number]]
            if isinstance(score, float)
        ]
        for segment, names in {"": ("DL", "other"), "carrier=DL": ("DL",)}.items():
            rows = [each for each in valid if each[2] in names]
            expected = CELLS.count([[each[0] for each in rows]], [each[1] for each in rows])
            found = joined.outcomes(LAYOUT, segment)
            assert found.pairs[0].counts.tolist() == expected.pairs[0].counts.tolist()
            brier = expected.pairs[0].losses["brier"]
            assert found.pairs[0].losses["brier"] == pytest.approx(brier)
        days = self.join().days(0)
        assert sum(each.outcomes.rows for each in days) == len(valid)
        assert sum(each.predictions for each in days) == len(self.made) - len(self.pending)
        changes = joined.results["paired"] + joined.results["invalid"] - self.invalid
        assert (
            changes + joined.results["repeated"] + joined.results["corrected"]
            == sum(len(each) for number, each in self.labels.items()) - joined.waiting
        )

    def teardown(self) -> None:
        try:
            self.check()
        finally:
            self.clock.undo()
            self.database.undo()
            self.folder.cleanup()


TestJoining = Joining.TestCase
TestJoining.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)


@pytest.mark.parametrize("late", [False, True], ids=["waits", "is-late"])
@pytest.mark.parametrize(("older", "newer"), [(0, 1), (1, 0), (1, 1)])
def test_of_labels_in_different_journals_the_one_that_arrived_last_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, older: int, newer: int, late: bool
) -> None:
    monkeypatch.setattr(time, "time", lambda: float(NOW))
    journals = {"a": Records(), "b": Records()}
    join = GroupJoin(tmp_path, OPTIONS, ErrorReporter())
    identifier = prediction_id(1, NOW)
    made = prediction(1, NOW, 0.9)
    journals["a"].contents = [] if late else [made]
    # The journal with the newer label is joined first.
    journals["a"].contents.append(label(identifier, newer, NOW * SECOND + 5))
    journals["b"].contents = [label(identifier, older, NOW * SECOND + 4)]
    join.join(journals)
    # Without a memory of the newest time, this one would win over the label from before.
    journals["b"].contents.append(label(identifier, 1 - newer, NOW * SECOND + 3))
    if late:
        journals["b"].contents.append(made)
    join.join(journals)
    joined = join.totals()
    expected = CELLS.count([[0.9]], [newer]).pairs[0]
    assert joined.outcomes(LAYOUT).pairs[0].counts.tolist() == expected.counts.tolist()
    corrected = 1 + (older != newer)
    assert +joined.results == +Counter(paired=1, corrected=corrected, repeated=2 - corrected)


def test_a_join_that_is_killed_at_any_statement_is_repeated_exactly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: float(NOW))
    monkeypatch.setattr(outcome_database.sqlite3, "connect", mortal_connect)
    records = Records()
    first = [label(prediction_id(2, NOW), 1), prediction(1, NOW, 0.9, "DL")]
    first += [label(prediction_id(1, NOW), outcome) for outcome in (1, 1, 0)]
    second = [prediction(2, NOW, 0.2), label(prediction_id(2, NOW), 0), label("no id", 1)]
    steps = kills = 0
    while True:
        (tmp_path / str(steps)).mkdir()
        join = GroupJoin(tmp_path / str(steps), OPTIONS, ErrorReporter())
        killed = False
        records.contents = []
        for part in (first, second):
            records.contents += part
            Mortal.left = steps
            try:
                join.join({"a": records})
            except Killed:
                killed = True
            finally:
                Mortal.left = math.inf
        join.join({"a": records})
        joined = join.totals()
        assert +joined.results == {"paired": 2, "repeated": 1, "corrected": 2, "invalid": 1}
        expected = CELLS.count([[0.9, 0.2]], [0, 0]).pairs[0]
        assert joined.outcomes(LAYOUT).pairs[0].counts.tolist() == expected.counts.tolist()
        assert joined.paired[""].rows == 4
        assert joined.predictions == 2
        if not killed:
            break
        steps, kills = steps + 1, kills + 1
    assert kills > 20
