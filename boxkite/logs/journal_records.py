"""Records of the journal on their way to a sink, decoded only when a sink looks at them.

A minute of a busy service has tens of thousands of records. As objects they would take ten times
the memory of their bytes, and a sink of files only needs each record's line.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from typing import overload

import msgspec

from boxkite.live.log_context import LogContext
from boxkite.live.record import Record, decode
from boxkite.logs.log_line import to_line
from boxkite.logs.log_record import LogRecord, minute_of, to_log_record
from boxkite.logs.quick_line import QuickLines, UndecodedRecord
from boxkite.system.cooperation import cooperatively

__all__ = ["JournalRecords", "minute_of_logged"]

_decoder = msgspec.msgpack.Decoder(UndecodedRecord)


def minute_of_logged(content: bytes) -> str | None:
    """Return the minute of a record of the journal, such as `2026-11-23T14:05`.

    Returns:
        None if the record does not go to the log or is damaged.
    """
    try:
        # Decodes the id and the time only. The values stay bytes until a sink looks at them.
        parts = _decoder.decode(content)
    except (ValueError, RecursionError):
        return None
    return minute_of(parts.created_at) if parts.logged else None


class JournalRecords(Sequence[LogRecord]):
    """The log records among the records of one worker. Each access decodes a record again.

    Args:
        context: the log context of the worker.
        contents: records of its journal, as bytes. Those that do not go to the log are left out.

    Attributes:
        context: the log context of the worker.
    """

    def __init__(self, context: LogContext, contents: Sequence[bytes]) -> None:
        self.context = context
        self._contents = contents
        self._quick_lines = QuickLines(context)
        # An array takes a tenth of the memory of a list of numbers.
        self._places = array("L")
        # Nearly all records of a batch have the minute of the record before. So keep the minutes of
        # runs of records, and the number of records before each run.
        self._minutes: list[str] = []
        self._starts: list[int] = []
        for place, content in enumerate(cooperatively(contents)):
            minute = minute_of_logged(content)
            if minute is None:
                continue
            if not self._minutes or minute != self._minutes[-1]:
                self._minutes.append(minute)
                self._starts.append(len(self._places))
            self._places.append(place)

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> LogRecord: ...

    @overload
    def __getitem__(self, index: slice) -> list[LogRecord]: ...

    def __getitem__(self, index: int | slice) -> LogRecord | list[LogRecord]:
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        content = self._contents[self._places[index]]
        try:
            record = decode(content)
        except ValueError:
            # Only the values are damaged. The id is still known, so log the record without them.
            parts = _decoder.decode(content)
            record = Record(parts.entity_id, parts.created_at, None, None)
        return to_log_record(self.context, record)

    def minute(self, index: int) -> str:
        """Return the minute of a record, such as `2026-11-23T14:05`."""
        return self._minutes[bisect_right(self._starts, index) - 1]

    def line(self, index: int) -> bytes:
        """Return a record as its line in the log, as `to_line` does."""
        content = self._contents[self._places[index]]
        line = self._quick_lines.line(_decoder.decode(content))
        return to_line(self[index], self.context.max_bytes) if line is None else line
