"""Counts in a mapped file, where other processes read them.

Two slots hold counts, each with the progress through the journal that they stand for. A commit
fills the idle slot and then turns the index of the active one, a single byte: whoever reads, now or
after a crash between any two instructions, finds counts and progress that belong together. A CRC
tells whether a loss of power or a hostile hand damaged a slot; the other one then is an older
state.
"""

from __future__ import annotations

import mmap
import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from boxkite.live.segment import HEADER_BYTES, reserve

__all__ = ["FORMAT", "START", "Committed", "CountsFile", "CountsFileError", "Position", "Progress"]

_HEADER = struct.Struct("<4sIQ")
_SLOT = struct.Struct("<QQQQQQQ32sI4x")
_MAGIC = b"BXKC"
FORMAT = 2
_ACTIVE = _HEADER.size - 8


class CountsFileError(ValueError):
    """A file that holds no counts of this size and format."""


class Position(NamedTuple):
    """A place in a worker's journal: the segment's number and the offset in it."""

    segment: int
    offset: int


START = Position(1, HEADER_BYTES)
"""Where a journal begins."""


class Progress(NamedTuple):
    """How far a journal has been worked off.

    Attributes:
        folded: up to where the records are in the counts.
        shipped: up to where they are delivered to the log's sink, or dropped.
        sealed: up to where the batch reaches that is being delivered; `shipped` if there is none.
            After a crash the same batch is delivered again.
    """

    folded: Position = START
    shipped: Position = START
    sealed: Position = START


class Committed(NamedTuple):
    """What was committed last.

    Attributes:
        sequence: rises by one with each commit.
        progress: through the journal, that the counts stand for.
        merged: the folder whose counts came in with this commit; empty for none.
        content: the counts, as `Counts.to_bytes` has them.
    """

    sequence: int
    progress: Progress
    merged: str
    content: bytes


class CountsFile:
    """One set of counts on disk.

    Args:
        path: of the file; made where it is missing.
        size: of the counts, in bytes; None for that of a file that is there.

    Raises:
        OSError: if it cannot be made or mapped.
        CountsFileError: if it is there and of another size or format.
    """

    def __init__(self, path: Path, size: int | None = None) -> None:
        descriptor = os.open(path, os.O_RDWR | (0 if size is None else os.O_CREAT), 0o600)
        try:
            if size is None:
                slot = (os.fstat(descriptor).st_size - _HEADER.size) // 2
                self._size = max(0, slot - _SLOT.size)
            else:
                self._size = size
            slot = _SLOT.size + self._size
            self._starts = (_HEADER.size, _HEADER.size + slot)
            total = _HEADER.size + 2 * slot
            if os.fstat(descriptor).st_size == 0 and size:
                reserve(descriptor, total)
            if os.fstat(descriptor).st_size != total:
                raise CountsFileError(f"{path} holds counts of another baseline or format")
            self._map = mmap.mmap(descriptor, total)
            self._status = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        magic, form, _ = _HEADER.unpack_from(self._map)
        if (magic, form) == (b"\0" * 4, 0):
            _HEADER.pack_into(self._map, 0, _MAGIC, FORMAT, 0)
        elif (magic, form) != (_MAGIC, FORMAT):
            raise CountsFileError(f"{path} is no file of counts of format {FORMAT}")

    def is_at(self, path: Path) -> bool:
        """Tell whether this is the file that stands at a path."""
        try:
            return os.path.samestat(os.stat(path), self._status)
        except OSError:
            return False

    @property
    def sequence(self) -> int:
        """The number of the last commit, 0 for none."""
        return self._sequence(self._map[_ACTIVE] & 1)

    def _sequence(self, index: int) -> int:
        sequence: int = _SLOT.unpack_from(self._map, self._starts[index])[0]
        return sequence

    def read(self) -> Committed | None:
        """Return what was committed last; None if nothing was, or if it is damaged."""
        while True:
            active, sequence = self._map[_ACTIVE] & 1, self.sequence
            committed = self._slot(active)
            # A writer that overtook this has turned the index, or come round to the same slot.
            if (self._map[_ACTIVE] & 1, self.sequence) == (active, sequence):
                return committed

    def _slot(self, index: int) -> Committed | None:
        """Return what a slot holds; None for nothing, or if it is damaged."""
        start = self._starts[index]
        slot = self._map[start : start + _SLOT.size + self._size]
        sequence, *places, merged, crc = _SLOT.unpack_from(slot)
        content = slot[_SLOT.size :]
        if not sequence or zlib.crc32(content, _seed(sequence, places, merged)) != crc:
            return None
        name = merged.rstrip(b"\0").decode("ascii", "replace")
        progress = Progress(*(Position(*places[i : i + 2]) for i in (0, 2, 4)))
        return Committed(sequence, progress, name, content)

    def repair(self) -> bool:
        """Make the newest state that is intact the last committed; only for a sole writer.

        Returns:
            False if what was committed last was damaged.
        """
        active = self._map[_ACTIVE] & 1
        sound = self.sequence == 0 or self._slot(active) is not None
        intact = [(slot.sequence, i) for i in (0, 1) if (slot := self._slot(i)) is not None]
        if intact:
            _, self._map[_ACTIVE] = max(intact)
        else:
            self._map[_HEADER.size :] = bytes(len(self._map) - _HEADER.size)
        return sound

    def sync(self) -> None:
        """Write what changed to the disk."""
        self._map.flush()

    def commit(self, content: bytes, progress: Progress, merged: str = "") -> None:
        """Make counts and progress the last committed, at once or, on a crash, not at all.

        Args:
            content: the counts, of this file's size.
            progress: through the journal.
            merged: the folder whose counts came in; 32 characters of ASCII at most.
        """
        active = self._map[_ACTIVE] & 1
        sequence = self._sequence(active) + 1
        idle = 1 - active
        name = merged.encode().ljust(32, b"\0")
        places = [number for position in progress for number in position]
        crc = zlib.crc32(content, _seed(sequence, places, name))
        head = _SLOT.pack(sequence, *places, name, crc)
        start = self._starts[idle]
        self._map[start : start + _SLOT.size + self._size] = head + content
        self._map[_ACTIVE] = idle


def _seed(sequence: int, places: Sequence[int], merged: bytes) -> int:
    return zlib.crc32(struct.pack("<Q6Q32s", sequence, *places, merged))
