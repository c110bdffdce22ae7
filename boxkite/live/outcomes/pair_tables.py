"""The tables of pairs: of all time and of each day."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import date, timedelta

from boxkite.live.outcomes.joined_outcomes import (
    DayOutcomes,
    outcomes_from_bytes,
    outcomes_to_bytes,
)
from boxkite.quality import Outcomes

__all__ = ["PairTables"]

_PAIRS = ("paired", "withdrawn")
_FIRST_DAY = date(1970, 1, 1)
_MOST_DAYS = 40


class PairTables:
    """Counts pairs in two parts.

    `paired` holds every pair that was ever counted. `withdrawn` holds the pairs that a corrected
    label replaced, so their difference is what counts now.

    Args:
        connection: A connection with an open transaction.
        layout: Outcomes without rows, which fix the cells of all pairs.
    """

    def __init__(self, connection: sqlite3.Connection, layout: Outcomes) -> None:
        self._connection = connection
        self._layout = layout

    def add_all(self, other: PairTables) -> None:
        """Add the pairs and days of other tables."""
        for part in _PAIRS:
            for segment, outcomes in other.by_segment(part).items():
                self.add(part, segment, outcomes)
        for each in other.days():
            day = (each.day - _FIRST_DAY).days
            self.add_predictions({day: each.predictions})
            self.add_to_day("paired", day, each.outcomes)

    def add_predictions(self, days: Mapping[int, int]) -> None:
        """Add to the number of predictions of each day, in days since 1970."""
        self._connection.executemany(
            "INSERT INTO day (day, predictions) VALUES (?, ?) "
            "ON CONFLICT (day) DO UPDATE SET predictions = predictions + excluded.predictions",
            list(days.items()),
        )

    def add(self, part: str, segment: str, outcomes: Outcomes) -> None:
        """Add pairs to the total of a segment.

        Args:
            part: `paired` or `withdrawn`.
            segment: Label of the segment, or "" for all rows.
            outcomes: The pairs.
        """
        found = self._connection.execute(
            "SELECT content FROM pairs WHERE name = ? AND segment = ?", (part, segment)
        ).fetchone()
        total = self._outcomes(found[0] if found else None).plus(outcomes)
        self._connection.execute(
            "INSERT OR REPLACE INTO pairs VALUES (?, ?, ?)",
            (part, segment, outcomes_to_bytes(total)),
        )

    def add_to_day(self, part: str, day: int, outcomes: Outcomes) -> None:
        """Add pairs to the total of a day.

        Args:
            part: `paired` or `withdrawn`.
            day: Day of the predictions, in days since 1970.
            outcomes: The pairs.
        """
        select = f"SELECT {part} FROM day WHERE day = ?"
        found = self._connection.execute(select, (day,)).fetchone()
        total = self._outcomes(found[0] if found else None).plus(outcomes)
        self._connection.execute(
            f"INSERT INTO day (day, predictions, {part}) VALUES (?, 0, ?) "
            f"ON CONFLICT (day) DO UPDATE SET {part} = excluded.{part}",
            (day, outcomes_to_bytes(total)),
        )

    def by_segment(self, part: str) -> dict[str, Outcomes]:
        """Return the pairs of all time by segment, in one of the parts."""
        rows = self._connection.execute(
            "SELECT segment, content FROM pairs WHERE name = ?", (part,)
        )
        return {segment: self._outcomes(content) for segment, content in rows}

    def _outcomes(self, content: object) -> Outcomes:
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
