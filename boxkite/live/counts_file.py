"""Counts in a file, where other processes can read them at any time.

The file has a header and two slots. Each slot holds counts and the progress through the journal
that belongs to them. A commit fills the inactive slot, and then changes the index of the active
slot, which is a single byte. So every reader finds counts and progress that belong together, even
if the writer crashes between any two instructions. If a power loss or another program damages the
active slot, its checksum shows it, and the other slot holds the previous state.
"""

from __future__ import annotations

import errno
import os
import struct
import weakref
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from boxkite.live.segment import HEADER_BYTES, reserve

__all__ = [
    "FORMAT",
    "START",
    "Committed",
    "CountsFile",
    "CountsFileError",
    "CountsReader",
    "Position",
    "Progress",
]

_HEADER = struct.Struct("<4sIQ")
_SLOT = struct.Struct("<QQQQQQQ32sI4x")
_MAGIC = b"BXKC"
FORMAT = 5
_ACTIVE = _HEADER.size - 8

# Refuse links, and do not wait for a writer if the file is a pipe. Windows has neither flag.
_CAREFULLY: int = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_READ = os.O_RDONLY | _CAREFULLY
_WRITE = os.O_RDWR | _CAREFULLY


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


class CountsReader:
    """A file with one set of counts, which another process writes.

    It is read by system calls and not mapped. If another program cuts a mapped file short, the
    system kills whoever reads the part that is gone. Here that is an error.

    Args:
        path: the file.
        size: size of the counts in bytes. Default: the size that the file gives.
        descriptor: descriptor of the open file, which this object closes. Default: opens `path`.

    Raises:
        OSError: if the file cannot be opened.
        CountsFileError: if the file has another size or format.
    """

    def __init__(
        self, path: Path, size: int | None = None, *, descriptor: int | None = None
    ) -> None:
        self._path = path
        self._descriptor = os.open(path, _READ) if descriptor is None else descriptor
        close = weakref.finalize(self, os.close, self._descriptor)
        close.atexit = False  # the exit handlers still commit
        self._status = os.fstat(self._descriptor)
        found = self._status.st_size
        self._size = max(0, (found - _HEADER.size) // 2 - _SLOT.size) if size is None else size
        slot = _SLOT.size + self._size
        self._starts = (_HEADER.size, _HEADER.size + slot)
        self._total = _file_bytes(self._size)
        if found != self._total:
            raise CountsFileError(
                f"'{path}' has {found:,} bytes instead of {self._total:,}: it was cut short, or "
                "holds counts of another baseline or format."
            )
        self._is_new = self._check_header()

    def _check_header(self) -> bool:
        """Return whether the file is new, so that its header is not written yet."""
        magic, form, _ = _HEADER.unpack(self._read(0, _HEADER.size))
        if (magic, form) == (b"\0" * 4, 0):
            return True
        if (magic, form) != (_MAGIC, FORMAT):
            raise CountsFileError(f"'{self._path}' is not a counts file of format {FORMAT}.")
        return False

    def _read(self, start: int, length: int) -> bytes:
        content = os.pread(self._descriptor, length, start)
        if len(content) < length:
            raise CountsFileError(f"'{self._path}' was cut short while it was in use.")
        return content

    @property
    def size(self) -> int:
        """Size of the counts in bytes."""
        return self._size

    @property
    def _active(self) -> int:
        return self._read(_ACTIVE, 1)[0] & 1

    @property
    def sequence(self) -> int:
        """Number of the last commit, or 0 if there is none."""
        return self._sequence(self._active)

    def _sequence(self, index: int) -> int:
        return int.from_bytes(self._read(self._starts[index], 8), "little")

    def read(self) -> Committed | None:
        """Return the last commit. Return None if there is none, or if it is damaged."""
        while True:
            active, sequence = self._active, self.sequence
            committed = self._slot(active)
            # During this read, a writer may have activated the other slot, and with its next
            # commit overwritten the slot that this read. In that case, read again.
            if (self._active, self.sequence) == (active, sequence):
                return committed

    def _slot(self, index: int) -> Committed | None:
        slot = self._read(self._starts[index], _SLOT.size + self._size)
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


class CountsFile(CountsReader):
    """A file with one set of counts, which this process writes.

    Args:
        path: the file. It is created if it is missing and `size` is given.
        size: size of the counts in bytes. Default: the size of the existing file.

    Raises:
        OSError: if the file cannot be created or opened.
        CountsFileError: if the file has another size or format.
    """

    def __init__(self, path: Path, size: int | None = None) -> None:
        descriptor = os.open(path, _WRITE | (0 if size is None else os.O_CREAT), 0o600)
        try:
            # This is a new file. Reserve its blocks, so that no commit fails on a full disk.
            if os.fstat(descriptor).st_size == 0 and size:
                reserve(descriptor, _file_bytes(size))
        except BaseException:
            os.close(descriptor)
            raise
        super().__init__(path, size, descriptor=descriptor)
        if self._is_new:
            self._write(0, _HEADER.pack(_MAGIC, FORMAT, 0))

    def _write(self, start: int, content: bytes) -> None:
        # Some programs close all descriptors when they become a daemon. Another file may have this
        # number since then, and must not be overwritten.
        if not os.path.samestat(os.fstat(self._descriptor), self._status):
            raise OSError(errno.EBADF, f"Another part of this program closed '{self._path}'.")
        rest = memoryview(content)
        while rest:
            written = os.pwrite(self._descriptor, rest, start)
            rest, start = rest[written:], start + written

    def is_intact(self, path: Path) -> bool:
        """Return whether the file is whole and the one that other processes find at a path.

        Another program may delete, replace, cut short or overwrite it.
        """
        try:
            status = os.stat(path)
            same = os.path.samestat(status, self._status) and status.st_size == self._total
            return same and not self._check_header()
        except (OSError, CountsFileError):
            return False

    def repair(self) -> bool:
        """Make the newest intact commit the last one. Only the sole writer may call this.

        Returns:
            False if the last commit was damaged.
        """
        undamaged = self.sequence == 0 or self._slot(self._active) is not None
        newest = self.newest_intact()
        if newest is None:
            self._write(_HEADER.size, bytes(self._total - _HEADER.size))
        else:
            # The writer may have died after it filled a slot and before it activated that slot.
            active = next(i for i in (0, 1) if self._sequence(i) == newest.sequence)
            self._write(_ACTIVE, bytes([active]))
        return undamaged

    def sync(self) -> None:
        """Write the file to the disk."""
        os.fsync(self._descriptor)

    def commit(self, content: bytes, progress: Progress, merged: str = "") -> None:
        """Store counts and progress together. A crash leaves either this state or the previous one.

        Args:
            content: the counts, of this file's size.
            progress: progress through the journal.
            merged: name of the worker folder whose counts were added, at most 32 ASCII characters.

        Raises:
            OSError: if the file cannot be written.
        """
        active = self._active
        sequence = self._sequence(active) + 1
        inactive = 1 - active
        name = merged.encode().ljust(32, b"\0")
        places = [number for position in progress for number in position]
        crc = zlib.crc32(content, _seed(sequence, places, name))
        head = _SLOT.pack(sequence, *places, name, crc)
        self._write(self._starts[inactive], head + content)
        # The slot must be complete before this line activates it. Other processes see the writes
        # in this order. Only a power loss can break the order, and then the checksum does not
        # match.
        self._write(_ACTIVE, bytes([inactive]))


def _file_bytes(size: int) -> int:
    return _HEADER.size + 2 * (_SLOT.size + size)


def _seed(sequence: int, places: Sequence[int], merged: bytes) -> int:
    """Return the checksum of a slot's head, from which the checksum of its counts continues."""
    return zlib.crc32(struct.pack("<Q6Q32s", sequence, *places, merged))
