"""A journal in memory, for records that no file took: on a full disk, or without a state folder."""

from __future__ import annotations

from collections import deque
from itertools import islice

from boxkite.baseline import Baseline
from boxkite.live.counts import Counts
from boxkite.live.counts_file import Position
from boxkite.live.fold import fold_encoded
from boxkite.live.log_context import LogContext
from boxkite.live.outbox import Waiting
from boxkite.live.record import is_logged
from boxkite.system.lazy_attribute import LazyLock

__all__ = ["MemoryJournal"]

_MAX_BYTES = 32 << 20


class MemoryJournal:
    """Count records in memory, and keep the log records until they are shipped, as an `Outbox`.

    Positions count the log records from the first one on. If the records that wait exceed 32 MiB,
    the oldest are dropped.

    Args:
        baseline: the baseline whose cells are counted.
        context: what the log records have in common, or None if there is no log.
        lock: held while records are counted or shipped.

    Attributes:
        counts: counts of records and log outcomes that no file holds yet.
    """

    def __init__(self, baseline: Baseline, context: LogContext | None, lock: LazyLock) -> None:
        self.context = context
        self.counts = Counts.zero(baseline)
        self._baseline = baseline
        self._lock = lock
        # Requests append without a lock, which a signal handler could not wait for.
        self._appended: deque[bytes] = deque()
        self._waiting: deque[bytes] = deque()
        self._first = 0
        self._bytes = 0
        self._sealed = 0

    def append(self, record: bytes) -> None:
        """Take one record."""
        self._appended.append(record)

    @property
    def uncounted(self) -> int:
        """Number of records that were appended and are not counted yet."""
        return len(self._appended)

    def fold(self) -> int:
        """Count the records that were appended. Return the number of log records dropped."""
        contents = [self._appended.popleft() for _ in range(len(self._appended))]
        fold_encoded(self._baseline, contents, self.counts)
        return self.keep_log_records(contents)

    def forget_counts(self) -> None:
        """Start again from zero, because a file holds the counts now."""
        self.counts = Counts.zero(self._baseline)

    def keep_log_records(self, contents: list[bytes]) -> int:
        """Keep the log records among counted records until they are shipped.

        Returns:
            The number of older log records that were dropped to make room.
        """
        if self.context is None:
            return 0
        logged = [content for content in contents if is_logged(content)]
        self._waiting.extend(logged)
        self._bytes += sum(map(len, logged))
        dropped = 0
        while self._bytes > _MAX_BYTES:
            self._take_first()
            dropped += 1
        self.counts.add_log(dropped=dropped)
        return dropped

    def _take_first(self) -> None:
        self._bytes -= len(self._waiting.popleft())
        self._first += 1

    @property
    def byte_size(self) -> int:
        """Number of bytes that wait to be shipped."""
        return self._bytes

    @property
    def sealed(self) -> bool:
        """Whether a batch is sealed and not yet acknowledged."""
        return self._sealed > self._first

    def waiting(self, max_records: int, max_bytes: int) -> Waiting:
        """Return the first records that wait, as an `Outbox`."""
        with self._lock:
            contents: list[bytes] = []
            size = 0
            stop = self._sealed - self._first if self.sealed else None
            for content in islice(self._waiting, stop):
                if stop is None and (len(contents) == max_records or size >= max_bytes):
                    break
                contents.append(content)
                size += len(content)
            begin, end = self._first, self._first + len(contents)
            return Waiting(contents, Position(0, begin), Position(0, end))

    def seal(self, waiting: Waiting, number: int) -> Waiting:
        """Make the first records a batch, as an `Outbox`."""
        with self._lock:
            begin = Position(0, self._first)
            if begin > waiting.begin:  # the first records were given up since `waiting` returned
                return Waiting([], begin, begin)
            if not self.sealed:
                self._sealed = self._first + min(number, len(waiting.contents))
            return self.waiting(0, 0) if self.sealed else Waiting([], begin, begin)

    def acknowledge(self, batch: Waiting, *, delivered: int, dropped: int) -> None:
        """Advance past a batch and record its outcome, as an `Outbox`."""
        with self._lock:
            if self._first > batch.begin.offset:
                # The first records were given up during the delivery, and counted as dropped.
                delivered, dropped = max(0, batch.end.offset - self._first), 0
            while self._first < batch.end.offset and self._waiting:
                self._take_first()
            self.counts.add_log(delivered=delivered, dropped=dropped)

    def count_retried(self, number: int) -> None:
        """Count records that must be delivered again, as an `Outbox`."""
        with self._lock:
            self.counts.add_log(retried=number)
