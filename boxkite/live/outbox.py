"""What waits to be shipped to the log's sink, as the shipper sees it."""

from __future__ import annotations

import threading
from typing import NamedTuple, Protocol

from boxkite.live.counts_file import Position

__all__ = ["LockedOutbox", "Outbox", "Waiting"]


class Waiting(NamedTuple):
    """Encoded records that follow each other in a journal.

    Attributes:
        contents: of the records.
        begin: the position before the first.
        end: the position after the last.
    """

    contents: list[bytes]
    begin: Position
    end: Position


class Outbox(Protocol):
    """Records in the order in which one worker took them; a batch at a time leaves it.

    Attributes:
        terms: on which the worker took them.
    """

    terms: bytes

    @property
    def byte_size(self) -> int:
        """The most bytes that wait."""

    @property
    def sealed(self) -> bool:
        """Whether a batch was sealed and not acknowledged: it must be delivered as it is."""

    def waiting(self, max_records: int, max_bytes: int) -> Waiting:
        """Return the first records that wait; of a sealed batch all, and no others.

        Args:
            max_records: the most to return.
            max_bytes: of all of them; exceeded by some records at most.
        """

    def seal(self, waiting: Waiting, number: int) -> Waiting:
        """Make the first records a batch, and return it. After a crash it is the same batch.

        It is empty if the first of them were given up meanwhile.
        """

    def acknowledge(self, batch: Waiting, *, delivered: int, dropped: int) -> None:
        """Go on behind a batch, of which so many logged records were delivered or dropped."""

    def count_retried(self, number: int) -> None:
        """Count records that have to be delivered again."""


class LockedOutbox:
    """An outbox whose owner works on it too, under a lock.

    Args:
        outbox: the owner's.
        lock: the owner's.
    """

    def __init__(self, outbox: Outbox, lock: threading.RLock) -> None:
        self._outbox = outbox
        self._lock = lock
        self.terms = outbox.terms

    @property
    def byte_size(self) -> int:
        return self._outbox.byte_size

    @property
    def sealed(self) -> bool:
        return self._outbox.sealed

    def waiting(self, max_records: int, max_bytes: int) -> Waiting:
        with self._lock:
            return self._outbox.waiting(max_records, max_bytes)

    def seal(self, waiting: Waiting, number: int) -> Waiting:
        with self._lock:
            return self._outbox.seal(waiting, number)

    def acknowledge(self, batch: Waiting, *, delivered: int, dropped: int) -> None:
        with self._lock:
            self._outbox.acknowledge(batch, delivered=delivered, dropped=dropped)

    def count_retried(self, number: int) -> None:
        with self._lock:
            self._outbox.count_retried(number)
