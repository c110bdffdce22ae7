"""Labels and predictions in any order: each label ends in one result, and counts are exact."""

from __future__ import annotations

import math
import sqlite3
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from boxkite.error_reporter import ErrorReporter
from boxkite.live.outcomes import outcome_database
from boxkite.live.outcomes.group_join import GroupJoin, MemoryJoin
from boxkite.live.outcomes.joined_outcomes import JoinedOutcomes
from tests.live.outcomes.conftest import (
    CELLS,
    LAYOUT,
    NOW,
    OPTIONS,
    SECOND,
    Records,
    label,
    prediction,
    prediction_id,
)


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
        self.hopeless_results: Counter[str] = Counter()

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
                ("late", prediction_id(9, NOW - 5 * 86_400), 1),
                ("foreign", prediction_id(9, NOW - 5 * 86_400, "there"), 1),
            ]
        ),
    )
    def hopeless(self, worker: str, case: tuple[str, Any, Any]) -> None:
        result, identifier, outcome = case
        self.hopeless_results[result] += 1
        self.send(worker, identifier, outcome)

    @rule(worker=workers, server=st.sampled_from(["here", "there"]))
    def label_what_never_comes(self, worker: str, server: str) -> None:
        """Send a label whose prediction is never made. It waits longer than this test."""
        self.hopeless_results["waiting"] += 1
        self.send(worker, prediction_id(1_000_000 + self.sent, self.now, server), 1)

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

    @rule(seconds=st.sampled_from([0, 1, 60]))
    def wait(self, seconds: int) -> None:
        # After an hour, labels would no longer wait. Whether the next label of the same prediction
        # is the first one again would depend on when the journals are joined.
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
        self.check_results(joined, len(valid), unwritten)

    def check_results(self, joined: JoinedOutcomes, paired: int, unwritten: set[int]) -> None:
        """Check how many labels have each result."""
        found = joined.results
        waiting = len(unwritten & self.labels.keys())
        assert joined.waiting == self.hopeless_results["waiting"] + waiting
        assert found["paired"] == paired
        assert found["unknown"] == 0
        for result in ("late", "foreign"):
            assert found[result] == self.hopeless_results[result]
        # If a prediction has several labels, it depends on the order of the journals which of them
        # is the first one, and whether the next one says the same.
        further = found["repeated"] + found["corrected"] + found["invalid"]
        labels = sum(map(len, self.labels.values()))
        assert further == labels - paired - waiting + self.hopeless_results["invalid"]
        assert found["invalid"] >= self.hopeless_results["invalid"]

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
