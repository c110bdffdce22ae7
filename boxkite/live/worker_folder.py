"""The folder of one worker, as any process reads it, whether the worker is alive or dead.

    worker-<id>/
      lock               locked while the worker lives
      counts             counts and progress, committed together
      log-context.json   fields that all log records share; missing if there is no log
      journal-00000001   records, in segments

A worker is dead if another process can take its lock. Process ids are reused, so they prove
nothing. If records of a dead worker still wait to be shipped after its counts were merged, the
folder is renamed to `orphan-<id>`, and its `counts` then hold log outcomes only.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from boxkite.baseline import Baseline
from boxkite.live.counts import NO_LOG_COUNTS, Counts
from boxkite.live.counts_file import (
    START,
    Committed,
    CountsFile,
    CountsFileError,
    CountsReader,
    Position,
    Progress,
)
from boxkite.live.fold import fold_encoded
from boxkite.live.journal_files import JournalFiles
from boxkite.live.log_context import LogContext
from boxkite.live.outbox import Journal
from boxkite.live.segment import SegmentError
from boxkite.system.file_lock import try_lock

__all__ = ["ORPHAN", "WORKER", "WorkerFolder", "fold_journal"]

WORKER = "worker-"
"""Prefix of the folder of a worker whose counts are not merged yet."""

ORPHAN = "orphan-"
"""Prefix of the folder of a dead worker whose counts are merged, and whose log is not shipped."""

_FOLDED_AT_ONCE = 512


class WorkerFolder:
    """The files of one worker.

    Args:
        path: the folder.

    Attributes:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = path / "lock"
        self.counts_file = path / "counts"
        self.context_file = path / "log-context.json"

    @property
    def is_merged(self) -> bool:
        """Whether the counts were merged, so that only log outcomes are left in this folder."""
        return self.path.name.startswith(ORPHAN)

    def lock_if_dead(self) -> int | None:
        """Take the worker's lock if it is dead.

        Returns:
            The descriptor of the lock file, to be given to `release`. None if the worker is alive,
            another process has the lock, or there is no such folder.
        """
        try:
            descriptor = os.open(self.lock, os.O_RDWR)
        except (FileNotFoundError, NotADirectoryError):
            return None
        if try_lock(descriptor):
            return descriptor
        os.close(descriptor)
        return None

    @property
    def has_log(self) -> bool:
        """Whether the worker's records are logged.

        A power loss can leave the file empty. Nobody can ship the records then.
        """
        try:
            return self.context_file.stat().st_size > 0
        except (FileNotFoundError, NotADirectoryError):
            return False

    def context(self) -> LogContext | None:
        """Return the fields that all log records share; None if the file is missing or damaged."""
        try:
            return LogContext.decode(self.context_file.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None

    def committed(self) -> Committed | None:
        """Return the newest commit that is intact. Return None if there is none.

        Raises:
            OSError: if the file cannot be opened.
        """
        with contextlib.suppress(CountsFileError, FileNotFoundError):
            file = CountsReader(self.counts_file)
            return file.read() or file.newest_intact()
        return None

    def counts(self, baseline: Baseline) -> Counts:
        """Return everything that the worker acknowledged: its counts, and its journal after them.

        Raises:
            OSError: if a file cannot be read.
            ValueError: if a file is damaged or has another format.
        """
        if self.is_merged:
            found = self.committed()
            return Counts.from_bytes(baseline, found.content if found else NO_LOG_COUNTS)
        file = CountsReader(self.counts_file, Counts.zero(baseline).byte_size)
        while True:
            sequence = file.sequence
            counts = self._counts_and_journal(baseline, file.read())
            # A commit removes segments whose records it counted. If there was no commit during this
            # read, no segment was missed.
            if file.sequence == sequence:
                return counts

    def surviving_counts(self, baseline: Baseline) -> tuple[Counts, list[ValueError]]:
        """Return everything that a dead worker acknowledged and that is still intact.

        Args:
            baseline: the worker's baseline.

        Returns:
            The counts, and an error for each file that is damaged. The caller must hold the
            worker's lock, because a damaged counts file is repaired.

        Raises:
            OSError: if a file cannot be read.
        """
        errors: list[ValueError] = []
        committed = None
        try:
            file = CountsFile(self.counts_file, Counts.zero(baseline).byte_size)
            # The worker may have died in the middle of a commit, and a power loss may have damaged
            # the last one.
            if not file.repair():
                errors.append(
                    ValueError(
                        f"'{self.counts_file}' was damaged. The last counts of a dead worker are "
                        "lost."
                    )
                )
            committed = file.read()
        except CountsFileError as error:
            errors.append(error)
            committed = self._log_outcomes()
        damaged: list[SegmentError] = []
        counts = self._counts_and_journal(baseline, committed, damaged)
        return counts, [*errors, *damaged]

    def _log_outcomes(self) -> Committed | None:
        """Return the log outcomes that `OrphanedJournal` committed in place of damaged counts."""
        found = self.committed()
        if found is None:
            return None
        return found._replace(content=found.content[: len(NO_LOG_COUNTS)], progress=Progress())

    def _counts_and_journal(
        self,
        baseline: Baseline,
        committed: Committed | None,
        damaged: list[SegmentError] | None = None,
    ) -> Counts:
        counts, folded = Counts.zero(baseline), START
        if committed is not None:
            counts.add_bytes(committed.content)
            folded = committed.progress.folded
        fold_journal(baseline, JournalFiles(self.path, damaged), folded, None, counts)
        return counts


def fold_journal(
    baseline: Baseline,
    journal: Journal,
    begin: Position,
    end: Position | None,
    counts: Counts,
    examples: dict[int, str] | None = None,
) -> Position:
    """Add the records of a journal to counts.

    Args:
        baseline: the baseline of the counts.
        journal: the journal.
        begin: position of the first record.
        end: position at which to stop, or None for the end of the journal.
        counts: the counts to add to.
        examples: gets the type of an invalid value, by the variable's index.

    Returns:
        The position after the last record.
    """
    place = begin
    while end is None or place < end:
        contents, place = journal.read(place, _FOLDED_AT_ONCE, end)
        if not contents:
            break
        fold_encoded(baseline, contents, counts, examples)
    return place
