"""The tables of the join, inside one transaction."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from boxkite.live.counts_file import START, Position
from boxkite.live.outcomes.joined_outcomes import (
    RESULTS,
    DayOutcomes,
    JoinedOutcomes,
    outcomes_from_bytes,
    outcomes_to_bytes,
)
from boxkite.live.outcomes.outcome_record import PredictionKey
from boxkite.live.outcomes.prediction_reader import KeptPrediction
from boxkite.quality import Outcomes

__all__ = ["PAIRS", "JoinTables", "TimedOutcome"]

PAIRS = ("paired", "withdrawn")
"""Pairs that were counted, and those of them that a corrected label took back."""

_FIRST_DAY = date(1970, 1, 1)
_DAY_SECONDS = 86_400
_MOST_DAYS = 40
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
    """

    def __init__(self, connection: sqlite3.Connection, layout: Outcomes) -> None:
        self._connection = connection
        self._layout = layout
        # One row per number would be written again for each prediction, so collect the changes.
        self._numbers: Counter[str] = Counter(
            dict(connection.execute("SELECT name, value FROM number"))
        )
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
        self._connection.executemany(
            "INSERT INTO day (day, predictions) VALUES (?, ?) "
            "ON CONFLICT (day) DO UPDATE SET predictions = predictions + excluded.predictions",
            list(self._days.items()),
        )

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
            outcome = None if number is None else TimedOutcome(number, arrived)
            yield KeptPrediction(PredictionKey(*key), outputs, segments), outcome

    def waiting_labels(self) -> Iterator[tuple[PredictionKey, TimedOutcome]]:
        """Yield the key and the outcome of each label that waits."""
        for *key, number, arrived in self._connection.execute(
            "SELECT second, entity, outcome, arrived FROM waiting"
        ):
            yield PredictionKey(*key), TimedOutcome(number, arrived)

    def add_counts(self, other: JoinTables) -> None:
        """Add the counts of other tables, without the rows of predictions and labels."""
        for name in RESULTS:
            self._numbers[name] += other.number(name)
        for name in PAIRS:
            for segment, outcomes in other.pairs(name).items():
                self.add_pairs(name, segment, outcomes)
        for day in other.days():
            number = (day.day - _FIRST_DAY).days
            self._days[number] += day.predictions
            self.add_to_day("paired", number, day.outcomes)

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
        outcome = None if number is None else TimedOutcome(number, arrived)
        return KeptPrediction(key, outputs, segments), outcome

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
        found: tuple[float, int] | None = self._connection.execute(
            "SELECT outcome, arrived FROM waiting WHERE second = ? AND entity = ?", key
        ).fetchone()
        return TimedOutcome(*found) if found else None

    def add_waiting(self, key: PredictionKey, outcome: TimedOutcome) -> None:
        """Let an outcome wait for its prediction."""
        self._connection.execute("INSERT INTO waiting VALUES (?, ?, ?, ?)", (*key, *outcome))
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

    def remove_waiting(self, until: int) -> int:
        """Remove labels that arrived before a second, and return their number."""
        if not self._numbers["waiting"]:
            return 0
        return self._remove("waiting", "arrived < ?", until * _NANOSECONDS)

    def limit_waiting(self, most: int) -> int:
        """Remove the labels that waited the longest beyond a number, and return their number."""
        excess = self._numbers["waiting"] - most
        if excess <= 0:
            return 0
        oldest = "SELECT second, entity FROM waiting ORDER BY arrived LIMIT ?"
        return self._remove("waiting", f"(second, entity) IN ({oldest})", excess)

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

        A clock that jumps ahead by more than a day must stay there for an hour first. Otherwise a
        clock that is wrong for a moment would remove all predictions.
        """
        last, jumped = self._numbers["joined_at"], self._numbers["jumped_at"]
        self._numbers["joined_at"] = now
        if last and now - last > _DAY_SECONDS:
            jumped = now
        elif now < jumped or now - jumped >= _STEADY_SECONDS:
            jumped = 0
        self._numbers["jumped_at"] = jumped
        return not jumped

    def add_pairs(self, name: str, segment: str, outcomes: Outcomes) -> None:
        """Add pairs to those of all time.

        Args:
            name: One of `PAIRS`.
            segment: Label of the segment, or "" for all rows.
            outcomes: The pairs.
        """
        found = self._connection.execute(
            "SELECT content FROM pairs WHERE name = ? AND segment = ?", (name, segment)
        ).fetchone()
        total = self._outcomes(found[0] if found else None).plus(outcomes)
        self._connection.execute(
            "INSERT OR REPLACE INTO pairs VALUES (?, ?, ?)",
            (name, segment, outcomes_to_bytes(total)),
        )

    def add_to_day(self, name: str, day: int, outcomes: Outcomes) -> None:
        """Add pairs to those of a day.

        Args:
            name: One of `PAIRS`.
            day: Day of the predictions, in days since 1970.
            outcomes: The pairs.
        """
        select = f"SELECT {name} FROM day WHERE day = ?"
        found = self._connection.execute(select, (day,)).fetchone()
        total = self._outcomes(found[0] if found else None).plus(outcomes)
        self._connection.execute(
            f"INSERT INTO day (day, predictions, {name}) VALUES (?, 0, ?) "
            f"ON CONFLICT (day) DO UPDATE SET {name} = excluded.{name}",
            (day, outcomes_to_bytes(total)),
        )

    def pairs(self, name: str) -> dict[str, Outcomes]:
        """Return the pairs of all time by segment, by one of the names in `PAIRS`."""
        rows = self._connection.execute(
            "SELECT segment, content FROM pairs WHERE name = ?", (name,)
        )
        return {segment: self._outcomes(content) for segment, content in rows}

    def _outcomes(self, content: bytes | None) -> Outcomes:
        return self._layout if content is None else outcomes_from_bytes(content, self._layout)

    def remove_days(self, today: int) -> None:
        """Remove the counts of days that are over 40 days ago, or after tomorrow.

        Args:
            today: Days since 1970, UTC.
        """
        self._connection.execute(
            "DELETE FROM day WHERE day < ? OR day > ?", (today - _MOST_DAYS, today + 1)
        )

    def days(self, since: int = 0) -> list[DayOutcomes]:
        """Return the counts of each day that is kept.

        Args:
            since: The first day, in days since 1970.
        """
        rows = self._connection.execute(
            "SELECT day, predictions, paired, withdrawn FROM day WHERE day >= ? ORDER BY day",
            (since,),
        )
        return [
            DayOutcomes(
                _FIRST_DAY + timedelta(days=day),
                predictions,
                self._outcomes(paired).minus(self._outcomes(withdrawn)),
            )
            for day, predictions, paired, withdrawn in rows
        ]

    def totals(self) -> JoinedOutcomes:
        """Return what became of all labels."""
        return JoinedOutcomes(
            self.pairs("paired"),
            self.pairs("withdrawn"),
            Counter({name: self._numbers[name] for name in RESULTS}),
            self._numbers["waiting"],
            self._numbers["predictions"],
        )

    def position(self, worker: str) -> Position:
        """Return the position up to which a worker's journal is joined."""
        found = self._connection.execute(
            "SELECT segment, offset FROM journal WHERE worker = ?", (worker,)
        ).fetchone()
        return Position(*found) if found else START

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
