"""The records of a dead worker that are still to be shipped.

They stay in the worker's folder, which is called `left-…` once its counts are merged. Beside the
segments stands the file `shipped`: how far they are shipped, and the outcomes since the merge.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from boxkite.live.counts import LOG_OUTCOMES
from boxkite.live.counts_file import (
    START,
    Committed,
    CountsFile,
    CountsFileError,
    Position,
    Progress,
)
from boxkite.live.mapped_journal import segment_numbers, segment_path
from boxkite.live.outbox import Waiting
from boxkite.live.record import is_logged
from boxkite.live.segment import HEADER_BYTES, SegmentError, frame_bytes, intact_records
from boxkite.system.file_lock import release

__all__ = ["COUNTS", "LOCK", "TERMS", "Leftover", "has_log", "log_since_merge", "waits"]

# Files in a worker's folder.
COUNTS = "counts"
LOCK = "lock"
TERMS = "terms"
_SHIPPED = "shipped"
_SIZE = 8 * len(LOG_OUTCOMES)


class Leftover:
    """The outbox of a dead worker.

    Args:
        folder: of the worker.
        descriptor: of its lock, which is held and is this object's from now on; None where the
            caller keeps it.

    Raises:
        OSError: if its files cannot be used.
    """

    def __init__(self, folder: Path, descriptor: int | None = None) -> None:
        self.folder = folder
        self._descriptor = descriptor
        self.terms = (folder / TERMS).read_bytes()
        found = _committed(folder)
        self._progress = found.progress if found else _worker_progress(folder)
        self.log = np.frombuffer(found.content if found else bytes(_SIZE), dtype="<i8").copy()

    @property
    def byte_size(self) -> int:
        numbers = segment_numbers(self.folder)
        return sum(segment_path(self.folder, number).stat().st_size for number in numbers)

    @property
    def sealed(self) -> bool:
        return self._progress.sealed > self._progress.shipped

    def waiting(self, max_records: int, max_bytes: int) -> Waiting:
        begin = end = self._progress.shipped
        contents: list[bytes] = []
        size = 0
        for content, place in self._records(begin):
            full = len(contents) == max_records or size >= max_bytes
            if place > self._progress.sealed if self.sealed else full:
                break
            contents.append(content)
            size += len(content)
            end = place
        return Waiting(contents, begin, end)

    def _records(self, begin: Position) -> Iterator[tuple[bytes, Position]]:
        """Yield the records after a position, each with the position behind it."""
        for number in segment_numbers(self.folder):
            if number < begin.segment:
                continue
            place = begin.offset if number == begin.segment else HEADER_BYTES
            try:
                contents, _ = intact_records(segment_path(self.folder, number), number, place)
            except SegmentError:  # was reported when the counts were merged
                continue
            for content in contents:
                place += frame_bytes(content)
                yield content, Position(number, place)

    def seal(self, waiting: Waiting, number: int) -> Waiting:
        # A sealed batch keeps its bounds until it is acknowledged, whatever number is asked for.
        number = len(waiting.contents) if self.sealed else number
        contents = waiting.contents[:number]
        end = waiting.end
        if number < len(waiting.contents):
            ends = (place for _, place in self._records(waiting.begin))
            end = next(place for i, place in enumerate(ends, 1) if i == number)
        self._commit(self._progress._replace(sealed=end))
        return Waiting(contents, waiting.begin, end)

    def acknowledge(self, batch: Waiting, *, delivered: int, dropped: int) -> None:
        self._add(delivered=delivered, dropped=dropped)
        self._commit(self._progress._replace(shipped=batch.end, sealed=batch.end))

    def count_retried(self, number: int) -> None:
        self._add(retried=number)
        self._commit(self._progress)

    def _add(self, **outcomes: int) -> None:
        for outcome, number in outcomes.items():
            self.log[LOG_OUTCOMES.index(outcome)] += number

    def _commit(self, progress: Progress) -> None:
        path = self.folder / _SHIPPED
        try:
            file = CountsFile(path, _SIZE)
        except CountsFileError:  # damaged
            path.unlink()
            file = CountsFile(path, _SIZE)
        file.commit(self.log.astype("<i8").tobytes(), progress)
        self._progress = progress

    def logged(self) -> int:
        """Return how many records of the log wait."""
        waiting = self._records(self._progress.shipped)
        return sum(is_logged(content) for content, _ in waiting)

    def give_up(self) -> int:
        """Drop what waits, and return how many records of the log that were."""
        dropped = self.logged()
        *_, (_, end) = self._records(self._progress.shipped)
        self._add(dropped=dropped)
        self._commit(self._progress._replace(shipped=end, sealed=end))
        return dropped

    def forget_outcomes(self) -> None:
        """Begin at no outcomes: those so far went into the counts of the dead."""
        self.log[:] = 0
        self._commit(self._progress)

    def trim(self) -> None:
        """Give the disk back what segments had reserved and did not use."""
        for number in segment_numbers(self.folder):
            path = segment_path(self.folder, number)
            with contextlib.suppress(SegmentError, FileNotFoundError):
                _, end = intact_records(path, number)
                with path.open("r+b") as file:
                    file.truncate(end)

    def close(self) -> None:
        """Let go of the lock."""
        if self._descriptor is not None:
            release(self._descriptor)
            self._descriptor = None


def waits(folder: Path) -> bool:
    """Tell whether a dead worker's folder, if it is one, holds records that are to be shipped."""
    try:
        return has_log(folder) and Leftover(folder).logged() > 0
    except OSError:
        return False


def has_log(folder: Path) -> bool:
    """Tell whether a worker's records are logged. Of terms lost with the power nothing is left."""
    try:
        return (folder / TERMS).stat().st_size > 0
    except (FileNotFoundError, NotADirectoryError):
        return False


def log_since_merge(folder: Path) -> bytes:
    """Return the outcomes of what was shipped from a dead worker's folder, 64-bit integers.

    Raises:
        OSError: if they cannot be read.
    """
    found = _committed(folder)
    return found.content if found else bytes(_SIZE)


def _committed(folder: Path) -> Committed | None:
    """Return what was committed of the shipping; None if nothing was, or if it is damaged."""
    path = folder / _SHIPPED
    with contextlib.suppress(CountsFileError):
        return CountsFile(path, _SIZE).read() if path.exists() else None
    return None


def _worker_progress(folder: Path) -> Progress:
    """Return how far the worker itself had come; the start where that is not to be known."""
    with contextlib.suppress(CountsFileError, FileNotFoundError):
        found = CountsFile(folder / COUNTS).read()
        if found is not None:
            return found.progress
    return Progress(START, START, START)
