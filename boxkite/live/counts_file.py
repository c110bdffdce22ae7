"""Counts in a mapped file, where other processes can read them at any time.

The file has a header and two slots. Each slot holds counts and the progress through the journal
that belongs to them. A commit fills the inactive slot, and then changes the index of the active
slot, which is a single byte. So every reader finds counts and progress that belong together, even
if the writer crashes between any two instructions. If a power loss or another program damages the
active slot, its checksum shows it, and the other slot holds the previous state.
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

__all__ = [
    "FORMAT",
    "START",
    "Checkpoint",
    "Committed",
    "CountsFile",
    "CountsFileError",
    "Position",
    "Progress",
]

_HEADER = struct.Struct("<4sIQ")
_SLOT = struct.Struct("<QQQQQQQ32sI4x")
_MAGIC = b"BXKC"
FORMAT = 4
_ACTIVE = _HEADER.size - 8


class CountsFileError(ValueError):
    """The file does not hold counts of the expected size and format."""


class Position(NamedTuple):
    """A place in a worker's journal: the number of a segment and an offset in it."""

    segment: int
    offset: int


START = Position(1, HEADER_BYTES)
"""The place of the first record of a journal."""


class Progress(NamedTuple):
    """How far a journal has been processed.

    Attributes:
        folded: the records before this position are in the counts.
        shipped: the log records before this position are delivered or dropped.
        sealed: end of the batch that is being delivered, or `shipped` if there is none. After a
            crash, the same batch is delivered again.
    """

    folded: Position = START
    shipped: Position = START
    sealed: Position = START


class Committed(NamedTuple):
    """The state that was committed last.

    Attributes:
        sequence: number of the commit, counted from 1.
        progress: progress through the journal.
        merged: name of the worker folder whose counts this commit added; empty if there is none.
        content: the counts, in the format of `Counts.to_bytes`.
    """

    sequence: int
    progress: Progress
    merged: str
    content: bytes


