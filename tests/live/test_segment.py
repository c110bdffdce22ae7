"""A segment gives back what was appended, and from damaged bytes no more than what is intact."""

import errno
import os
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boxkite.live.segment import (
    HEADER_BYTES,
    Segment,
    SegmentError,
    frame_bytes,
    intact_records,
    reserve,
)

RECORDS = [b"one", b"", b"three" * 20, b"\x00\x00"]
FULL = [record for record in RECORDS if record]


def written(path: Path, records: list[bytes] = FULL, number: int = 7) -> list[int]:
    """Write a segment of 300 bytes; returns where each record ends."""
    segment = Segment(path, number, 300)
    ends = []
    for record in records:
        assert segment.append(record)
        ends.append(segment.end)
    return ends


def test_records_are_read_back_in_order_and_from_where_the_reader_stopped(tmp_path: Path) -> None:
    segment = Segment(tmp_path / "journal", 1, 300)
    for record in RECORDS:
        assert segment.append(record)
    first, offset = segment.read(HEADER_BYTES, 2)
    rest, end = segment.read(offset, 100)
    assert (first, rest, end) == (RECORDS[:2], RECORDS[2:], segment.end)
    assert segment.read(end, 100) == ([], end)


def test_a_segment_takes_records_to_its_last_byte_and_no_more(tmp_path: Path) -> None:
    size = HEADER_BYTES + 2 * frame_bytes(b"abc")
    segment = Segment(tmp_path / "journal", 1, size)
    assert [segment.append(b"abc") for _ in range(3)] == [True, True, False]
    assert segment.append(b"") is False
    assert intact_records(tmp_path / "journal", 1) == ([b"abc", b"abc"], size)


def test_the_file_of_another_process_is_not_written_over(tmp_path: Path) -> None:
    written(tmp_path / "journal")
    content = (tmp_path / "journal").read_bytes()
    with pytest.raises(FileExistsError):
        Segment(tmp_path / "journal", 7, 300)
    assert (tmp_path / "journal").read_bytes() == content


def test_the_bytes_of_a_segment_are_reserved_at_once(tmp_path: Path) -> None:
    Segment(tmp_path / "journal", 1, 1 << 20)
    status = (tmp_path / "journal").stat()
    assert (status.st_size, status.st_blocks * 512 >= 1 << 20) == (1 << 20, True)


def test_a_segment_that_cannot_be_reserved_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.raises(OSError, match="No space left"):
        Segment(tmp_path / "journal", 1, 300)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("code", ["EOPNOTSUPP", "EINVAL"])
def test_a_file_system_that_cannot_reserve_gets_zeros(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(getattr(errno, code), "cannot reserve")

    def short(descriptor: int, content: bytes, offset: int) -> int:
        return write(descriptor, content[: 1 << 19], offset)

    write = os.pwrite
    monkeypatch.setattr(os, "posix_fallocate", refuse)
    monkeypatch.setattr(os, "pwrite", short)
    with (tmp_path / "file").open("wb") as file:
        reserve(file.fileno(), (2 << 20) + 3)
    assert (tmp_path / "file").read_bytes() == bytes((2 << 20) + 3)


def test_a_removed_segment_can_still_be_written_and_read(tmp_path: Path) -> None:
    segment = Segment(tmp_path / "journal", 1, 300)
    segment.remove()
    segment.remove()
    assert segment.append(b"late")
    segment.sync()
    assert segment.read(HEADER_BYTES, 9) == ([b"late"], segment.end)
    assert list(tmp_path.iterdir()) == []


def test_a_journal_cut_at_every_byte_gives_the_records_before_the_cut(tmp_path: Path) -> None:
    ends = written(tmp_path / "journal")
    content = (tmp_path / "journal").read_bytes()
    cut = tmp_path / "cut"
    found = []
    for size in range(len(content) + 1):
        cut.write_bytes(content[:size])
        try:
            found.append(intact_records(cut, 7)[0])
        except SegmentError:
            found.append([b"error"])
    before = [
        [record for record, end in zip(FULL, ends, strict=True) if end <= size]
        for size in range(HEADER_BYTES, len(content) + 1)
    ]
    assert found == [[], *[[b"error"]] * (HEADER_BYTES - 1), *before]


def test_a_journal_flipped_at_every_byte_gives_the_records_before_the_flip(tmp_path: Path) -> None:
    ends = written(tmp_path / "journal")
    content = (tmp_path / "journal").read_bytes()
    flipped = tmp_path / "flipped"
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        flipped.write_bytes(damaged)
        if place < HEADER_BYTES:
            with pytest.raises(SegmentError, match="is not journal segment 7 of format 1"):
                intact_records(flipped, 7)
            continue
        before = [record for record, end in zip(FULL, ends, strict=True) if end <= place]
        assert intact_records(flipped, 7)[0] == before


def test_a_segment_that_was_never_begun_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "journal").write_bytes(bytes(300))
    assert intact_records(tmp_path / "journal", 1) == ([], HEADER_BYTES)


def test_the_frames_of_another_segment_are_not_taken_for_its_own(tmp_path: Path) -> None:
    ends = written(tmp_path / "seven")
    written(tmp_path / "eight", number=8)
    frames = (tmp_path / "seven").read_bytes()[HEADER_BYTES : ends[-1]]
    header = (tmp_path / "eight").read_bytes()[:HEADER_BYTES]
    (tmp_path / "eight").write_bytes(header + frames)
    assert intact_records(tmp_path / "eight", 8) == ([], HEADER_BYTES)


@settings(max_examples=2 * settings.default.max_examples)
@given(content=st.binary(max_size=400), header=st.booleans(), start=st.integers(0, 2**63 - 1))
def test_whatever_the_bytes_the_records_read_are_frames_that_fit(
    content: bytes, header: bool, start: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / f"arbitrary-{os.getpid()}"
    if header:
        content = struct.pack("<4sIQ", b"BXKJ", 1, 7) + content
    path.write_bytes(content)
    try:
        records, end = intact_records(path, 7, start)
    except SegmentError:
        assert not header
        return
    frames = b"".join(struct.pack("<II", len(r), zlib.crc32(r, 7)) + r for r in records)
    assert content[start:end] == frames
