"""One process's share of the counting: a locked folder with its journal and its counts.

The folder's lock is held for as long as the process lives. Whoever can take it knows that the
worker is dead, and adopts what it left.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from boxkite.baseline import Baseline
from boxkite.live.counts import Counts
from boxkite.live.counts_file import START, CountsFile, Position
from boxkite.live.fold import fold
from boxkite.live.mapped_journal import MappedJournal, segment_numbers, segment_path
from boxkite.live.record import Record, decode
from boxkite.live.segment import HEADER_BYTES, SegmentError, intact_records

__all__ = ["Worker", "acknowledged_counts", "lock_if_dead", "release"]

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
        # Made aside and renamed with its lock held: nobody ever sees it without.
        staging = population / f".new-{self.id}"
        staging.mkdir(mode=0o700, parents=True)
        self._lock = os.open(staging / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._file = CountsFile(staging / _COUNTS, self.counts.byte_size)
        self.folder = population / f"worker-{self.id}"
        staging.rename(self.folder)
        self.journal = MappedJournal(self.folder, segment_bytes, max_bytes)

    def fold(self, errors: list[int]) -> None:
        """Count what was appended before this began, and commit counts and position together.

        Args:
            errors: failures of monitoring by stage, committed with the counts.
        """
        changed = self.counts.errors.tolist() != errors
        for _ in range(1 << 20):
            contents, position = self.journal.read(self.position, _BATCH)
            if not contents:
                break
            fold(self._baseline, _decoded(contents), self.counts)
            self.position = position
            changed = True
        if changed:
            self.counts.errors[:] = errors
            self._file.commit(self.counts, self.position)
            self.journal.release(self.position)

    def abandon(self) -> None:
        """Let go of the lock: the next that looks adopts the folder. In a forked process the
        parent, which has the lock too, keeps it."""
        os.close(self._lock)


def lock_if_dead(folder: Path) -> int | None:
    """Take a worker's lock if the worker is dead; returns the open descriptor, else None."""
    try:
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def release(descriptor: int) -> None:
    """Give a lock back, at once though a process forked meanwhile has the descriptor too."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def acknowledged_counts(folder: Path, baseline: Baseline) -> Counts:
    """Return all that a worker has acknowledged: its counts, and the records not yet in them.

    The worker may be dead, or go on meanwhile: then what it commits in between is read again.

    Raises:
        OSError: if a file cannot be read.
        ValueError: if its counts are of another baseline.
    """
    file = CountsFile(folder / _COUNTS, Counts.zero(baseline).byte_size)
    while True:
        committed = file.read()
        counts, position = Counts.zero(baseline), START
        if committed is not None:
            counts.add_bytes(committed.content)
            position = committed.position
        for records in _after(folder, position):
            fold(baseline, records, counts)
        # Segments go once they are committed: without a commit meanwhile none was missed.
        if file.sequence == (committed.sequence if committed else 0):
            return counts


def _after(folder: Path, position: Position) -> Iterator[list[Record]]:
    """Yield the records in a worker's journal after a position, in batches."""
    for number in segment_numbers(folder):
        if number < position.segment:
            continue
        start = position.offset if number == position.segment else HEADER_BYTES
        try:
            contents, _ = intact_records(segment_path(folder, number), number, start)
        except (SegmentError, FileNotFoundError):
            continue
        for first in range(0, len(contents), _BATCH):
            yield _decoded(contents[first : first + _BATCH])


def _decoded(contents: list[bytes]) -> list[Record]:
    records = []
    for content in contents:
        try:
            records.append(decode(content))
        except msgspec.DecodeError:  # of another format; it was never counted by anyone
            continue
    return records
