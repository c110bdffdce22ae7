"""Test that a slice of a journal is a sequence of which one piece at a time is in memory."""

import pytest

from boxkite.live.counts_file import Position
from boxkite.live.journal_slice import JournalSlice, Piece, RecordsGoneError

PIECES = [Piece(Position(1, 0), 3), Piece(Position(1, 3), 1), Piece(Position(2, 0), 2)]
RECORDS = [b"10", b"11", b"12", b"13", b"20", b"21"]


class Reader:
    """Reads records whose content is their position, and notes each read."""

    def __init__(self) -> None:
        self.read: list[Piece] = []
        self.gone = False

    def read_piece(self, piece: Piece) -> list[bytes]:
        if self.gone:
            raise RecordsGoneError("gone")
        self.read.append(piece)
        (segment, offset), number = piece
        return [b"%d%d" % (segment, offset + i) for i in range(number)]


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def records(reader: Reader) -> JournalSlice:
    return JournalSlice(reader, PIECES)


def test_it_is_the_sequence_of_its_records(records: JournalSlice) -> None:
    assert list(records) == RECORDS
    assert len(records) == 6
    assert [records[i] for i in range(-6, 6)] == RECORDS * 2
    assert records[1:5:2] == RECORDS[1:5:2]
    assert RECORDS[3] in records
    for index in (6, -7):
        with pytest.raises(IndexError):
            records[index]


def test_reading_in_order_reads_each_piece_once(records: JournalSlice, reader: Reader) -> None:
    assert [records[i] for i in range(6)] == RECORDS
    assert reader.read == PIECES
    assert list(records) == RECORDS
    assert reader.read == PIECES * 2


@pytest.mark.parametrize("number", range(8))
def test_the_first_records_are_a_slice_too(number: int, records: JournalSlice) -> None:
    first = records.first(number)
    assert list(first) == RECORDS[:number]
    assert len(first) == min(number, 6)


def test_records_that_are_gone_raise(records: JournalSlice, reader: Reader) -> None:
    assert records[0] == b"10"
    reader.gone = True
    assert records[2] == b"12"  # its piece is in memory
    for use in (lambda: records[3], lambda: list(records)):
        with pytest.raises(RecordsGoneError):
            use()