class CountsFile:
    """A file with one set of counts.

    Args:
        path: the file. It is created if it is missing and `size` is given.
        size: size of the counts in bytes. Default: the size of the existing file.

    Raises:
        OSError: if the file cannot be created or mapped.
        CountsFileError: if the file has another size or format.
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
            # This is a new file. Reserve its blocks, because writing to a map on a full disk would
            # kill the process.
            if os.fstat(descriptor).st_size == 0 and size:
                reserve(descriptor, total)
            if os.fstat(descriptor).st_size != total:
                raise CountsFileError(
                    f"'{path}' has {os.fstat(descriptor).st_size:,} bytes instead of {total:,}: it "
                    "was cut short, or holds counts of another baseline or format."
                )
            self._map = mmap.mmap(descriptor, total)
            self._status = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        magic, form, _ = _HEADER.unpack_from(self._map)
        if (magic, form) == (b"\0" * 4, 0):  # a new file
            _HEADER.pack_into(self._map, 0, _MAGIC, FORMAT, 0)
        elif (magic, form) != (_MAGIC, FORMAT):
            raise CountsFileError(f"'{path}' is not a counts file of format {FORMAT}.")

    @property
    def size(self) -> int:
        """Size of the counts in bytes."""
        return self._size

    def is_at(self, path: Path) -> bool:
        """Return whether this file is still the one at a path. Another program may replace it."""
        try:
            return os.path.samestat(os.stat(path), self._status)
        except OSError:
            return False

    @property
    def sequence(self) -> int:
        """Number of the last commit, or 0 if there is none."""
        return self._sequence(self._map[_ACTIVE] & 1)

    def _sequence(self, index: int) -> int:
        sequence: int = _SLOT.unpack_from(self._map, self._starts[index])[0]
        return sequence

    def read(self) -> Committed | None:
        """Return the last commit. Return None if there is none, or if it is damaged."""
        while True:
            active, sequence = self._map[_ACTIVE] & 1, self.sequence
            committed = self._slot(active)
            # During this read, a writer may have activated the other slot, and with its next
            # commit overwritten the slot that this read. In that case, read again.
            if (self._map[_ACTIVE] & 1, self.sequence) == (active, sequence):
                return committed

    def _slot(self, index: int) -> Committed | None:
        start = self._starts[index]
        slot = self._map[start : start + _SLOT.size + self._size]
        sequence, *places, merged, crc = _SLOT.unpack_from(slot)
        content = slot[_SLOT.size :]
        if not sequence or zlib.crc32(content, _seed(sequence, places, merged)) != crc:
            return None
        name = merged.rstrip(b"\0").decode("ascii", "replace")
        progress = Progress(*(Position(*places[i : i + 2]) for i in (0, 2, 4)))
        return Committed(sequence, progress, name, content)

    def newest_intact(self) -> Committed | None:
        """Return the last commit, or the one before if that is damaged, or None if both are.

        Only call this while no process writes to the file.
        """
        slots = [slot for index in (0, 1) if (slot := self._slot(index)) is not None]
        return max(slots, default=None)

    def repair(self) -> bool:
        """Make the newest intact commit the last one. Only the sole writer may call this.

        Returns:
            False if the last commit was damaged.
        """
        undamaged = self.sequence == 0 or self._slot(self._map[_ACTIVE] & 1) is not None
        newest = self.newest_intact()
        if newest is None:
            self._map[_HEADER.size :] = bytes(len(self._map) - _HEADER.size)
        else:
            # The writer may have died after it filled a slot and before it activated that slot.
            self._map[_ACTIVE] = next(i for i in (0, 1) if self._sequence(i) == newest.sequence)
        return undamaged

    def sync(self) -> None:
        """Write the file to the disk."""
        self._map.flush()

    def commit(self, content: bytes, progress: Progress, merged: str = "") -> None:
        """Store counts and progress together. A crash leaves either this state or the previous one.

        Args:
            content: the counts, of this file's size.
            progress: progress through the journal.
            merged: name of the worker folder whose counts were added, at most 32 ASCII characters.
        """
        active = self._map[_ACTIVE] & 1
        sequence = self._sequence(active) + 1
        inactive = 1 - active
        name = merged.encode().ljust(32, b"\0")
        places = [number for position in progress for number in position]
        crc = zlib.crc32(content, _seed(sequence, places, name))
        head = _SLOT.pack(sequence, *places, name, crc)
        start = self._starts[inactive]
        self._map[start : start + _SLOT.size + self._size] = head + content
        # The slot must be complete before this line activates it. Other processes see writes to a
        # shared map in this order. Only a power loss can break the order, and then the checksum
        # does not match.
        self._map[_ACTIVE] = inactive


class Checkpoint:
    """The state of one worker: its counts and its progress, which only change together.

    Args:
        file: the worker's counts file, of which this process is the only writer. None keeps the
            state in memory only.
        content: the counts so far.
        progress: the progress so far.

    Attributes:
        content: the counts, in the format of `Counts.to_bytes`.
        progress: progress through the journal.
    """

    def __init__(self, file: CountsFile | None, content: bytes, progress: Progress) -> None:
        self._file = file
        self.content = content
        self.progress = progress

    def commit(self, content: bytes, progress: Progress) -> None:
        """Store a new state in the file, and then in memory."""
        if self._file is not None:
            self._file.commit(content, progress)
        # This comes last and is a single statement. If a signal handler raises before it, the next
        # commit starts from the old state again and includes everything in this one.
        self.content, self.progress = content, progress

    @property
    def sealed(self) -> bool:
        """Whether a batch of log records is sealed and not yet acknowledged."""
        return self.progress.sealed > self.progress.shipped


def _seed(sequence: int, places: Sequence[int], merged: bytes) -> int:
    """Return the checksum of a slot's head, from which the checksum of its counts continues."""
    return zlib.crc32(struct.pack("<Q6Q32s", sequence, *places, merged))
