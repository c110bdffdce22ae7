"""One process's share of the counting: a locked folder with its journal and its counts.

The folder's lock is held for as long as the process lives. Whoever can take it knows that the
worker is dead, and adopts what it left.
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
from boxkite.live.counts import Counts
from boxkite.live.counts_file import CountsFile, Position, Progress
from boxkite.live.fold import fold_encoded
from boxkite.live.leftover import COUNTS, LOCK, TERMS
from boxkite.live.mapped_journal import MappedJournal
from boxkite.live.outbox import Waiting
from boxkite.live.record import is_logged
from boxkite.system.file_lock import try_lock

__all__ = ["STAGING", "Worker"]

STAGING = ".new-"
"""What the name of a folder begins with while it is being made."""

_BATCH = 512


class Worker:
    """The worker of this process.

    Args:
        population: the folder in which the workers of one service on one baseline stand.
        baseline: whose cells are counted.
        segment_bytes: the size of a journal segment.
        max_bytes: of the journal.
        terms: on which records are logged, kept for whoever adopts them; empty where there is no
            log, and records go once they are counted.

    Raises:
        OSError: if the folder cannot be made, as on a full or read-only disk.
    """

    def __init__(
        self,
        population: Path,
        baseline: Baseline,
        segment_bytes: int,
        max_bytes: int,
        terms: bytes = b"",
    ) -> None:
        self.id = f"{time.time_ns():016x}{secrets.token_hex(4)}"
        self._baseline = baseline
        self.counts = Counts.zero(baseline)
        self.progress = Progress()
        self.terms = terms
        self.folder = population / f"worker-{self.id}"
        # Made aside and renamed with its lock held: nobody ever sees it without.
        staging = population / f"{STAGING}{self.id}"
        staging.mkdir(mode=0o700, parents=True)
        try:
            self._lock = os.open(staging / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            self._unlock = weakref.finalize(self, os.close, self._lock)
            self._unlock.atexit = False
            try_lock(self._lock)
            self._file = CountsFile(staging / COUNTS, self.counts.byte_size)
            if terms:
                _write_privately(staging / TERMS, terms)
            staging.rename(self.folder)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
        self.journal = MappedJournal(self.folder, segment_bytes, max_bytes)

    def fold(self, errors: list[int], more: Counts | None = None) -> None:
        """Count what was appended before this began, and commit counts and position together.

        Args:
            errors: failures of monitoring by stage, committed with the counts.
            more: counts to add, of what is not in the journal.
        """
        # On a copy: what interrupts this, a signal handler that raises, leaves nothing half done.
        counts, position = Counts.zero(self._baseline), self.progress.folded
        counts.add(self.counts)
        if more is not None:
            counts.add(more)
        counts.errors[:] = errors
        end = self.journal.end
        while position < end:
            contents, position = self.journal.read(position, _BATCH)
            if not contents:
                break
            fold_encoded(self._baseline, contents, counts)
        if counts.to_bytes() == self.counts.to_bytes():
            return
        progress = self.progress._replace(folded=position)
        if not self.terms:
            progress = Progress(position, position, position)
        self._commit(counts, progress)

    def _commit(self, counts: Counts, progress: Progress) -> None:
        self._file.commit(counts.to_bytes(), progress)
        self.counts, self.progress = counts, progress
        with contextlib.suppress(OSError):  # the next commit tries again
            self.journal.release(min(progress.folded, progress.shipped))

    def _commit_log(self, progress: Progress, **outcomes: int) -> None:
        counts = Counts.zero(self._baseline)
        counts.add(self.counts)
        counts.add_log(**outcomes)
        self._commit(counts, progress)

    @property
    def byte_size(self) -> int:
        """The bytes of the journal."""
        return self.journal.byte_size

    @property
    def sealed(self) -> bool:
        """Whether a batch for the log is sealed and not acknowledged."""
        return self.progress.sealed > self.progress.shipped

    def waiting(self, max_records: int, max_bytes: int) -> Waiting:
        """Return counted records that are not shipped, as an `Outbox`."""
        begin = place = self.progress.shipped
        end = self.progress.sealed if self.sealed else self.progress.folded
        contents: list[bytes] = []
        size = 0
        while self.sealed or (len(contents) < max_records and size < max_bytes):
            limit = _BATCH if self.sealed else min(_BATCH, max_records - len(contents))
            part, place = self.journal.read(place, limit, end)
            if not part:
                break
            contents += part
            size += sum(map(len, part))
        return Waiting(contents, begin, place)

    def seal(self, waiting: Waiting, number: int) -> Waiting:
        """Make the first records a batch, as an `Outbox`."""
        begin, sealed = self.progress.shipped, self.sealed
        if begin > waiting.begin:  # the first records were given up since `waiting` was called
            return Waiting([], begin, begin)
        # A sealed batch keeps its bounds until it is acknowledged, whatever number is asked for.
        number = len(waiting.contents) if sealed else number
        contents = waiting.contents[:number]
        place = self.journal.skip(waiting.begin, len(contents))
        if not sealed:
            self._commit(self.counts, self.progress._replace(sealed=place))
        return Waiting(contents, waiting.begin, place)

    def acknowledge(self, batch: Waiting, *, delivered: int, dropped: int) -> None:
        """Advance past a batch and record its outcome, as an `Outbox`."""
        shipped = self.progress.shipped
        if shipped > batch.begin:  # the first records were given up during the delivery
            delivered, dropped = self._logged(batch.end), 0
        # Neither position moves back. An empty or stale batch would otherwise unseal the batch
        # that is being delivered; the next one would have other bounds and repeat its records.
        end = max(shipped, batch.end)
        progress = self.progress._replace(shipped=end, sealed=max(end, self.progress.sealed))
        self._commit_log(progress, delivered=delivered, dropped=dropped)

    def unshipped(self) -> list[bytes]:
        """Return all counted records that are not shipped."""
        place, contents = self.progress.shipped, list[bytes]()
        while True:
            part, place = self.journal.read(place, _BATCH, self.progress.folded)
            if not part:
                return contents
            contents += part

    def count_retried(self, number: int) -> None:
        """Count records that have to be delivered again, as an `Outbox`."""
        self._commit_log(self.progress, retried=number)  # other workers show it from now on

    def give_up_oldest(self) -> int:
        """Give up the log of the oldest segment if the journal has no room for another one.

        Returns:
            How many records of the log were dropped; their counts stay.
        """
        end = self.journal.second_segment if self.terms else None
        if end is None or self.journal.has_room or end > self.progress.folded:
            return 0
        dropped = self._logged(end)
        sealed = max(end, self.progress.sealed)
        progress = self.progress._replace(shipped=end, sealed=sealed)
        self._commit_log(progress, dropped=dropped)
        return dropped

    def _logged(self, end: Position) -> int:
        """Return how many records of the log stand between what is shipped and a position."""
        place, number = self.progress.shipped, 0
        while place < end:
            part, place = self.journal.read(place, _BATCH, end)
            if not part:
                break
            number += sum(map(is_logged, part))
        return number

    def sync(self) -> None:
        """Write journal and counts to the disk, so that they outlive a loss of power.

        Raises:
            OSError: if the disk fails.
        """
        self.journal.sync()
        self._file.sync()

    def is_at_home(self) -> bool:
        """Tell whether the folder is still there, whole, and this worker's."""
        try:
            return self._file.is_at(self.folder / COUNTS) and os.path.samestat(
                os.stat(self.folder / LOCK), os.fstat(self._lock)
            )
        except OSError:
            return False

    def abandon(self) -> None:
        """Let go of the lock: the next that looks adopts the folder. In a forked process the
        parent, which has the lock too, keeps it."""
        self._unlock()


def _write_privately(path: Path, content: bytes) -> None:
    with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(content)
