"""Counts in a mapped file, where other processes read them.

Two slots hold counts, each with the journal's position up to which they are folded. A commit fills
the idle slot and then turns the index of the active one, a single byte: whoever reads, now or after
a crash between any two instructions, finds counts and position that belong together. A CRC tells a
reader that the writer overtook it, and a start that power was lost.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
import zlib
from pathlib import Path
from typing import NamedTuple

from boxkite.live.counts import Counts
from boxkite.live.segment import HEADER_BYTES, reserve

__all__ = ["Committed", "CountsFile", "Position"]

_HEADER = struct.Struct("<4sIQ")
_SLOT = struct.Struct("<QQQ32sI4x")
_MAGIC = b"BXKC"
_FORMAT = 1
_ACTIVE = _HEADER.size - 8
_ATTEMPTS = 100


class Position(NamedTuple):
    """A place in a worker's journal: the segment's number and the offset in it."""

    segment: int
    offset: int


START = Position(1, HEADER_BYTES)
"""Where a journal begins."""


class Committed(NamedTuple):
    """What was committed last.

    Attributes:
        sequence: rises by one with each commit.
        position: up to which the journal is folded into the counts.
        merged: the worker whose counts came in with this commit; empty for none.
        content: the counts, as `Counts.to_bytes` has them.
    """

    sequence: int
    position: Position
    merged: str
    content: bytes


class CountsFile:
    """One set of counts on disk.

    Args:
        path: of the file; made where it is missing.
        size: of the counts, in bytes.

    Raises:
        OSError: if it cannot be made or mapped.
        ValueError: if it is there and of another size or format.
    """

    def __init__(self, path: Path, size: int) -> None:
        self._size = size
        slot = _SLOT.size + size
        self._starts = (_HEADER.size, _HEADER.size + slot)
        total = _HEADER.size + 2 * slot
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(descriptor).st_size == 0:
                reserve(descriptor, total)
            if os.fstat(descriptor).st_size != total:
                raise ValueError(f"{path} holds counts of another baseline or format")
            self._map = mmap.mmap(descriptor, total)
        finally:
            os.close(descriptor)
        magic, form, _ = _HEADER.unpack_from(self._map)
        if (magic, form) == (b"\0" * 4, 0):
            _HEADER.pack_into(self._map, 0, _MAGIC, _FORMAT, 0)
        elif (magic, form) != (_MAGIC, _FORMAT):
            raise ValueError(f"{path} is no file of counts of format {_FORMAT}")

    @property
    def sequence(self) -> int:
        """The number of the last commit, 0 for none."""
        active = self._map[_ACTIVE] & 1
        sequence: int = _SLOT.unpack_from(self._map, self._starts[active])[0]
        return sequence

    def read(self) -> Committed | None:
        """Return what was committed last; None if nothing was, or if it is damaged."""
        for attempt in range(_ATTEMPTS):
            active = self._map[_ACTIVE] & 1
            start = self._starts[active]
            slot = self._map[start : start + _SLOT.size + self._size]
            sequence, segment, offset, merged, crc = _SLOT.unpack_from(slot)
            content = slot[_SLOT.size :]
            if sequence == 0:
                return None
            if zlib.crc32(content, _seed(sequence, segment, offset, merged)) == crc:
                name = merged.rstrip(b"\0").decode("ascii", "replace")
                return Committed(sequence, Position(segment, offset), name, content)
            time.sleep(attempt / 10_000)
        return None

    def commit(self, counts: Counts, position: Position, merged: str = "") -> None:
        """Make counts and position the last committed, at once or, on a crash, not at all."""
        active = self._map[_ACTIVE] & 1
        sequence = _SLOT.unpack_from(self._map, self._starts[active])[0] + 1
        idle = 1 - active
        content = counts.to_bytes()
        name = merged.encode().ljust(32, b"\0")
        crc = zlib.crc32(content, _seed(sequence, *position, name))
        head = _SLOT.pack(sequence, *position, name, crc)
        start = self._starts[idle]
        self._map[start : start + _SLOT.size + self._size] = head + content
        self._map[_ACTIVE] = idle


def _seed(sequence: int, segment: int, offset: int, merged: bytes) -> int:
    return zlib.crc32(struct.pack("<QQQ32s", sequence, segment, offset, merged))
