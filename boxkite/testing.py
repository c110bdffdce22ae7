"""Tools for testing a service that boxkite monitors."""

from __future__ import annotations

from boxkite.logs.log_record import LogRecord
from boxkite.logs.sink import Batch

__all__ = ["RecordingSink"]


class RecordingSink:
    """A sink that keeps the records in memory, for `Boxkite(app, log=RecordingSink())`.

    Records arrive in the background. Call the monitor's `flush` before you look at them.

    Attributes:
        records: the records, in the order in which they were delivered.
    """

    name = "recording"
    whole_minutes = False

    def __init__(self) -> None:
        self.records: list[LogRecord] = []

    def deliver(self, batch: Batch) -> None:
        """Keep the records of a batch."""
        # A list first: if the records can no longer be read, keep none of them.
        self.records += list(batch.records)

    def close(self) -> None:
        """Do nothing: the records stay."""
