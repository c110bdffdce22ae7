"""Join the journals of a worker group, as the second consumer beside the counting."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from boxkite.error_reporter import ErrorReporter
from boxkite.live.counts_file import Position
from boxkite.live.group_counts import worker_folders
from boxkite.live.journal_files import JournalFiles
from boxkite.live.outcomes.join_tables import JoinTables
from boxkite.live.outcomes.joined_outcomes import DayOutcomes, JoinedOutcomes
from boxkite.live.outcomes.label_join import JoinOptions, Label, LabelJoin
from boxkite.live.outcomes.outcome_database import Database, FileDatabase, MemoryDatabase
from boxkite.live.outcomes.pair_tables import PairTables
from boxkite.live.worker_folder import ORPHAN, WORKER, WorkerFolder

__all__ = ["GroupJoin", "MemoryJoin"]

_JOINED_AT_ONCE = 10_000
_READ_AT_ONCE = 512
_MEMORY_BYTES = 32 << 20


class Readable(Protocol):
    """A journal that can be read."""

    def end_after(self, position: Position, /) -> Position:
        """Return the position after the last record."""
        ...

    def read(
        self, position: Position, limit: int, end: Position | None = None
    ) -> tuple[list[bytes], Position]:
        """Return up to `limit` records from a position on, and the position after them."""
        ...


class MemoryJoin:
    """Joins records that no file takes. It ends with the process.

    Args:
        options: How labels are joined.
    """

    def __init__(self, options: JoinOptions) -> None:
        self._options = replace(options, max_bytes=min(_MEMORY_BYTES, options.max_bytes))
        self._database: MemoryDatabase | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was joined in memory since the last `clear`."""
        return self._database is None

    def clear(self) -> None:
        """Start again with nothing, because a file holds everything now."""
        self._database = None

    def add(self, contents: list[bytes]) -> None:
        """Join records."""
        if self._database is None:
            self._database = MemoryDatabase()
        with self._database.transaction() as connection:
            join = LabelJoin(connection, self._options)
            join.add(contents)
            join.finish(int(time.time()))

    def totals(self) -> JoinedOutcomes:
        """Return what became of the labels in memory."""
        if self._database is None:
            return JoinedOutcomes()
        with self._database.transaction() as connection:
            return JoinTables(connection, self._options.layout).totals()

    def days(self, since: int) -> list[DayOutcomes]:
        """Return the counts of each day, the oldest first."""
        if self._database is None:
            return []
        with self._database.transaction() as connection:
            return PairTables(connection, self._options.layout).days(since)

    def copy_to(self, join: LabelJoin) -> None:
        """Add everything to a join in a file."""
        if self._database is None:
            return
        with self._database.transaction() as connection:
            tables = JoinTables(connection, self._options.layout)
            join.tables.add_counts(tables)
            for prediction, outcome in tables.predictions():
                join.add_moved(prediction, outcome)
            for key, outcome, result in tables.waiting_labels():
                join.add_label(Label(key, outcome, result))


class GroupJoin:
    """Joins the journals of all workers of a group in one database.

    The database holds the position up to which each journal is joined. The position changes
    together with the counts, so each record is joined once, whichever process is killed at
    whichever moment. Any worker may join the journal of any other.

    Args:
        folder: The group's folder.
        options: How labels are joined.
        reporter: Reports predictions that were removed to make room.
        database: The database. None takes the one in the group's folder.
    """

    def __init__(
        self,
        folder: Path,
        options: JoinOptions,
        reporter: ErrorReporter,
        database: Database | None = None,
    ) -> None:
        self._folder = folder
        self._options = options
        self._reporter = reporter
        self._database = database or FileDatabase(folder)

    def join(self, journals: Mapping[str, Readable]) -> dict[str, Position]:
        """Join all records of journals that are not joined yet.

        Args:
            journals: Journals by the id of their worker.

        Returns:
            The position up to which each journal is joined.

        Raises:
            OSError: If the database or a journal cannot be used. What was not joined stays in the
                journals.
        """
        # Other workers may join between two parts of a long backlog.
        while True:
            reached, number = self._join_part(journals)
            if number < _JOINED_AT_ONCE:
                return reached

    def _join_part(self, journals: Mapping[str, Readable]) -> tuple[dict[str, Position], int]:
        """Join up to 10,000 records, and return the positions and the number of records."""
        now = int(time.time())
        reached: dict[str, Position] = {}
        number = removed = 0
        with self._database.transaction() as connection:
            join = LabelJoin(connection, self._options)
            for worker, journal in journals.items():
                begin = place = join.tables.position(worker)
                end = journal.end_after(begin)
                while place < end and number < _JOINED_AT_ONCE:
                    contents, place = journal.read(place, _READ_AT_ONCE, end)
                    if not contents:
                        break
                    join.add(contents)
                    number += len(contents)
                reached[worker] = place
                if place != begin:
                    join.tables.set_position(worker, place, now)
            if number:
                removed = join.finish(now)
        self._report_removed(removed)
        return reached, number

    def join_others(self, own_id: str) -> None:
        """Join the journals of all other workers, living and dead.

        Raises:
            OSError: If the database or a journal cannot be used.
        """
        journals: dict[str, Readable] = {}
        for path in worker_folders(self._folder, (WORKER,)):
            worker = path.name.removeprefix(WORKER)
            # Another worker may have joined and merged it since.
            with contextlib.suppress(FileNotFoundError):
                if worker != own_id:
                    journals[worker] = _journal_of(path)
        self.join(journals)

    def join_rest(self, folder: WorkerFolder) -> None:
        """Join the rest of a dead worker's journal, before its folder is merged.

        Raises:
            OSError: If the database or the journal cannot be used. The folder must stay then.
        """
        with contextlib.suppress(FileNotFoundError):
            if not folder.is_merged:
                self.join({folder.path.name.removeprefix(WORKER): _journal_of(folder.path)})

    def take(self, memory: MemoryJoin) -> None:
        """Take over everything that was joined in memory.

        Raises:
            OSError: If the database cannot be used. Everything stays in memory then.
        """
        with self._database.transaction() as connection:
            join = LabelJoin(connection, self._options)
            memory.copy_to(join)
            removed = join.finish(int(time.time()))
        memory.clear()
        self._report_removed(removed)

    def _report_removed(self, number: int) -> None:
        if number:
            problem = (
                f"{number:,} predictions no longer wait for labels, because the state folder "
                f"may not hold more than {self._options.max_bytes:,} bytes of them. Their labels "
                "will count as late. Raise STATE_MAX_BYTES or lower OUTCOME_TTL."
            )
            self._reporter.count("outcome", OSError(problem))

    def totals(self) -> JoinedOutcomes:
        """Return what became of all labels.

        Raises:
            OSError: If the database cannot be used.
        """
        present = (WORKER, ORPHAN)
        ids = {path.name.partition("-")[2] for path in worker_folders(self._folder, present)}
        with self._database.transaction() as connection:
            tables = JoinTables(connection, self._options.layout)
            tables.forget_journals(ids, int(time.time()))
            return tables.totals()

    def days(self, since: int) -> list[DayOutcomes]:
        """Return the counts of each day.

        Args:
            since: The first day, in days since 1970.

        Raises:
            OSError: If the database cannot be used.
        """
        with self._database.transaction() as connection:
            return PairTables(connection, self._options.layout).days(since)


def _journal_of(folder: Path) -> JournalFiles:
    # Skip damaged segments. They are reported when the worker's counts are merged.
    return JournalFiles(folder, damaged=[])
