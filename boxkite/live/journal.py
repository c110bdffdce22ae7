"""Where encoded records wait between the request and the background."""

from __future__ import annotations

from collections import deque
from typing import Protocol

__all__ = ["Journal", "MemoryJournal"]


class Journal(Protocol):
    """An ordered store of encoded records, appended to by requests, taken from by one reader."""

    def append(self, record: bytes) -> None:
        """Keep one record; it may be called from any thread."""

    def take(self, limit: int) -> list[bytes]:
        """Remove and return up to `limit` records, oldest first; one reader at a time."""

    def __len__(self) -> int:
        """Return how many records wait."""


class MemoryJournal:
    """A journal in the memory of one process; it ends with the process."""

    def __init__(self) -> None:
        self._records: deque[bytes] = deque()

    def append(self, record: bytes) -> None:
        """Keep one record."""
        self._records.append(record)

    def take(self, limit: int) -> list[bytes]:
        """Remove and return up to `limit` records, oldest first."""
        return [self._records.popleft() for _ in range(min(limit, len(self._records)))]

    def __len__(self) -> int:
        return len(self._records)
