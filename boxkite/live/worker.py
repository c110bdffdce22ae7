"""The worker of this process: a locked folder with a journal and counts.

The process holds the folder's lock as long as it lives. A process that can take the lock knows that
the worker is dead, and takes over its counts and records.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
import weakref
from pathlib import Path

from boxkite.baseline import Baseline
from boxkite.live.checkpoint import Checkpoint
from boxkite.live.counts import Counts
from boxkite.live.counts_file import START, CountsFile, Position, Progress
from boxkite.live.log_context import LogContext
from boxkite.live.mapped_journal import MappedJournal
from boxkite.live.outbox import Outbox
from boxkite.live.worker_folder import WORKER, WorkerFolder, fold_journal
from boxkite.system.file_lock import try_lock
from boxkite.system.lazy_attribute import LazyLock

__all__ = ["STAGING", "Worker"]

STAGING = ".new-"
"""Prefix of a worker's folder while it is being created."""


class Worker:
    """The worker of this process.

    Args:
        group: the folder of the worker group.
        baseline: the baseline whose cells are counted.
        segment_bytes: size of a journal segment.
        max_bytes: the most bytes that the journal may have.
        context: fields that all log records share. None if there is no log; records are then
            removed once they are counted.
        lock: held while records are shipped. The caller must hold it for all other methods.
        joins: whether predictions are joined with labels, so that a record is needed until then.

    Attributes:
        id: unique id of the worker.
        folder: path of the worker's folder.
        journal: takes the records of requests.
        outbox: ships the records to the log.
        examples: type of an invalid value by variable, for the variables that had one.

    Raises:
        OSError: if the folder cannot be created, for example on a full or read-only disk.
    """

    def __init__(
        self,
        group: Path,
        baseline: Baseline,
        segment_bytes: int,
        max_bytes: int,
        context: LogContext | None = None,
        lock: LazyLock | None = None,
        *,
        joins: bool = False,
    ) -> None:
        self.examples: dict[int, str] = {}
        self.id = f"{time.time_ns():016x}{secrets.token_hex(4)}"
        self._baseline = baseline
        self.folder = group / f"{WORKER}{self.id}"
        # Rename the folder to its final name only once it is complete and locked. Otherwise another
        # process could take this worker for dead.
        staging = group / f"{STAGING}{self.id}"
        staging.mkdir(mode=0o700, parents=True)
        try:
            self._open(WorkerFolder(staging), context)
            staging.rename(self.folder)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
        self._files = WorkerFolder(self.folder)
        self.journal = MappedJournal(self.folder, segment_bytes, max_bytes)
        if joins:
            self.journal.hold(START)
        lock = lock or LazyLock()
        self.outbox = Outbox(self.journal, self._checkpoint, context, lock)

    def _open(self, files: WorkerFolder, context: LogContext | None) -> None:
        self._lock = os.open(files.lock, os.O_RDWR | os.O_CREAT, 0o600)
        self._unlock = weakref.finalize(self, os.close, self._lock)
        # Let the system close the file when the process ends. Until then, the exit handlers still
        # ship records, and no other process may take them.
        self._unlock.atexit = False
        try_lock(self._lock)
        size = Counts.zero(self._baseline).byte_size
        self._file = CountsFile(files.counts_file, size)
        self._checkpoint = Checkpoint(self._file, bytes(size), Progress())
        if context is not None:
            _write_privately(files.context_file, context.encode())

    @property
    def counts(self) -> Counts:
        """The counts that were committed last."""
        return Counts.from_bytes(self._baseline, self._checkpoint.content)

    def fold(self, errors: list[int], more: Counts | None = None) -> None:
        """Count the records that were appended before this call, and commit.

        Args:
            errors: number of monitoring failures per stage, committed together with the counts.
            more: further counts to add, of records that are not in the journal.
        """
        # Work on copies. If a signal handler raises in between, nothing has changed.
        counts, progress = self.counts, self._checkpoint.progress
        if more is not None:
            counts.add(more)
        counts.errors[:] = errors
        begin, end = progress.folded, self.journal.end
        place = fold_journal(self._baseline, self.journal, begin, end, counts, self.examples)
        content = counts.to_bytes()
        if content == self._checkpoint.content and place == progress.folded:
            return
        progress = progress._replace(folded=place)
        if self.outbox.context is None:
            progress = Progress(place, place, place)
        self._checkpoint.commit(content, progress)
        # Remove segments only after the commit, when their records are in the counts.
        self._release()

    def joined(self, position: Position) -> None:
        """Note that the records before a position are joined with labels."""
        self.journal.hold(position)
        self._release()

    def _release(self) -> None:
        progress = self._checkpoint.progress
        # If a segment cannot be removed now, the next commit tries again.
        with contextlib.suppress(OSError):
            self.journal.release(min(progress.folded, progress.shipped))

    def give_up_oldest(self) -> int:
        """Drop the log records of the oldest segment if the journal has no room for another one.

        Returns:
            The number of log records that were dropped. Their predictions stay counted.
        """
        end = self.journal.second_segment if self.outbox.context is not None else None
        if end is None or self.journal.has_room or end > self._checkpoint.progress.folded:
            return 0
        if self.journal.is_held_back:
            return 0  # the join needs this segment, so that nothing would be gained
        return self.outbox.give_up(end)

    def sync(self) -> None:
        """Write journal and counts to the disk, so that they survive a power loss.

        Raises:
            OSError: if the disk fails.
        """
        self.journal.sync()
        self._file.sync()

    def is_intact(self) -> bool:
        """Return whether the folder still exists, is complete, and belongs to this worker."""
        try:
            return self._file.is_intact(self._files.counts_file) and os.path.samestat(
                os.stat(self._files.lock), os.fstat(self._lock)
            )
        except OSError:
            return False

    def leave_file(self) -> None:
        """Keep the counts in memory only from now on, because their file is gone or damaged."""
        self._checkpoint.leave_file()

    def abandon(self) -> None:
        """Close the lock, so that another process can take over the folder.

        In a forked process, the parent still has the lock open and keeps it.
        """
        self._unlock()


def _write_privately(path: Path, content: bytes) -> None:
    with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(content)
