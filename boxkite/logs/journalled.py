"""Logged records as the journal holds them, decoded only where somebody looks at them.

A minute of a busy service is tens of thousands of records: as objects they take ten times their
bytes, and a sink of files needs no more of each than its line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

import msgspec

from boxkite.live.record import Record, decode
from boxkite.logs.document import log_record, minute_of
from boxkite.logs.line import to_line
from boxkite.logs.log_record import LogRecord
from boxkite.logs.quick_line import LineMaker, Undecoded
from boxkite.logs.terms import LogTerms

__all__ = ["Journalled", "JournalledRecords", "journalled"]


class Journalled(msgspec.Struct, frozen=True, gc=False):
    """One record that is logged.

    Attributes:
        content: its bytes.
        parts: those that tell which it is, and the others undecoded.
    """

    content: bytes
    parts: Undecoded

    @property
    def minute(self) -> str:
        """The minute in which it was made, as `2026-11-23T14:05`."""
        return minute_of(self.parts.created_at)


def journalled(content: bytes) -> Journalled | None:
    """Return an encoded record; None for one that is not logged, or bytes that are none."""
    try:
        parts = _decoder.decode(content)
    except (ValueError, RecursionError):
        return None
    return Journalled(content, parts) if parts.logged else None


class JournalledRecords(Sequence[LogRecord]):
    """Records of one worker as they are logged, made anew each time they are looked at.

    Args:
        terms: of the worker.
        records: of its journal.

    Attributes:
        terms: of the worker.
    """

    def __init__(self, terms: LogTerms, records: Sequence[Journalled]) -> None:
        self.terms = terms
        self._records = records
        self._lines = LineMaker(terms)

    def __len__(self) -> int:
        return len(self._records)

    @overload
    def __getitem__(self, index: int) -> LogRecord: ...

    @overload
    def __getitem__(self, index: slice) -> list[LogRecord]: ...

    def __getitem__(self, index: int | slice) -> LogRecord | list[LogRecord]:
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        each = self._records[index]
        try:
            record = decode(each.content)
        except ValueError:  # its values are damaged
            record = Record(each.parts.entity_id, each.parts.created_at, None, None)
        return log_record(self.terms, record)

    def minute(self, index: int) -> str:
        """Return the minute in which a record was made, as `2026-11-23T14:05`."""
        return self._records[index].minute

    def line(self, index: int) -> bytes:
        """Return a record as its line in the log; see `to_line`."""
        line = self._lines.line(self._records[index].parts)
        return to_line(self[index], self.terms.max_bytes) if line is None else line


_decoder = msgspec.msgpack.Decoder(Undecoded)
