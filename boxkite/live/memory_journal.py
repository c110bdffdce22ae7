"""A journal in memory, for records that no file can take: on a full disk or without a folder."""

from __future__ import annotations

from collections import deque
from itertools import accumulate, islice

from boxkite.baseline import Baseline
from boxkite.live.checkpoint import Checkpoint
from boxkite.live.counts import Counts
from boxkite.live.counts_file import Position, Progress
from boxkite.live.fold import fold_encoded
from boxkite.live.log_context import LogContext
from boxkite.live.outbox import Outbox
from boxkite.live.outcomes.group_join import MemoryJoin
from boxkite.live.record import is_logged
from boxkite.system.lazy_attribute import LazyLock

__all__ = ["MemoryJournal"]

_MAX_BYTES = 32 << 20
_START = Position(0, 0)


class MemoryJournal:
    """Count records in memory, and keep the log records until they are shipped.

    If the waiting log records exceed 32 MiB, the oldest are dropped.

    Args:
        baseline: the baseline whose cells are counted.
        context: fields that all log records share, or None if there is no log.
        lock: held while records are shipped. The caller must hold it for `fold` and the methods
            after it.
        join: joins the records with labels. None if no labels arrive.

    Attributes:
        outbox: ships the log records.
        examples: type of an invalid value by variable, for the variables that had one.
    """

    def __init__(
        self,
        baseline: Baseline,
        context: LogContext | None,
        lock: LazyLock,
        join: MemoryJoin | None = None,
    ) -> None:
        self._baseline = baseline
        self._join = join
        self.examples: dict[int, str] = {}
        # Requests append without a lock, because a signal handler could wait for a lock forever.
        self._appended: deque[bytes] = deque()
        self._log_records = _LogRecords()
        self._zero = Counts.zero(baseline).to_bytes()
        self._checkpoint = Checkpoint(None, self._zero, Progress(_START, _START, _START))
        self.outbox = Outbox(self._log_records, self._checkpoint, context, lock)

    def append(self, record: bytes) -> None:
        """Take one record."""
        self._appended.append(record)

    @property
    def uncounted(self) -> int:
        """Number of records that were appended and are not counted yet."""
        return len(self._appended)

    @property
    def counts(self) -> Counts:
        """Counts of records and log outcomes that no file holds yet."""
        return Counts.from_bytes(self._baseline, self._checkpoint.content)

    def fold(self) -> int:
        """Count the records that were appended. Return the number of log records dropped."""
        # Requests may append during the loop, so take only the records that are there now.
        contents = [self._appended.popleft() for _ in range(len(self._appended))]
        if not contents:
            return 0
        counts = self.counts
        fold_encoded(self._baseline, contents, counts, self.examples)
        if self._join is not None:
            self._join.add(contents)
        self._checkpoint.commit(counts.to_bytes(), self._checkpoint.progress)
        return self.keep_log_records(contents)

    def forget_counts(self) -> None:
        """Start again from zero, because a file holds the counts now."""
        self._checkpoint.commit(self._zero, self._checkpoint.progress)

    def keep_log_records(self, contents: list[bytes]) -> int:
        """Keep the log records among counted records until they are shipped.

        Returns:
            The number of older log records that were dropped to make room.
        """
        if self.outbox.context is None:
            return 0
        self._log_records.append([content for content in contents if is_logged(content)])
        progress = self._checkpoint.progress._replace(folded=self._log_records.end)
        self._checkpoint.commit(self._checkpoint.content, progress)
        excess = self._log_records.byte_size - _MAX_BYTES
        return self.outbox.give_up(self._log_records.position_after(excess)) if excess > 0 else 0


class _LogRecords:
    """Log records in memory, as a `Journal`. A position is the number of records before it."""

    def __init__(self) -> None:
        self._contents: deque[bytes] = deque()
        self._first = 0

    def append(self, contents: list[bytes]) -> None:
        self._contents.extend(contents)

    def position_after(self, size: int) -> Position:
        """Return the position after at least this many bytes of the oldest records."""
        sizes = enumerate(accumulate(map(len, self._contents)), 1)
        return Position(0, self._first + next(number for number, each in sizes if each >= size))

    @property
    def byte_size(self) -> int:
        """Number of bytes of the records."""
        return sum(map(len, self._contents))

    @property
    def end(self) -> Position:
        """Position after the last record."""
        return Position(0, self._first + len(self._contents))

    def read(
        self, position: Position, limit: int, end: Position | None = None
    ) -> tuple[list[bytes], Position]:
        """Return up to `limit` records from a position on, and the position after them."""
        start = position.offset
        stop = min(start + limit, (end or self.end).offset)
        contents = list(islice(self._contents, start - self._first, stop - self._first))
        return contents, Position(0, start + len(contents))

    def release(self, position: Position) -> None:
        """Remove the records before a position."""
        while self._contents and self._first < position.offset:
            self._contents.popleft()
            self._first += 1
