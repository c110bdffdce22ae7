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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from boxkite.baseline import Baseline
from boxkite.live.counts import Counts
from boxkite.live.counts_file import START, CountsFile, CountsFileError, Position
from boxkite.live.fold import fold_encoded
from boxkite.live.lock import try_lock
from boxkite.live.mapped_journal import MappedJournal, segment_numbers, segment_path
from boxkite.live.segment import HEADER_BYTES, SegmentError, intact_records

__all__ = ["STAGING", "Worker", "acknowledged_counts", "left_counts", "lock_if_dead"]

STAGING = ".new-"
"""What the name of a folder begins with while it is being made."""

_BATCH = 512
_LOCK = "lock"
_COUNTS = "counts"


class Worker:
    """The worker of this process.

    Args:
        population: the folder in which the workers of one service on one baseline stand.
        baseline: whose cells are counted.
        segment_bytes: the size of a journal segment.
        max_bytes: of the journal.

    Raises:
        OSError: if the folder cannot be made, as on a full or read-only disk.
    """

    def __init__(
        self, population: Path, baseline: Baseline, segment_bytes: int, max_bytes: int
    ) -> None:
        self.id = f"{time.time_ns():016x}{secrets.token_hex(4)}"
        self._baseline = baseline
        self.counts = Counts.zero(baseline)
        self.position = START
        self.folder = population / f"worker-{self.id}"
        # Made aside and renamed with its lock held: nobody ever sees it without.
        staging = population / f"{STAGING}{self.id}"
        staging.mkdir(mode=0o700, parents=True)
        try:
            self._lock = os.open(staging / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            self._unlock = weakref.finalize(self, os.close, self._lock)
            self._unlock.atexit = False
            try_lock(self._lock)
            self._file = CountsFile(staging / _COUNTS, self.counts.byte_size)
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
        counts, position = Counts.zero(self._baseline), self.position
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
        self._file.commit(counts, position)
        self.counts, self.position = counts, position
        with contextlib.suppress(OSError):  # the next fold tries again
            self.journal.release(position)

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
            return self._file.is_at(self.folder / _COUNTS) and os.path.samestat(
                os.stat(self.folder / _LOCK), os.fstat(self._lock)
            )
        except OSError:
            return False

    def abandon(self) -> None:
        """Let go of the lock: the next that looks adopts the folder. In a forked process the
        parent, which has the lock too, keeps it."""
        self._unlock()


def lock_if_dead(folder: Path) -> int | None:
    """Take a worker's lock if the worker is dead; returns the open descriptor, else None."""
    try:
        descriptor = os.open(folder / _LOCK, os.O_RDWR)
    except FileNotFoundError:
        return None
    if try_lock(descriptor):
        return descriptor
    os.close(descriptor)
    return None


def acknowledged_counts(folder: Path, baseline: Baseline) -> Counts:
    """Return all that a living worker has acknowledged: its counts, and the records not yet in
    them. What it commits meanwhile is read again.

    Raises:
        OSError: if a file cannot be read.
        ValueError: if one is damaged, or of another format.
    """
    file = CountsFile(folder / _COUNTS, Counts.zero(baseline).byte_size)
    while True:
        sequence = file.sequence
        counts = _counts_and_rest(folder, file, baseline)
        # Segments go once they are committed: without a commit meanwhile none was missed.
        if file.sequence == sequence:
            return counts


def left_counts(folder: Path, baseline: Baseline, report: Callable[[Exception], Any]) -> Counts:
    """Return all that a dead worker has acknowledged; what is damaged is reported and left out.

    Args:
        folder: of the worker, whose lock is held.
        baseline: whose cells are counted.
        report: called with what is wrong.

    Raises:
        OSError: if a file cannot be read.
    """
    path = folder / _COUNTS
    try:
        file = CountsFile(path, Counts.zero(baseline).byte_size)
        if not file.repair():
            report(ValueError(f"{path} was damaged; counts of a dead worker are lost"))
        return _counts_and_rest(folder, file, baseline, report)
    except CountsFileError as error:
        report(error)
        return _counts_and_rest(folder, None, baseline, report)


def _counts_and_rest(
    folder: Path,
    file: CountsFile | None,
    baseline: Baseline,
    report: Callable[[Exception], Any] | None = None,
) -> Counts:
    """Return what is committed, with the records after it."""
    committed = file.read() if file else None
    counts, position = Counts.zero(baseline), START
    if committed is not None:
        counts.add_bytes(committed.content)
        position = committed.position
    for contents in _after(folder, position, report):
        fold_encoded(baseline, contents, counts)
    return counts


def _after(
    folder: Path, position: Position, report: Callable[[Exception], Any] | None
) -> Iterator[list[bytes]]:
    """Yield the records in a worker's journal after a position, in batches."""
    for number in segment_numbers(folder):
        if number < position.segment:
            continue
        start = position.offset if number == position.segment else HEADER_BYTES
        try:
            contents, _ = intact_records(segment_path(folder, number), number, start)
        except FileNotFoundError:
            continue
        except SegmentError as error:
            if report is None:
                raise
            report(error)
            continue
        for first in range(0, len(contents), _BATCH):
            yield contents[first : first + _BATCH]
