"""The log records that wait to be shipped, whether their worker is alive, dead, or in memory."""

from __future__ import annotations

import contextlib
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple, Protocol

from boxkite.live.checkpoint import Checkpoint
from boxkite.live.counts import with_log_outcomes
from boxkite.live.counts_file import Position, Progress
from boxkite.live.journal_slice import JournalSlice, Piece, RecordsGoneError
from boxkite.live.log_context import LogContext
from boxkite.live.record import is_logged
from boxkite.system.lazy_attribute import LazyLock

__all__ = ["Journal", "Outbox", "Waiting"]

_READ_AT_ONCE = 512


class Waiting(NamedTuple):
    """Consecutive records of an outbox.

    Attributes:
        contents: the encoded records. They are read from the journal when they are used.
        begin: position of the first record.
        end: position after the last record.
    """

    contents: JournalSlice
    begin: Position
    end: Position


class Journal(Protocol):
    """Records of one worker: mapped by it, read from its files by another process, or in memory."""

    @property
    def byte_size(self) -> int:
        """Number of bytes that the journal takes."""
        ...

    @property
    def end(self) -> Position:
        """Position after the last record."""
        ...

    def read(
        self, position: Position, limit: int, end: Position | None = None
    ) -> tuple[list[bytes], Position]:
        """Return up to `limit` records from a position on, and the position after them."""
        ...

    def release(self, position: Position, /) -> None:
        """Allow the records before a position to be removed."""


