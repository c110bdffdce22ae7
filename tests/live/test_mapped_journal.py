"""A worker's journal: order over segments, bounds, and who may append when."""

import errno
import itertools
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from boxkite.live.counts_file import START, Position
from boxkite.live.mapped_journal import (
    JournalBusyError,
    JournalFullError,
    MappedJournal,
    segment_numbers,
    segment_path,
)
from boxkite.live.segment import HEADER_BYTES, Segment, frame_bytes, intact_records
from tests.live.conftest import interrupting

# Room for four records of seven bytes.
SIZE = HEADER_BYTES + 4 * frame_bytes(b"1234567")


def records_of(number: int) -> list[bytes]:
    return [b"%07d" % i for i in range(number)]


def read_all(journal: MappedJournal, position: Position = START) -> list[bytes]:
    found: list[bytes] = []
    while True:
        records, position = journal.read(position, 3)
        if not records:
            return found
        found += records


def test_records_come_back_in_order_over_segments_and_batches(tmp_path: Path) -> None:
    journal = MappedJournal(tmp_path, SIZE, 100 * SIZE)
    for record in records_of(10):
        journal.append(record)
    assert read_all(journal) == records_of(10)
    assert segment_numbers(tmp_path) == [1, 2, 3]
    assert journal.byte_size == 3 * SIZE
    on_disk = [intact_records(segment_path(tmp_path, number), number)[0] for number in (1, 2, 3)]
    assert list(itertools.chain(*on_disk)) == records_of(10)


def test_the_end_is_where_reading_everything_ends(tmp_path: Path) -> None:
    journal = MappedJournal(tmp_path, SIZE, 100 * SIZE)
    assert journal.end == START
    for record in records_of(6):
        journal.append(record)
        position = START
        while (found := journal.read(position, 2))[0]:
            position = found[1]
        assert position == journal.end


def test_a_record_larger_than_a_segment_gets_one_of_its_own(tmp_path: Path) -> None:
    journal = MappedJournal(tmp_path, SIZE, 100 * SIZE)
    records = [b"small", b"x" * 1000, b"after"]
    for record in records:
        journal.append(record)
    assert read_all(journal) == records
    sizes = [segment_path(tmp_path, number).stat().st_size for number in (1, 2, 3)]
    assert sizes == [SIZE, HEADER_BYTES + frame_bytes(b"x" * 1000), SIZE]


def test_a_journal_takes_no_more_bytes_than_it_may_until_some_are_released(tmp_path: Path) -> None:
    journal = MappedJournal(tmp_path, SIZE, 2 * SIZE)
    for record in records_of(8):
        journal.append(record)
    with pytest.raises(JournalFullError, match="may not exceed"):
        journal.append(b"1234567")
    assert read_all(journal) == records_of(8)

    journal.release(Position(2, HEADER_BYTES))
    assert segment_numbers(tmp_path) == [2]
    journal.append(b"1234567")
    assert read_all(journal) == [*records_of(8)[4:], b"1234567"]


def test_the_segment_that_is_written_is_never_released(tmp_path: Path) -> None:
    journal = MappedJournal(tmp_path, SIZE, 2 * SIZE)
    journal.append(b"1234567")
    journal.release(Position(9, HEADER_BYTES))
    assert segment_numbers(tmp_path) == [1]


def test_the_next_segment_is_prepared_once_half_of_one_is_full(tmp_path: Path) -> None:
    journal = MappedJournal(tmp_path, SIZE, 2 * SIZE)
    journal.prepare()
    journal.append(b"1234567")
    journal.prepare()
    assert segment_numbers(tmp_path) == [1]
    journal.append(b"1234567")
    journal.prepare()
    journal.prepare()
    assert segment_numbers(tmp_path) == [1, 2]
    for record in records_of(6):
        journal.append(record)
    assert segment_numbers(tmp_path) == [1, 2]
    journal.prepare()
    assert segment_numbers(tmp_path) == [1, 2], "no more than the journal may hold"
    assert read_all(journal) == [b"1234567", b"1234567", *records_of(6)]


