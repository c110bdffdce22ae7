"""One file of the journal: frames of records, mapped into memory.

A segment begins with a header of 16 bytes (magic, format, number) and goes on with frames: length
and CRC-32 of the record as little-endian 32-bit integers, then the record. Zeros follow the last
frame. The CRC starts from the segment's number, so a frame of another segment is never taken for
one of this.

A frame that reached the map survives the death of the process, `kill -9` included, as the kernel
owns the pages. A loss of power may lose what the kernel had not written.
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
    """A file that is no segment of this format."""


def frame_bytes(record: bytes) -> int:
    """Return how many bytes a record takes in a segment."""
    return _FRAME.size + len(record)


class Segment:
    """A segment that this process writes.

    Args:
        path: of the new file.
        number: that tells it from the other segments of the worker.
        size: in bytes; they are reserved on the disk at once, as a full disk under a map would end
            the process.

    Raises:
        OSError: if the file cannot be made, as on a full disk.
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
            os.close(descriptor)
        self._map[:HEADER_BYTES] = _HEADER.pack(_MAGIC, _FORMAT, number)

    def append(self, record: bytes) -> bool:
        """Write one record; False if there is no room for it."""
        length = len(record)
        end = self.end + _FRAME_BYTES + length
        if end > self.size:
            return False
        short = length <= _CRC_BYTES
        crc = zlib.crc32(record, self.number) if short else _checksum(record, self.number)
        self._map[self.end : end] = _FRAME.pack(length, crc) + record
        self.end = end
        return True

    def read(self, start: int, limit: int, end: int | None = None) -> tuple[list[bytes], int]:
        """Return up to `limit` records from an offset on, and the offset after them.

        Args:
            start: the offset.
            limit: of records.
            end: where to stop; by default after the last record.
        """
        records: list[bytes] = []
        end = self.end if end is None else end
        while start < end and len(records) < limit:
            length, _ = _FRAME.unpack_from(self._map, start)
            start += _FRAME.size + length
            records.append(self._map[start - length : start])
        return records, start

    def skip(self, start: int, number: int) -> tuple[int, int]:
        """Return how many records there are from an offset on, up to a number, and the offset
        after them."""
        passed = 0
        while start < self.end and passed < number:
            start += _FRAME_BYTES + _FRAME.unpack_from(self._map, start)[0]
            passed += 1
        return passed, start

    def sync(self) -> None:
        """Write what changed to the disk."""
        self._map.flush()

    def remove(self) -> None:
        """Delete the file; the map goes when nothing uses it any more."""
        self.path.unlink(missing_ok=True)


def _checksum(record: bytes, seed: int) -> int:
    """Return the CRC-32 of a record, taken in pieces.

    Of more than 5 KiB zlib takes it with the interpreter's lock given up, and the request would
    have to wait for the lock again.
    """
    for start in range(0, len(record), _CRC_BYTES):
        seed = zlib.crc32(record[start : start + _CRC_BYTES], seed)
    return seed


_CRC_BYTES = 5 << 10


def intact_records(path: Path, number: int, start: int = HEADER_BYTES) -> tuple[list[bytes], int]:
    """Read the intact prefix of a segment that a dead worker left.

    Reading stops at the first frame whose CRC does not fit, whatever the bytes are.

    Args:
        path: of the segment.
        number: that the header must have.
        start: the offset to read from, as a fold left it.

    Returns:
        The records, and the offset after the last.

    Raises:
        SegmentError: if the header is not that of this segment.
        OSError: if the file cannot be read.
    """
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
        if not header.strip(b"\0"):
            return [], start  # its writer died before the first record
        if header != _HEADER.pack(_MAGIC, _FORMAT, number):
            raise SegmentError(f"{path} is no journal segment {number} of format {_FORMAT}")
        file.seek(min(start, os.fstat(file.fileno()).st_size))
        content = file.read()
    records: list[bytes] = []
    place = 0
    while place + _FRAME.size <= len(content):
        length, crc = _FRAME.unpack_from(content, place)
        end = place + _FRAME.size + length
        record = content[place + _FRAME.size : end]
        if not length or end > len(content) or zlib.crc32(record, number) != crc:
            break
        records.append(record)
        place = end
    return records, start + place


def _make_ready(mapped: mmap.mmap) -> None:
    """Have the pages of a map at hand, where the system can, so that no request waits for one.

    Piece by piece, as other threads wait for the interpreter meanwhile.
    """
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError):  # before Linux 5.14
        for start in range(0, len(mapped), _PIECE_BYTES):
            length = min(_PIECE_BYTES, len(mapped) - start)
            mapped.madvise(_MADV_POPULATE_WRITE, start, length)


_PIECE_BYTES = 1 << 18
_MADV_POPULATE_WRITE = 23
"""Of linux/mman.h; Python's mmap has no name for it."""


def reserve(descriptor: int, size: int) -> None:
    """Reserve the blocks of a new file, all zero.

    Raises:
        OSError: ENOSPC where the disk is full.
    """
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, 0, size)
            return
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
                raise
    # A file system that cannot reserve, or a system that has no call for it.
    zeros = bytes(1 << 20)
    done = 0
    while done < size:
        done += os.pwrite(descriptor, zeros[: size - done], done)
