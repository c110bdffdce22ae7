"""The journal that requests of this process append to: segments in the worker's folder."""

from __future__ import annotations

import re
import threading
from collections import deque
from pathlib import Path

from boxkite.live.counts_file import START, Position
from boxkite.live.segment import HEADER_BYTES, Segment, frame_bytes

__all__ = [
    "JournalBusyError",
    "JournalFullError",
    "MappedJournal",
    "segment_numbers",
    "segment_path",
]

_NAME = re.compile(r"journal-(\d{8,})")


class JournalBusyError(OSError):
    """The journal cannot accept a record now, because it is closed or in the middle of a write."""


class JournalFullError(OSError):
    """The journal may not grow. Its oldest records must be folded first."""


def segment_path(folder: Path, number: int) -> Path:
    """Return the path of a segment in a worker's folder."""
    return folder / f"journal-{number:08}"


def segment_numbers(folder: Path) -> list[int]:
    """Return the numbers of the segments in a worker's folder, in ascending order."""
    matches = (_NAME.fullmatch(path.name) for path in folder.iterdir())
    return sorted(int(match[1]) for match in matches if match)


class MappedJournal:
    """Append records to segments, and read them back in order.

    Requests append while the background reads. They share `_segments`, a deque, whose single
    operations are atomic. Appending takes a lock; reading takes none, because a record never
    changes and `end` moves only once a record is complete.

    Args:
        folder: the worker's folder.
        segment_bytes: size of a segment. A larger record gets a segment of its own.
        max_bytes: the most bytes that all segments together may have.
    """

    def __init__(self, folder: Path, segment_bytes: int, max_bytes: int) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._max_bytes = max_bytes
        self._segments: deque[Segment] = deque()
        self._prepared: Segment | None = None
        self._last_number = 0
        self._lock = threading.RLock()
        self._busy = False
        self._held: Position | None = None

    def append(self, record: bytes) -> None:
        """Append one record. Once this returns, the record survives the death of the process.

        Raises:
            OSError: if the segment is full and the next one cannot be created.
            JournalFullError: if the journal may not grow.
            JournalBusyError: if the journal is closed, or if a signal handler or finalizer calls
                this while it interrupts the same method or `prepare`.
        """
        # The lock keeps other threads out, but not a signal handler in the same thread. It would
        # overwrite the record that this thread has half written. `_busy` keeps it out.
        with self._lock:
            if self._busy:
                raise JournalBusyError("The journal accepts no record at the moment.")
            self._busy = True
            try:
                if not (self._segments and self._segments[-1].append(record)):
                    self._write_to_next(record)
            finally:
                self._busy = False

    def close(self) -> None:
        """Accept no more records. The records in the journal can still be read."""
        with self._lock:
            self._busy = True

    def _write_to_next(self, record: bytes) -> None:
        size = max(self._segment_bytes, HEADER_BYTES + frame_bytes(record))
        self._segments.append(self._next_segment(size))
        self._segments[-1].append(record)

    def _next_segment(self, size: int) -> Segment:
        prepared, self._prepared = self._prepared, None
        if prepared is not None and prepared.size >= size:
            return prepared
        if prepared is not None:
            # The prepared segment is too small for this record, which gets a segment of its own.
            # Drop the prepared one: using it later would put the segments out of order.
            prepared.remove()
        if self.byte_size + size > self._max_bytes:
            raise JournalFullError(
                f"The journal holds {self.byte_size:,} bytes and may not exceed "
                f"{self._max_bytes:,}, but the next segment needs {size:,}."
            )
        return self._new_segment(size)

    def _new_segment(self, size: int) -> Segment:
        # Use each number only once, because a failed attempt may leave its file behind.
        self._last_number += 1
        path = segment_path(self._folder, self._last_number)
        return Segment(path, self._last_number, size)

    def prepare(self) -> None:
        """Create the next segment if the current one is half full, so that no request waits.

        Raises:
            OSError: if the segment cannot be created.
        """
        with self._lock:
            if self._busy or self._prepared is not None:
                return
            # Without this, a signal handler could append in the middle, take the next number, and
            # use it before the prepared segment. The records would then be out of order.
            self._busy = True
            try:
                current = self._segments[-1] if self._segments else None
                half_full = current is not None and current.end > current.size // 2
                if half_full and self.has_room:
                    self._prepared = self._new_segment(self._segment_bytes)
            finally:
                self._busy = False

    def hold(self, position: Position) -> None:
        """Keep the records from a position on, even if `release` allows to remove them."""
        self._held = position

    @property
    def is_held_back(self) -> bool:
        """Whether the oldest segment is only kept because of `hold`."""
        held, first = self._held, next(iter(self._segments), None)
        return held is not None and first is not None and held.segment <= first.number

    def end_after(self, _: Position) -> Position:
        """Return the position after the last record."""
        return self.end

    @property
    def end(self) -> Position:
        """Position after the last record."""
        last = self._segments[-1] if self._segments else None
        return Position(last.number, last.end) if last else START

    def read(
        self, position: Position, limit: int, end: Position | None = None
    ) -> tuple[list[bytes], Position]:
        """Return up to `limit` records of one segment, and the position after them.

        Args:
            position: position of the first record.
            limit: the most records to return.
            end: position at which to stop. Default: the end of the journal.

        Returns:
            The records and the position after them. No records and the same position at the end.
        """
        # Iterate over a copy, because a request may add a segment during the loop.
        for segment in list(self._segments):
            if segment.number < position.segment:
                continue
            if end is not None and segment.number > end.segment:
                break
            start = position.offset if segment.number == position.segment else HEADER_BYTES
            stop = end.offset if end is not None and segment.number == end.segment else None
            records, reached = segment.read(start, limit, stop)
            if records:
                return records, Position(segment.number, reached)
        return [], position

    def sync(self) -> None:
        """Write all segments to the disk."""
        for segment in list(self._segments):
            segment.sync()

    def release(self, position: Position) -> None:
        """Remove the segments before a position. Their records are not needed any more."""
        if self._held is not None:
            position = min(position, self._held)
        # The last segment stays even if it is empty, because requests append to it.
        while len(self._segments) > 1 and self._segments[0].number < position.segment:
            # Remove the file first. If that fails, the segment stays in the list for the next try.
            self._segments[0].remove()
            self._segments.popleft()

    @property
    def has_room(self) -> bool:
        """Whether another segment may be created."""
        return self._prepared is not None or (
            self.byte_size + self._segment_bytes <= self._max_bytes
        )

    @property
    def second_segment(self) -> Position | None:
        """Position of the second segment's first record, or None if there is only one segment."""
        numbers = [segment.number for segment in list(self._segments)]
        return Position(numbers[1], HEADER_BYTES) if len(numbers) > 1 else None

    @property
    def byte_size(self) -> int:
        """Number of bytes of all segments on the disk."""
        return sum(segment.size for segment in list(self._segments))