class Outbox:
    """The log records of one worker, in the order in which it took them. They leave batch by batch.

    A batch goes through three steps: `waiting` shows records, `seal` fixes the bounds of a batch,
    and `acknowledge` removes it after its delivery. Each step is committed together with the
    worker's counts.

    Once a batch is sealed, its bounds stay the same until it is acknowledged, even across a crash.
    So a sink that gets a batch again gets the same records and can recognise them. The only
    exceptions are the oldest records, which may be given up to make room. They never come back.

    Args:
        journal: the worker's journal.
        checkpoint: the worker's counts and progress.
        context: fields that all records share, or None if they are not logged.
        lock: held during each step, because the worker changes the checkpoint as well.
    """

    def __init__(
        self,
        journal: Journal,
        checkpoint: Checkpoint,
        context: LogContext | None,
        lock: LazyLock,
    ) -> None:
        self.context = context
        self._journal = journal
        self._checkpoint = checkpoint
        self._lock = lock

    @property
    def _end(self) -> Position | None:
        """End of the records that may be shipped; None is the end of the journal.

        A living worker ships only counted records, so that no log record is delivered before it is
        counted as accepted.
        """
        return self._checkpoint.progress.folded

    @property
    def byte_size(self) -> int:
        """Upper bound of the bytes that wait."""
        return self._journal.byte_size

    @property
    def sealed(self) -> bool:
        """Whether a batch is sealed and not yet acknowledged."""
        return self._checkpoint.sealed

    def waiting(self, max_records: int, max_bytes: int) -> Waiting:
        """Return the first records that wait, or exactly the sealed batch if there is one.

        Args:
            max_records: the most records to return.
            max_bytes: the most bytes to return, exceeded by one record at most.
        """
        with self._lock:
            begin = place = self._checkpoint.progress.shipped
            sealed = self._checkpoint.sealed
            end = self._checkpoint.progress.sealed if sealed else self._end
            pieces: list[Piece] = []
            number = size = 0
            while sealed or (number < max_records and size < max_bytes):
                limit = _READ_AT_ONCE if sealed else min(_READ_AT_ONCE, max_records - number)
                start = place
                part, place = self._journal.read(start, limit, end)
                if not part:
                    break
                # Records may be large, so a batch may also end within a part.
                sizes = list(accumulate(map(len, part), initial=size))
                size = sizes[-1]
                if not sealed and sizes[-2] >= max_bytes:
                    part = part[: bisect_left(sizes, max_bytes)]
                    place = self._place_after(start, len(part))
                pieces.append(Piece(start, len(part)))
                number += len(part)
            return Waiting(JournalSlice(self, pieces), begin, place)

    def read_piece(self, piece: Piece) -> list[bytes]:
        """Return some of the records that wait.

        Raises:
            RecordsGoneError: if they do not wait any more, or cannot be read.
        """
        with self._lock:
            if piece.begin < self._checkpoint.progress.shipped:
                raise RecordsGoneError("These records were delivered or given up.")
            try:
                contents, _ = self._journal.read(piece.begin, piece.number)
            except OSError as error:
                raise RecordsGoneError(f"Cannot read the journal: {error}") from error
            if len(contents) < piece.number:
                raise RecordsGoneError("These records were damaged or removed.")
            return contents

    def seal(self, waiting: Waiting, number: int) -> Waiting:
        """Make the first records a batch, and return it.

        Args:
            waiting: the result of `waiting`.
            number: number of records in the batch. Ignored if a batch is sealed already.

        Returns:
            The batch. It is empty if some of its records were given up since `waiting` returned.
        """
        with self._lock:
            progress, sealed = self._checkpoint.progress, self._checkpoint.sealed
            if progress.shipped > waiting.begin:
                # The first records were given up since `waiting` was called.
                return Waiting(JournalSlice(self, []), progress.shipped, progress.shipped)
            if sealed:  # a sealed batch keeps its bounds and ignores `number`
                return self.waiting(0, 0)
            contents = waiting.contents.first(number)
            place = waiting.begin
            if contents.pieces:
                last = contents.pieces[-1]
                place = self._place_after(last.begin, last.number)
            self._checkpoint.commit(self._checkpoint.content, progress._replace(sealed=place))
            return Waiting(contents, waiting.begin, place)

    def _place_after(self, begin: Position, number: int) -> Position:
        place = begin
        while number:
            part, place = self._journal.read(place, number)
            if not part:
                break
            number -= len(part)
        return place

    def acknowledge(self, batch: Waiting, *, delivered: int, dropped: int) -> None:
        """Advance past a batch and record its outcome.

        Args:
            batch: the result of `seal`.
            delivered: number of its log records that were delivered.
            dropped: number of its log records that will never be delivered.
        """
        with self._lock:
            progress = self._checkpoint.progress
            if progress.shipped > batch.begin:
                # The first records were given up during the delivery, and counted as dropped.
                delivered, dropped = self.logged(batch.end), 0
            # Neither position may move back. Otherwise an empty or stale batch would unseal the
            # batch that is being delivered, and the next batch would have other bounds and repeat
            # records.
            end = max(progress.shipped, batch.end)
            progress = progress._replace(shipped=end, sealed=max(end, progress.sealed))
            self._commit(progress, delivered=delivered, dropped=dropped)

    def count_retried(self, number: int) -> None:
        """Count records that must be delivered again."""
        with self._lock:
            # Commit at once, so that a scrape of another worker shows these records too.
            self._commit(self._checkpoint.progress, retried=number)

    def logged(self, end: Position | None = None) -> int:
        """Return the number of log records that wait before a position, or of all that wait."""
        return sum(map(is_logged, self._contents(end)))

    def give_up(self, end: Position | None = None) -> int:
        """Drop the log records before a position, or all of them.

        Returns:
            The number of log records that were dropped. Their predictions stay counted.
        """
        with self._lock:
            end = end or self._journal.end
            dropped = self.logged(end)
            progress = self._checkpoint.progress
            progress = progress._replace(shipped=end, sealed=max(end, progress.sealed))
            self._commit(progress, dropped=dropped)
            return dropped

    def unshipped(self) -> list[bytes]:
        """Return all counted records that are not shipped."""
        return list(self._contents(self._end))

    def _contents(self, end: Position | None) -> Iterator[bytes]:
        place = self._checkpoint.progress.shipped
        while end is None or place < end:
            part, place = self._journal.read(place, _READ_AT_ONCE, end)
            if not part:
                return
            yield from part

    def _commit(self, progress: Progress, **outcomes: int) -> None:
        self._checkpoint.commit(with_log_outcomes(self._checkpoint.content, **outcomes), progress)
        # If a segment cannot be removed now, the next commit tries again.
        with contextlib.suppress(OSError):
            self._journal.release(min(progress.folded, progress.shipped))
