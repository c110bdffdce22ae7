"""For tests of services: a sink that keeps what is logged."""

from __future__ import annotations

from boxkite.logs.log_record import LogRecord
from boxkite.logs.sink import Batch

__all__ = ["RecordingSink"]


class RecordingSink:
    """Keeps the records in memory, as `Boxkite(app, log=RecordingSink())`.

    Records arrive in the background: call `flush` of the monitor before looking at them.

    Attributes:
        records: in the order in which they were delivered.
    """

    name = "recording"
    whole_minutes = False

    def __init__(self) -> None:
        self.records: list[LogRecord] = []

    def deliver(self, batch: Batch) -> None:
        """Keep the records of a batch."""
        self.records += batch.records

    def close(self) -> None:
        """Do nothing."""
