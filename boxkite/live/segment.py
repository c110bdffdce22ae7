"""One file of the journal: records in frames, mapped into memory.

A segment starts with a header of 16 bytes: magic, format, and the segment's number. Frames follow.
A frame is the record's length and CRC-32 as little-endian 32-bit integers, and then the record.
After the last frame, all bytes are zero.

The CRC starts from the segment's number. So a frame of another segment, for example in a block that
the file system reused, is never taken for one of this segment.

A frame that is in the map survives the death of the process, even by `kill -9`, because the kernel
owns the pages. A power loss may lose what the kernel had not written yet.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import struct
import sys
import zlib
from pathlib import Path

__all__ = ["HEADER_BYTES", "Segment", "SegmentError", "frame_bytes", "intact_records"]

_HEADER = struct.Struct("<4sIQ")
_FRAME = struct.Struct("<II")
_FRAME_BYTES = _FRAME.size
_MAGIC = b"BXKJ"
_FORMAT = 1

HEADER_BYTES = _HEADER.size


class SegmentError(ValueError):
    """The file is not a segment of this format."""


def frame_bytes(record: bytes) -> int:
    """Return the number of bytes that a record takes in a segment."""
    return _FRAME.size + len(record)


class Segment:
    """A segment that this process writes.

    Args:
        path: the new file.
        number: the segment's number, which no other segment of the worker has.
        size: size of the file in bytes. All of it is reserved on the disk at once: writing to a map
            on a full disk would kill the process with SIGBUS.

    Raises:
        OSError: if the file cannot be created, for example on a full disk.
    """

    def __init__(self, path: Path, number: int, size: int) -> None:
        self.path = path
        self.number = number
        self.size = size
        self.end = HEADER_BYTES
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            reserve(descriptor, size)
            self._map = mmap.mmap(descriptor, size)
            _make_ready(self._map)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(path)
            raise
        finally:
            os.close(descriptor)  # the map keeps the file open
        self._map[:HEADER_BYTES] = _HEADER.pack(_MAGIC, _FORMAT, number)

    def append(self, record: bytes) -> bool:
        """Write one record. Return False if the segment has no room for it."""
        length = len(record)
        end = self.end + _FRAME_BYTES + length
        if end > self.size:
            return False
        short = length <= _CRC_BYTES
        crc = zlib.crc32(record, self.number) if short else _checksum(record, self.number)
        # Copy the frame into the map at once. If the process dies in the middle of the copy, the
        # CRC does not match, and readers stop before this frame.
        self._map[self.end : end] = _FRAME.pack(length, crc) + record
        # Move `end` only now, because the background reads up to `end` without a lock.
        self.end = end
        return True

    def read(self, start: int, limit: int, end: int | None = None) -> tuple[list[bytes], int]:
        """Return up to `limit` records from an offset on, and the offset after them.

        Args:
            start: offset of the first record.
            limit: the most records to return.
            end: offset at which to stop. Default: the end of the last record.
        """
        records: list[bytes] = []
        end = self.end if end is None else end
        while start < end and len(records) < limit:
            length, _ = _FRAME.unpack_from(self._map, start)
            start += _FRAME.size + length
            records.append(self._map[start - length : start])
        return records, start

    def sync(self) -> None:
        """Write the segment to the disk."""
        self._map.flush()

    def remove(self) -> None:
        """Delete the file. The map lives until the last reader drops it."""
        self.path.unlink(missing_ok=True)


def _checksum(record: bytes, seed: int) -> int:
    """Return the CRC-32 of a record, computed in pieces.

    For more than 5 KiB, `zlib.crc32` releases the interpreter lock, and the request would then
    have to wait to get the lock back.
    """
    for start in range(0, len(record), _CRC_BYTES):
        seed = zlib.crc32(record[start : start + _CRC_BYTES], seed)
    return seed


_CRC_BYTES = 5 << 10


def intact_records(path: Path, number: int, start: int = HEADER_BYTES) -> tuple[list[bytes], int]:
    """Read the records of a segment that another process writes or wrote, up to the first damage.

    Reading stops at the first frame whose CRC does not match.

    Args:
        path: the segment.
        number: number that the header must have.
        start: offset at which to start.

    Returns:
        The records, and the offset after the last one.

    Raises:
        SegmentError: if the header belongs to another segment or format.
        OSError: if the file cannot be read.
    """
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
        if not header.strip(b"\0"):
            return [], start  # the writer died, or has yet to write the header
        if header != _HEADER.pack(_MAGIC, _FORMAT, number):
            raise SegmentError(f"'{path}' is not journal segment {number} of format {_FORMAT}.")
        file.seek(min(start, os.fstat(file.fileno()).st_size))
        content = file.read()
    records: list[bytes] = []
    place = 0
    while place + _FRAME.size <= len(content):
        length, crc = _FRAME.unpack_from(content, place)
        end = place + _FRAME.size + length
        record = content[place + _FRAME.size : end]
        # A length of zero means that the rest of the segment was never written.
        if not length or end > len(content) or zlib.crc32(record, number) != crc:
            break
        records.append(record)
        place = end
    return records, start + place


def _make_ready(mapped: mmap.mmap) -> None:
    """Load the pages of a map now, if the system can, so that no request waits for a page fault."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError):  # before Linux 5.14
        # Load the pages in pieces, because `madvise` keeps the interpreter lock and other threads
        # wait for it.
        for start in range(0, len(mapped), _PIECE_BYTES):
            length = min(_PIECE_BYTES, len(mapped) - start)
            mapped.madvise(_MADV_POPULATE_WRITE, start, length)


_PIECE_BYTES = 1 << 18
_MADV_POPULATE_WRITE = 23
"""From linux/mman.h. Python's `mmap` module has no name for it."""


def reserve(descriptor: int, size: int) -> None:
    """Reserve the blocks of a new file, filled with zeros.

    Raises:
        OSError: if the disk is full (ENOSPC).
    """
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, 0, size)
            return
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
                raise
    # The file system, or the operating system, cannot reserve blocks. Writing zeros does the same.
    zeros = bytes(1 << 20)
    done = 0
    while done < size:
        done += os.pwrite(descriptor, zeros[: size - done], done)
