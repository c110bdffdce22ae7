"""The interface of a sink, which receives batches of log records.

To add a sink, write a class with the four attributes of `Sink`. docs/guides/log.md links to one for
SQLite.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

from boxkite.errors import BoxkiteError
from boxkite.live.log_context import LogContext
from boxkite.logs.journal_records import JournalRecords
from boxkite.logs.log_line import to_line
from boxkite.logs.log_record import LogRecord

__all__ = ["Batch", "LogExporter", "LogTarget", "RejectedError", "Sink", "TidySink"]

_MINUTE_LENGTH = len("2026-11-23T14:05")


@dataclass(frozen=True)
class Batch:
    """Records of one worker, in the order in which it made them.

    Attributes:
        context: ids and names that all of the records share.
        records: one or more records. They are read from the journal when they are used, so keep
            copies (`list(records)`) if you need them after `deliver`.
    """

    context: LogContext
    records: Sequence[LogRecord]

    def minute(self, index: int) -> str:
        """Return the minute of a record, such as `2026-11-23T14:05`."""
        if isinstance(self.records, JournalRecords):
            return self.records.minute(index)
        return self.records[index].created_at[:_MINUTE_LENGTH]

    def line(self, index: int) -> bytes:
        """Return a record as a line of JSON. This is faster than encoding `records[index]`."""
        if isinstance(self.records, JournalRecords):
            return self.records.line(index)
        return to_line(self.records[index], self.context.max_bytes)


class RejectedError(BoxkiteError):
    """A sink can never take some records of a batch, and delivered all others.

    Args:
        reasons: why each record is rejected, by its index in the batch.
    """

    def __init__(self, reasons: Mapping[int, str]) -> None:
        first = next(iter(reasons.values()), "no reason given")
        super().__init__(f"The sink rejected {len(reasons)} records. The first reason: {first}")
        self.reasons = dict(reasons)


class Sink(Protocol):
    """Receives batches and keeps them somewhere.

    One thread at a time uses a sink. A forked process opens its own.

    Attributes:
        name: label of the sink's series, such as "file".
        whole_minutes: True to receive all records of a minute in one batch, once it is over. A
            number, a divisor of 60, is the length in minutes of longer periods.
    """

    name: str

    @property
    def whole_minutes(self) -> int:
        """See the attributes."""
        ...

    def deliver(self, batch: Batch) -> None:
        """Deliver all records of a batch, or raise. The same batch may come again.

        Raises:
            RejectedError: if some records can never be delivered, and all others were.
            Exception: any other error means that nothing is delivered. The same batch comes again
                after a pause.
        """

    def close(self) -> None:
        """Close connections. The next `deliver` opens them again."""


class LogExporter(Protocol):
    """An exporter of boxkite 0.0.5, which has a sink."""

    @property
    def sink(self) -> Sink:
        """Sink that passes the records to the exporter."""
        ...


LogTarget: TypeAlias = str | os.PathLike[str] | Sink | LogExporter | None
"""Destination of the log: a URL, path, sink or exporter; None for the setting `LOG`."""


@runtime_checkable
class TidySink(Protocol):
    """A sink with work to do from time to time, even if no records come."""

    def tidy(self) -> None:
        """Do that work. The thread that delivers calls it about once a minute."""
