"""The outbox of records that no journal took: on a full disk, or where there are no locks."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice

from boxkite.live.counts_file import Position
from boxkite.live.outbox import Waiting
from boxkite.live.record import is_logged

__all__ = ["MemoryOutbox"]

_MAX_BYTES = 32 << 20


class MemoryOutbox:
    """Keeps records that are counted already until they are shipped; the oldest go first.

    Args:
        terms: on which the records are logged.
        count: a method called with the outcomes, by keyword, for as long as its owner is there.
    """

    def __init__(self, terms: bytes, count: Callable[..., None]) -> None:
        self.terms = terms
        self._count = weakref.WeakMethod(count)
        self._contents: deque[bytes] = deque()
        self._first = 0
        self._bytes = 0
        self._sealed = 0

    def extend(self, contents: Sequence[bytes]) -> int:
        """Take records; returns how many older ones had to be dropped."""
        logged = [content for content in contents if is_logged(content)]
        self._contents.extend(logged)
        self._bytes += sum(map(len, logged))
        dropped = 0
        while self._bytes > _MAX_BYTES:
            self._take_first()
            dropped += 1
        self._tell(dropped=dropped)
        return dropped

    def _take_first(self) -> None:
        self._bytes -= len(self._contents.popleft())
        self._first += 1

    @property
    def byte_size(self) -> int:
        return self._bytes

    @property
    def sealed(self) -> bool:
        return self._sealed > self._first

    def waiting(self, max_records: int, max_bytes: int) -> Waiting:
        contents: list[bytes] = []
        size = 0
        for content in islice(self._contents, self._sealed - self._first if self.sealed else None):
            if not self.sealed and (len(contents) == max_records or size >= max_bytes):
                break
            contents.append(content)
            size += len(content)
        begin, end = self._first, self._first + len(contents)
        return Waiting(contents, Position(0, begin), Position(0, end))

    def seal(self, waiting: Waiting, number: int) -> Waiting:
        if self._first > waiting.begin.offset:  # the first of them were given up meanwhile
            return Waiting([], Position(0, self._first), Position(0, self._first))
        # A sealed batch keeps its bounds until it is acknowledged, whatever number is asked for.
        if not self.sealed:
            self._sealed = waiting.begin.offset + number
        contents = waiting.contents[: self._sealed - waiting.begin.offset]
        return Waiting(contents, waiting.begin, Position(0, self._sealed))

    def acknowledge(self, batch: Waiting, *, delivered: int, dropped: int) -> None:
        if self._first > batch.begin.offset:  # the first of them were given up meanwhile
            delivered, dropped = max(0, batch.end.offset - self._first), 0
        while self._first < batch.end.offset and self._contents:
            self._take_first()
        self._tell(delivered=delivered, dropped=dropped)

    def count_retried(self, number: int) -> None:
        self._tell(retried=number)

    def _tell(self, **outcomes: int) -> None:
        count = self._count()
        if count is not None:
            count(**outcomes)
