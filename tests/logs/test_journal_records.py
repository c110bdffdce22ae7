"""Test how a sink sees records of the journal."""

import pytest

from boxkite.live.record import Record, decode, encode
from boxkite.logs.journal_records import JournalRecords, minute_of_logged
from boxkite.logs.log_line import to_line
from boxkite.logs.log_record import to_log_record
from boxkite.logs.sink import Batch
from tests.logs.conftest import CONTEXT

NOW = 1_795_450_000_000_000_000
RECORDS = [
    Record("first", NOW, [1.5, "UA"], [0.5], None, True),
    Record("second", NOW + 60_000_000_000, {"distance": 2.5}, [0.5], {"inputs": []}, True),
]


BATCH = Batch(CONTEXT, JournalRecords(CONTEXT, list(map(encode, RECORDS))))


def test_the_minute_of_a_logged_record() -> None:
    assert minute_of_logged(encode(RECORDS[0])) == "2026-11-23T16:06"


UNUSABLE = [
    encode(Record("not logged", NOW, [1.0], [0.5])),
    b"",
    b"\xc1",
    b"\x91\xa2id",
    b"\x91" * 100_000,
]


@pytest.mark.parametrize("content", UNUSABLE)
def test_a_record_that_is_damaged_or_not_logged_has_no_minute(content: bytes) -> None:
    assert minute_of_logged(content) is None


def test_records_that_are_damaged_or_not_logged_are_left_out() -> None:
    first, second = map(encode, RECORDS)
    records = JournalRecords(CONTEXT, [*UNUSABLE, second, *UNUSABLE, first, second, second])
    assert [each.entity_id for each in records] == ["second", "first", "second", "second"]
    minutes = [records.minute(index)[-2:] for index in range(len(records))]
    assert minutes == ["07", "06", "07", "07"]


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
    (record,) = JournalRecords(CONTEXT, [content])
    assert record == to_log_record(CONTEXT, Record("first", NOW, None, None))