def test_a_prepared_segment_that_is_too_small_for_a_record_goes(tmp_path: Path) -> None:
    journal = MappedJournal(tmp_path, SIZE, 100 * SIZE)
    for record in records_of(3):
        journal.append(record)
    journal.prepare()
    journal.append(b"x" * 1000)
    assert segment_numbers(tmp_path) == [1, 3]
    assert read_all(journal) == [*records_of(3), b"x" * 1000]


def test_a_segment_that_cannot_be_made_fails_one_record_and_not_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(errno.EIO, "input/output error")

    journal = MappedJournal(tmp_path, SIZE, 100 * SIZE)
    for record in records_of(4):
        journal.append(record)
    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", fail)
        patch.setattr(os, "unlink", fail)
        with pytest.raises(OSError, match="input/output"):
            journal.append(b"lost")
    journal.append(b"1234567")
    assert read_all(journal) == [*records_of(4), b"1234567"]
    assert intact_records(segment_path(tmp_path, 2), 2)[0] == []


def test_threads_lose_and_mix_nothing(tmp_path: Path) -> None:
    journal = MappedJournal(tmp_path, SIZE, 10_000 * SIZE)
    ready = threading.Barrier(4)

    def append(thread: int) -> None:
        ready.wait()
        for i in range(500):
            journal.append(b"%d-%05d" % (thread, i))

    threads = [threading.Thread(target=append, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = read_all(journal)
    for thread in range(4):
        own = [record for record in found if record.startswith(b"%d-" % thread)]
        assert own == [b"%d-%05d" % (thread, i) for i in range(500)]
    assert len(found) == 2000


def test_readers_and_releasers_never_disturb_a_writer(tmp_path: Path) -> None:
    journal = MappedJournal(tmp_path, SIZE, 10_000 * SIZE)
    done = threading.Event()
    found: list[bytes] = []

    def consume() -> None:
        position = START
        while not done.is_set() or position < journal.end:
            records, position = journal.read(position, 3)
            found.extend(records)
            journal.release(position)

    reader = threading.Thread(target=consume)
    reader.start()
    for record in records_of(3000):
        journal.append(record)
        journal.prepare()
    done.set()
    reader.join()
    assert found == records_of(3000)
    assert len(segment_numbers(tmp_path)) <= 2


class Interrupted(Segment):
    """A segment during whose first append something else appends to the journal."""

    journal: MappedJournal
    refused: list[str]

    def append(self, record: bytes) -> bool:
        try:
            self.journal.append(b"nested")
        except JournalBusyError as error:
            self.refused.append(str(error))
        return super().append(record)


def test_what_interrupts_an_append_is_refused_at_once_and_the_append_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = MappedJournal(tmp_path, SIZE, 100 * SIZE)
    Interrupted.journal, Interrupted.refused = journal, []
    monkeypatch.setattr("boxkite.live.mapped_journal.Segment", Interrupted)
    journal.append(b"outer")
    journal.append(b"again")
    assert (read_all(journal), Interrupted.refused) == (
        [b"outer", b"again"],
        ["The journal accepts no record at the moment."] * 2,
    )


def test_signal_handlers_that_append_neither_wait_nor_lose_a_record(tmp_path: Path) -> None:
    journal = MappedJournal(tmp_path, SIZE, 100_000 * SIZE)
    handled: list[bytes] = []
    refused: list[bytes] = []

    def handler(*_: Any) -> None:
        record = b"s%06d" % (len(handled) + len(refused))
        try:
            journal.append(record)
            handled.append(record)
        except JournalBusyError:
            refused.append(record)

    written: list[bytes] = []
    with interrupting(handler, 0.001, 0.0007):
        while len(handled) < 100:
            record = b"%07d" % len(written)
            journal.append(record)
            written.append(record)
            journal.prepare()
    found = read_all(journal)
    assert [record for record in found if record.startswith(b"s")] == handled
    assert [record for record in found if not record.startswith(b"s")] == written


def test_a_closed_journal_refuses_records_and_keeps_what_it_has(tmp_path: Path) -> None:
    journal = MappedJournal(tmp_path, SIZE, 100 * SIZE)
    for record in records_of(3):
        journal.append(record)
    journal.close()
    journal.close()
    with pytest.raises(JournalBusyError, match="accepts no record"):
        journal.append(b"late")
    journal.prepare()
    assert read_all(journal) == records_of(3)
    assert segment_numbers(tmp_path) == [1]
