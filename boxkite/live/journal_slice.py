"""Consecutive records of a journal, which are read again each time they are used.

A minute of a busy service may have 16 MiB of records. In memory, they would take several times
that, and the allocator would keep the space.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple, Protocol, overload

from boxkite.errors import BoxkiteError
from boxkite.live.counts_file import Position

__all__ = ["JournalSlice", "Piece", "PieceReader", "RecordsGoneError"]


class RecordsGoneError(BoxkiteError):
    """Records of a slice cannot be read any more, for example because they were given up."""


class Piece(NamedTuple):
    """A few records that are read at once.

    Attributes:
        begin: position from which to read.
        number: number of records.
    """

    begin: Position
    number: int


class PieceReader(Protocol):
    """Reads pieces of a journal. An outbox is one."""

    def read_piece(self, piece: Piece, /) -> list[bytes]:
        """Return the records of a piece.

        Raises:
            RecordsGoneError: if they cannot be read any more.
        """
        ...


class JournalSlice(Sequence[bytes]):
    """Consecutive records that are read into memory one piece at a time.

    Reading in order reads each piece once.

    Args:
        reader: reads the pieces. If it cannot, each method that returns records raises its
            `RecordsGoneError`.
        pieces: the pieces, one after another.

    Attributes:
        pieces: the pieces.
    """

    def __init__(self, reader: PieceReader, pieces: Sequence[Piece]) -> None:
        self.pieces = pieces
        self._reader = reader
        # Number of records before each piece, and at last of all records.
        self._starts = list(accumulate((each.number for each in pieces), initial=0))
        self._loaded_start = 0
        self._loaded: list[bytes] = []

    def __len__(self) -> int:
        return self._starts[-1]

    @overload
    def __getitem__(self, index: int) -> bytes: ...

    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...

    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        if not 0 <= index - self._loaded_start < len(self._loaded):
            index = range(len(self))[index]  # raises an IndexError, and allows negative numbers
            self._load(bisect_right(self._starts, index) - 1)
        return self._loaded[index - self._loaded_start]

    def __iter__(self) -> Iterator[bytes]:
        for each in self.pieces:
            yield from self._reader.read_piece(each)

    def _load(self, number: int) -> None:
        self._loaded = self._reader.read_piece(self.pieces[number])
        self._loaded_start = self._starts[number]

    def first(self, number: int) -> JournalSlice:
        """Return the slice with only the first records.

        Args:
            number: number of records, or any larger number for all of them.
        """
        pieces: list[Piece] = []
        for each in self.pieces:
            if number <= 0:
                break
            pieces.append(each._replace(number=min(number, each.number)))
            number -= each.number
        return JournalSlice(self._reader, pieces)
