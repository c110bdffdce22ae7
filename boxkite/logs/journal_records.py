"""Records of the journal on their way to a sink, decoded only when a sink looks at them.

A minute of a busy service has tens of thousands of records. As objects they would take ten times
the memory of their bytes, and a sink of files only needs each record's line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

import msgspec

from boxkite.live.log_context import LogContext
from boxkite.live.record import Record, decode
from boxkite.logs.log_line import to_line
from boxkite.logs.log_record import LogRecord, minute_of, to_log_record
from boxkite.logs.quick_line import QuickLines, UndecodedRecord

__all__ = ["JournalRecord", "JournalRecords", "read_journal_record"]


class JournalRecord(msgspec.Struct, frozen=True, gc=False):
    """One record that goes to the log.

    Attributes:
        content: the record's bytes in the journal.
        parts: the decoded id and time, and the values as bytes.
    """

    content: bytes
    parts: UndecodedRecord

    @property
    def minute(self) -> str:
        """The minute of the prediction, such as `2026-11-23T14:05`."""
        return minute_of(self.parts.created_at)


def read_journal_record(content: bytes) -> JournalRecord | None:
    """Return a record of the journal, or None if it does not go to the log or is damaged."""
    try:
        # Decodes the id and the time only. The values stay bytes until a sink looks at them.
        parts = _decoder.decode(content)
    except (ValueError, RecursionError):
        return None
    return JournalRecord(content, parts) if parts.logged else None


_decoder = msgspec.msgpack.Decoder(UndecodedRecord)


class JournalRecords(Sequence[LogRecord]):
    """Records of one worker. Each access decodes a record again.

    Args:
        context: the log context of the worker.
        records: records of its journal.

    Attributes:
        context: the log context of the worker.
    """

    def __init__(self, context: LogContext, records: Sequence[JournalRecord]) -> None:
        self.context = context
        self._records = records
        self._quick_lines = QuickLines(context)

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
        except ValueError:
            # Only the values are damaged. The id is still known, so log the record without them.
            record = Record(each.parts.entity_id, each.parts.created_at, None, None)
        return to_log_record(self.context, record)

    def minute(self, index: int) -> str:
        """Return the minute of a record, such as `2026-11-23T14:05`."""
        return self._records[index].minute

    def line(self, index: int) -> bytes:
        """Return a record as its line in the log, as `to_line` does."""
        line = self._quick_lines.line(self._records[index].parts)
        return to_line(self[index], self.context.max_bytes) if line is None else line
