"""The journal of one worker: segments in its folder, appended to by requests."""

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
    """The journal takes no record just now: it is being written to, or was closed."""


class JournalFullError(OSError):
    """The journal holds as many bytes as it may; the oldest must be folded first."""


def segment_path(folder: Path, number: int) -> Path:
    """Return the path of a segment in a worker's folder."""
    return folder / f"journal-{number:08}"


def segment_numbers(folder: Path) -> list[int]:
    """Return the numbers of the segments in a worker's folder, ascending."""
    matches = (_NAME.fullmatch(path.name) for path in folder.iterdir())
    return sorted(int(match[1]) for match in matches if match)


class MappedJournal:
    """Appends records to segments, and reads them back in order.

    Args:
        folder: of the worker.
        segment_bytes: the size of a segment; a larger record gets a segment of its own.
        max_bytes: of all segments together.
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

    def append(self, record: bytes) -> None:
        """Keep one record; when this returns, it survives the death of the process.

        Raises:
            OSError: if a segment is full and the next one cannot be made.
            JournalFullError: if the journal may not grow.
            JournalBusyError: in a signal handler or finaliser that interrupted this very method or
                `prepare`, and once the journal is closed.
        """
        with self._lock:
            if self._busy:
                raise JournalBusyError("the journal takes no record just now")
            self._busy = True
            try:
                if not (self._segments and self._segments[-1].append(record)):
                    self._write_to_next(record)
            finally:
                self._busy = False

    def close(self) -> None:
        """Take no more records. Those in it can still be read."""
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
            prepared.remove()
        if self.byte_size + size > self._max_bytes:
            raise JournalFullError(f"the journal holds {self.byte_size:,} bytes, the most it may")
        return self._new_segment(size)

    def _new_segment(self, size: int) -> Segment:
        # A number is used once: of a failure a file may be left.
        self._last_number += 1
        path = segment_path(self._folder, self._last_number)
        return Segment(path, self._last_number, size)

    def prepare(self) -> None:
        """Make the next segment ahead of need, so that no request waits for it.

        Raises:
            OSError: if it cannot be made.
        """
        with self._lock:
            if self._busy or self._prepared is not None:
                return
            # A handler in between could take the number after this one, and use it first.
            self._busy = True
            try:
                current = self._segments[-1] if self._segments else None
                half_full = current is not None and current.end > current.size // 2
                if half_full and self.has_room:
                    self._prepared = self._new_segment(self._segment_bytes)
            finally:
                self._busy = False

    @property
    def end(self) -> Position:
        """The position after the last record."""
        last = self._segments[-1] if self._segments else None
        return Position(last.number, last.end) if last else START

    def read(
        self, position: Position, limit: int, end: Position | None = None
    ) -> tuple[list[bytes], Position]:
        """Return up to `limit` records of one segment, and the position after them.

        Args:
            position: after which they begin.
            limit: of records.
            end: where to stop; by default after the last record.
        """
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

    def skip(self, position: Position, number: int) -> Position:
        """Return the position after so many records, or after the last."""
        for segment in list(self._segments):
            if number and segment.number >= position.segment:
                start = position.offset if segment.number == position.segment else HEADER_BYTES
                passed, reached = segment.skip(start, number)
                if passed:
                    position, number = Position(segment.number, reached), number - passed
        return position

    def sync(self) -> None:
        """Write what was appended to the disk."""
        for segment in list(self._segments):
            segment.sync()

    def release(self, position: Position) -> None:
        """Remove the segments before a position, whose records are no longer needed."""
        while len(self._segments) > 1 and self._segments[0].number < position.segment:
            self._segments[0].remove()
            self._segments.popleft()

    @property
    def has_room(self) -> bool:
        """Whether another segment may be made."""
        return self._prepared is not None or (
            self.byte_size + self._segment_bytes <= self._max_bytes
        )

    @property
    def second_segment(self) -> Position | None:
        """Where the second segment begins; None where there is only one."""
        numbers = [segment.number for segment in list(self._segments)]
        return Position(numbers[1], HEADER_BYTES) if len(numbers) > 1 else None

    @property
    def byte_size(self) -> int:
        """Bytes on disk of all segments."""
        return sum(segment.size for segment in list(self._segments))
