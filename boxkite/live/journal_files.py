"""The journal of another worker, read from its files."""

from __future__ import annotations

import contextlib
from bisect import bisect_right
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from boxkite.live.counts_file import START, Position
from boxkite.live.mapped_journal import segment_numbers, segment_path
from boxkite.live.segment import HEADER_BYTES, SegmentError, frame_bytes, intact_records

__all__ = ["JournalFiles"]


class _Loaded(NamedTuple):
    """The intact records of one segment from an offset on, and the offset after each of them."""

    number: int
    start: int
    contents: list[bytes]
    ends: list[int]


class JournalFiles:
    """Read the segments in a worker's folder, up to the first damaged record of each.

    Args:
        folder: the worker's folder.
        damaged: collects an error for each file that is not a valid segment, which is then skipped.
            If it is None, the error is raised.
    """

    def __init__(self, folder: Path, damaged: list[SegmentError] | None = None) -> None:
        self._folder = folder
        self._damaged = damaged
        self._numbers = segment_numbers(folder)
        # Callers read the records in order, so it is enough to keep one segment in memory.
        self._loaded: _Loaded | None = None

    @property
    def byte_size(self) -> int:
        """Number of bytes of all segments on the disk."""
        return sum(segment_path(self._folder, each).stat().st_size for each in self._numbers)

    @property
    def end(self) -> Position:
        """Position after the last intact record."""
        for number in reversed(self._numbers):
            ends = self._load(number, HEADER_BYTES).ends
            if ends:
                return Position(number, ends[-1])
        return START

    def end_after(self, position: Position) -> Position:
        """Return the position after the last intact record, or the given one if none follows it.

        The owner may append meanwhile. If it goes on to another segment between two reads, `read`
        without an end could miss the last records of the segment before. Up to this end it cannot.
        """
        for number in reversed(self._numbers):
            if number < position.segment:
                break
            start = position.offset if number == position.segment else HEADER_BYTES
            ends = self._load(number, start).ends
            if ends:
                return Position(number, ends[-1])
        return position

    def read(
        self, position: Position, limit: int, end: Position | None = None
    ) -> tuple[list[bytes], Position]:
        """Return up to `limit` records of one segment, and the position after them.

        Raises:
            SegmentError: if a segment is damaged and errors are not collected.
            OSError: if a file cannot be read.
        """
        for number in self._numbers:
            if number < position.segment:
                continue
            if end is not None and number > end.segment:
                break
            start = position.offset if number == position.segment else HEADER_BYTES
            loaded = self._load(number, start)
            first = bisect_right(loaded.ends, start)
            last = min(first + limit, len(loaded.ends))
            if end is not None and number == end.segment:
                last = min(last, bisect_right(loaded.ends, end.offset))
            if last > first:
                return loaded.contents[first:last], Position(number, loaded.ends[last - 1])
        return [], position

    def _load(self, number: int, start: int) -> _Loaded:
        """Return the records of a segment from an offset on, and perhaps some before it."""
        loaded = self._loaded
        if loaded is None or loaded.number != number or loaded.start > start:
            contents: list[bytes] = []
            try:
                contents, _ = intact_records(segment_path(self._folder, number), number, start)
            except FileNotFoundError:
                pass  # its owner has removed it since, because all of its records are counted
            except SegmentError as error:
                if self._damaged is None:
                    raise
                self._damaged.append(error)
            ends = list(accumulate(map(frame_bytes, contents), initial=start))[1:]
            self._loaded = loaded = _Loaded(number, start, contents, ends)
        return loaded

    def release(self, _: Position) -> None:
        """Keep all segments. They are removed together with the folder."""

    def trim(self) -> None:
        """Return the space to the disk that segments reserved and did not use."""
        for number in self._numbers:
            path = segment_path(self._folder, number)
            with contextlib.suppress(SegmentError, FileNotFoundError):
                _, end = intact_records(path, number)
                with path.open("r+b") as file:
                    file.truncate(end)
