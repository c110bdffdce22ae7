"""The tables of the join, inside one transaction."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from boxkite.live.counts_file import START, Position
from boxkite.live.outcomes.joined_outcomes import RESULTS, JoinedOutcomes
from boxkite.live.outcomes.outcome_database import DamagedDatabaseError
from boxkite.live.outcomes.outcome_record import PredictionKey
from boxkite.live.outcomes.pair_tables import PairTables
from boxkite.live.outcomes.prediction_reader import KeptPrediction
from boxkite.quality import Outcomes

__all__ = ["JoinTables", "TimedOutcome"]

_DAY_SECONDS = 86_400
_FORGET_SECONDS = 86_400
_STEADY_SECONDS = 3600
_NANOSECONDS = 1_000_000_000


class TimedOutcome(NamedTuple):
    """The outcome of a label, and its time.

    Attributes:
        number: The outcome as a number, see `OutcomeCells.outcome_number`.
        arrived: When the label arrived, in nanoseconds since 1970, UTC.
    """

    number: float
    arrived: int


class JoinTables:
    """Reads and changes the tables. `write_numbers` must be called last.

    Args:
        connection: A connection to the database.
        layout: Outcomes without rows, which fix the cells of all pairs.

    Attributes:
        pairs: The pairs that were counted.
    """

    def __init__(self, connection: sqlite3.Connection, layout: Outcomes) -> None:
        self._connection = connection
        self.pairs = PairTables(connection, layout)
        # One row per number would be written again for each prediction, so collect the changes.
        numbers = connection.execute("SELECT name, value FROM number")
        self._numbers = Counter[str]({name: _whole(value) for name, value in numbers})
        self._days: Counter[int] = Counter()

    def number(self, name: str) -> int:
        """Return a number by name; 0 if it was never set."""
        return self._numbers[name]

    def add_number(self, name: str, value: int) -> None:
        """Add to a number."""
        self._numbers[name] += value

    def write_numbers(self) -> None:
        """Write the numbers that changed."""
        self._connection.executemany(
            "INSERT OR REPLACE INTO number VALUES (?, ?)", list(self._numbers.items())
        )
        self.pairs.add_predictions(self._days)

    def add_prediction(self, prediction: KeptPrediction) -> bool:
        """Keep a prediction. Return False if it is there already."""
        added = self.keep_prediction(prediction, None)
        if added:
            self._days[prediction.key.second // _DAY_SECONDS] += 1
        return added

    def keep_prediction(self, prediction: KeptPrediction, outcome: TimedOutcome | None) -> bool:
        """Keep a prediction that is counted already. Return False if it is there already."""
        key, outputs, segments = prediction
        added = self._connection.execute(
            "INSERT OR IGNORE INTO prediction VALUES (?, ?, ?, ?, ?, ?)",
            (*key, outputs, segments, *(outcome or (None, None))),
        ).rowcount
        self._numbers["predictions"] += added
        return added > 0

    def predictions(self) -> Iterator[tuple[KeptPrediction, TimedOutcome | None]]:
        """Yield each prediction with its outcome."""
        for *key, outputs, segments, number, arrived in self._connection.execute(
            "SELECT second, entity, outputs, segments, outcome, arrived FROM prediction"
        ):
            outcome = _timed_outcome(number, arrived)
            yield KeptPrediction(PredictionKey(*key), outputs, segments), outcome

    def waiting_labels(self) -> Iterator[tuple[PredictionKey, TimedOutcome, str]]:
        """Yield the key, the outcome and the later result of each label that waits."""
        for *key, number, arrived, result in self._connection.execute(
            "SELECT second, entity, outcome, arrived, result FROM waiting"
        ):
            yield PredictionKey(*key), TimedOutcome(number, arrived), result

    def add_counts(self, other: JoinTables) -> None:
        """Add the counts of other tables, without the rows of predictions and labels."""
        for name in RESULTS:
            self._numbers[name] += other.number(name)
        self.pairs.add_all(other.pairs)

    def prediction(self, key: PredictionKey) -> tuple[KeptPrediction, TimedOutcome | None] | None:
        """Return a prediction and its outcome, or None if it is not kept."""
        found = self._connection.execute(
            "SELECT outputs, segments, outcome, arrived FROM prediction "
            "WHERE second = ? AND entity = ?",
            key,
        ).fetchone()
        if found is None:
            return None
        outputs, segments, number, arrived = found
        return KeptPrediction(key, outputs, segments), _timed_outcome(number, arrived)

    def set_outcome(self, key: PredictionKey, outcome: TimedOutcome) -> None:
        """Store the outcome of a prediction."""
        self._connection.execute(
            "UPDATE prediction SET outcome = ?, arrived = ? WHERE second = ? AND entity = ?",
            (*outcome, *key),
        )

    def waiting(self, key: PredictionKey) -> TimedOutcome | None:
        """Return the outcome that waits for a prediction, or None."""
        if not self._numbers["waiting"]:
            return None
        found = self._connection.execute(
            "SELECT outcome, arrived FROM waiting WHERE second = ? AND entity = ?", key
        ).fetchone()
        return _timed_outcome(*found) if found else None

    def add_waiting(self, key: PredictionKey, outcome: TimedOutcome, result: str) -> None:
        """Let an outcome wait for its prediction.

        Args:
            key: Key of the prediction.
            outcome: The outcome.
            result: What the label counts as if the prediction never comes, see `RESULTS`.
        """
        self._connection.execute(
            "INSERT INTO waiting VALUES (?, ?, ?, ?, ?)", (*key, *outcome, result)
        )
        self._numbers["waiting"] += 1

    def replace_waiting(self, key: PredictionKey, outcome: TimedOutcome) -> None:
        """Replace an outcome that waits."""
        self._connection.execute(
            "UPDATE waiting SET outcome = ?, arrived = ? WHERE second = ? AND entity = ?",
            (*outcome, *key),
        )

    def take_waiting(self, key: PredictionKey) -> TimedOutcome | None:
        """Remove and return the outcome that waits for a prediction, or return None."""
        found = self.waiting(key)
        if found is not None:
            self._remove("waiting", "second = ? AND entity = ?", *key)
        return found

    def remove_waiting(self, until: int) -> Counter[str]:
        """Remove labels that arrived before a second, and return their number by result."""
        return self._give_up_waiting("arrived < ?", until * _NANOSECONDS)

    def limit_waiting(self, most: int) -> Counter[str]:
        """Remove the labels that waited the longest, if there are too many.

        Args:
            most: The largest number of labels to keep.

        Returns:
            The number of removed labels by result.
        """
        excess = max(self._numbers["waiting"] - most, 0)
        oldest = "SELECT second, entity FROM waiting ORDER BY arrived LIMIT ?"
        return self._give_up_waiting(f"(second, entity) IN ({oldest})", excess)

    def _give_up_waiting(self, condition: str, value: int) -> Counter[str]:
        if not self._numbers["waiting"]:
            return Counter()
        counted = self._connection.execute(
            f"SELECT result, count(*) FROM waiting WHERE {condition} GROUP BY result", (value,)
        )
        found = Counter[str](dict(counted))
        self._remove("waiting", condition, value)
        return found

    def remove_predictions(self, until: int) -> int:
        """Remove predictions that were made before a second, and return their number."""
        return self._remove("prediction", "second < ?", until)

    def limit_size(self, max_bytes: int) -> int:
        """Remove the oldest predictions, a twentieth at a time, until the tables are small enough.

        Returns:
            The number of predictions that were removed.
        """
        total = 0
        while self._used_bytes() > max_bytes:
            removed = self._remove_oldest()
            if not removed:
                break
            total += removed
        return total

    def _used_bytes(self) -> int:
        pages, free, size = (
            int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size

    def _remove_oldest(self) -> int:
        last = self._connection.execute(
            "SELECT second, entity FROM prediction ORDER BY second, entity LIMIT 1 OFFSET ?",
            (self._numbers["predictions"] // 20,),
        ).fetchone()
        if last is None:
            return 0
        self._numbers["removed_until"] = max(self._numbers["removed_until"], last[0])
        return self._remove("prediction", "(second, entity) <= (?, ?)", *last)

    def _remove(self, table: str, condition: str, *values: object) -> int:
        statement = f"DELETE FROM {table} WHERE {condition}"
        removed = self._connection.execute(statement, values).rowcount
        self._numbers["predictions" if table == "prediction" else table] -= removed
        return removed

    def clock_is_steady(self, now: int) -> bool:
        """Return whether the time may be trusted for removing what is old.

        A clock that jumps by more than a day must stay there for an hour first. Otherwise a clock
        that is wrong for a moment would remove all predictions, or the counts of all days.
        """
        last, jumped = self._numbers["joined_at"], self._numbers["jumped_at"]
        self._numbers["joined_at"] = now
        if last and abs(now - last) > _DAY_SECONDS:
            jumped = now
        elif now < jumped or now - jumped >= _STEADY_SECONDS:
            jumped = 0
        self._numbers["jumped_at"] = jumped
        return not jumped

    def totals(self) -> JoinedOutcomes:
        """Return what became of all labels."""
        return JoinedOutcomes(
            self.pairs.by_segment("paired"),
            self.pairs.by_segment("withdrawn"),
            Counter({name: self._numbers[name] for name in RESULTS}),
            self._numbers["waiting"],
            self._numbers["predictions"],
        )

    def position(self, worker: str) -> Position:
        """Return the position up to which a worker's journal is joined."""
        found = self._connection.execute(
            "SELECT segment, offset FROM journal WHERE worker = ?", (worker,)
        ).fetchone()
        return Position(*map(_whole, found)) if found else START

    def set_position(self, worker: str, position: Position, now: int) -> None:
        """Store the position up to which a worker's journal is joined."""
        self._connection.execute(
            "INSERT OR REPLACE INTO journal VALUES (?, ?, ?, ?)", (worker, *position, now)
        )

    def forget_journals(self, present: set[str], now: int) -> None:
        """Forget the positions in journals that were removed.

        A folder that another program deleted may still have a living worker, so its position is
        kept for a day.

        Args:
            present: Ids of the workers that have a folder.
            now: Seconds since 1970, UTC.
        """
        rows = self._connection.execute(
            "SELECT worker FROM journal WHERE joined_at < ?", (now - _FORGET_SECONDS,)
        ).fetchall()
        gone = [row for row in rows if row[0] not in present]
        self._connection.executemany("DELETE FROM journal WHERE worker = ?", gone)


def _whole(value: object) -> int:
    """Return a number that the database holds.

    Raises:
        DamagedDatabaseError: If it is no integer, which SQLite does not check.
    """
    if type(value) is not int:
        raise DamagedDatabaseError(f"it holds {value!r} instead of an integer")
    return value


def _timed_outcome(number: object, arrived: object) -> TimedOutcome | None:
    """Return the outcome of a row; None if the row has none."""
    if number is None:
        return None
    if type(number) is not float:
        raise DamagedDatabaseError(f"it holds the outcome {number!r}")
    return TimedOutcome(number, _whole(arrived))
