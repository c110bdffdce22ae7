"""The records that wait to be shipped to the log's sink, as the shipper sees them."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from boxkite.live.counts_file import Position
from boxkite.live.log_context import LogContext

__all__ = ["Outbox", "Waiting"]


class Waiting(NamedTuple):
    """Consecutive records of an outbox.

    Attributes:
        contents: the encoded records.
        begin: position of the first record.
        end: position after the last record.
    """

    contents: list[bytes]
    begin: Position
    end: Position


class Outbox(Protocol):
    """Records of one worker in the order in which it took them. They leave it batch by batch.

    A batch goes through three steps: `waiting` shows records, `seal` fixes the bounds of a batch,
    and `acknowledge` removes it after its delivery. Once a batch is sealed, its bounds stay the
    same until it is acknowledged, even across a crash. So a sink that gets a batch again gets the
    same records and can recognise them. The only exception are records that the outbox gives up at
    the front to make room; they never come back.
    """

    @property
    def context(self) -> LogContext | None:
        """What the records have in common. None if the records are not logged."""

    @property
    def byte_size(self) -> int:
        """The most bytes that may wait."""

    @property
    def sealed(self) -> bool:
        """Whether a batch is sealed and not yet acknowledged."""

    def waiting(self, max_records: int, max_bytes: int) -> Waiting:
        """Return the first records that wait, or exactly the sealed batch if there is one.

        Args:
            max_records: the most records to return.
            max_bytes: the most bytes to return, exceeded by a few records at most.
        """

    def seal(self, waiting: Waiting, number: int) -> Waiting:
        """Make the first records a batch, and return it.

        Args:
            waiting: the result of `waiting`.
            number: number of records in the batch. Ignored if a batch is sealed already.

        Returns:
            The batch. It is empty if some of its records were given up since `waiting` returned.
        """

    def acknowledge(self, batch: Waiting, *, delivered: int, dropped: int) -> None:
        """Advance past a batch and record its outcome.

        Args:
            batch: the result of `seal`.
            delivered: number of its log records that were delivered.
            dropped: number of its log records that will never be delivered.
        """

    def count_retried(self, number: int) -> None:
        """Count records that must be delivered again."""
