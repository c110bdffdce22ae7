"""What a sink is: where batches of records are delivered to."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

from boxkite.errors import BoxkiteError
from boxkite.logs.journalled import JournalledRecords
from boxkite.logs.line import to_line
from boxkite.logs.log_record import LogRecord
from boxkite.logs.terms import LogTerms

__all__ = ["Batch", "LogExporter", "LogTarget", "RejectedError", "Sink", "TidySink"]

_MINUTE_LENGTH = len("2026-11-23T14:05")


@dataclass(frozen=True)
class Batch:
    """Records of one worker, in the order in which it made them.

    Attributes:
        terms: what all of them have in common.
        records: one or more.
    """

    terms: LogTerms
    records: Sequence[LogRecord]

    def minute(self, index: int) -> str:
        """Return the minute in which a record was made, as `2026-11-23T14:05`."""
        if isinstance(self.records, JournalledRecords):
            return self.records.minute(index)
        return self.records[index].created_at[:_MINUTE_LENGTH]

    def line(self, index: int) -> bytes:
        """Return a record as its line in the log; quicker than making it from the record."""
        if isinstance(self.records, JournalledRecords):
            return self.records.line(index)
        return to_line(self.records[index], self.terms.max_bytes)


class RejectedError(BoxkiteError):
    """A sink refuses some records of a batch for good; all others of the batch are delivered.

    Args:
        reasons: by the record's index in the batch, why it is refused.
    """

    def __init__(self, reasons: Mapping[int, str]) -> None:
        first = next(iter(reasons.values()), "none")
        super().__init__(f"{len(reasons)} records refused, the first: {first}")
        self.reasons = dict(reasons)


class Sink(Protocol):
    """Takes batches to where they are kept.

    A sink is used by one thread at a time, the shipper's, and in a forked process anew.

    Attributes:
        name: label of its series, as "file".
        whole_minutes: True to be given the records of one minute together, once it is over.
    """

    name: str
    whole_minutes: bool

    def deliver(self, batch: Batch) -> None:
        """Deliver all records of a batch, or raise. The same batch may come again.

        Raises:
            RejectedError: if some can never be delivered, and all others are.
            Exception: any other: none of them counts as delivered; the batch comes again.
        """

    def close(self) -> None:
        """Let go of connections; the next `deliver` opens them again."""


class LogExporter(Protocol):
    """An exporter of boxkite 0.0.5, which hands out a sink."""

    @property
    def sink(self) -> Sink:
        """The sink that takes the records to the exporter."""
        ...


LogTarget: TypeAlias = str | os.PathLike[str] | Sink | LogExporter | None
"""Where predictions are logged: URL, path, sink or exporter; None for the setting `LOG`."""


@runtime_checkable
class TidySink(Protocol):
    """A sink that has something to do from time to time, records or not."""

    def tidy(self) -> None:
        """Do it; called about once a minute, in the thread that delivers."""
