"""Test how a sink sees records of the journal."""

import pytest

from boxkite.live.record import Record, decode, encode
from boxkite.logs.journal_records import JournalRecord, JournalRecords, read_journal_record
from boxkite.logs.log_line import to_line
from boxkite.logs.log_record import to_log_record
from boxkite.logs.sink import Batch
from tests.logs.conftest import CONTEXT

NOW = 1_795_450_000_000_000_000
RECORDS = [
    Record("first", NOW, [1.5, "UA"], [0.5], None, True),
    Record("second", NOW + 60_000_000_000, {"distance": 2.5}, [0.5], {"inputs": []}, True),
]


def found(record: Record) -> JournalRecord:
    each = read_journal_record(encode(record))
    assert each is not None
    return each


BATCH = Batch(CONTEXT, JournalRecords(CONTEXT, [found(each) for each in RECORDS]))


def test_a_record_that_is_not_logged_is_none() -> None:
    assert read_journal_record(encode(Record("id", NOW, [1.0], [0.5]))) is None


@pytest.mark.parametrize("content", [b"", b"\xc1", b"\x91\xa2id", b"\x91" * 100_000])
def test_bytes_that_are_not_a_record_are_none(content: bytes) -> None:
    assert read_journal_record(content) is None


def test_journal_records_are_the_log_records() -> None:
    assert list(BATCH.records) == [to_log_record(CONTEXT, decode(encode(each))) for each in RECORDS]
    assert BATCH.records[-1:] == [BATCH.records[1]]
    assert len(BATCH.records) == 2
    with pytest.raises(IndexError):
        BATCH.records[2]


@pytest.mark.parametrize(
    "of", [BATCH, Batch(CONTEXT, list(BATCH.records))], ids=["bytes", "objects"]
)
def test_a_batch_gives_the_line_and_the_minute_of_each_record(of: Batch) -> None:
    lines = [to_line(each, CONTEXT.max_bytes) for each in BATCH.records]
    assert [of.line(0), of.line(1)] == lines
    assert [of.minute(0), of.minute(1)] == ["2026-11-23T16:06", "2026-11-23T16:07"]


def test_a_record_whose_values_are_damaged_is_logged_without_them() -> None:
    content = encode(RECORDS[0]).replace(b"UA", b"\xff\xff")
    damaged = read_journal_record(content)
    assert damaged is not None
    (record,) = JournalRecords(CONTEXT, [damaged])
    assert record == to_log_record(CONTEXT, Record("first", NOW, None, None))
