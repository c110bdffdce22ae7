"""Ship records from the journal to the sink: at least once, and in order per worker."""

from __future__ import annotations

import atexit
import contextlib
import threading
import time
import weakref
from collections.abc import Iterator
from datetime import UTC, datetime

from boxkite.error_reporter import ErrorReporter
from boxkite.live.durable_counts import DurableCounts
from boxkite.live.journal_slice import JournalSlice, RecordsGoneError
from boxkite.live.log_context import LogContext
from boxkite.live.orphan_recovery import OrphanRecovery
from boxkite.live.outbox import Outbox, Waiting
from boxkite.logs.batching import cut_by_period, seconds_until_over
from boxkite.logs.journal_records import JournalRecords, minute_of_logged
from boxkite.logs.partition import period_of
from boxkite.logs.prediction_log import PredictionLog
from boxkite.logs.rejected import RejectedFile
from boxkite.logs.sink import Batch, RejectedError, Sink, TidySink
from boxkite.signals import EventSender
from boxkite.system.background import Background
from boxkite.system.backoff import Backoff
from boxkite.system.cooperation import cooperatively
from boxkite.system.forks import call_after_fork
from boxkite.system.lazy_attribute import LazyAttribute

__all__ = ["Shipper"]

_DELAY_SECONDS = 0.05
_FIRST_PAUSE_SECONDS = 0.2
_MAX_PAUSE_SECONDS = 30.0
_FLUSH_PAUSE_SECONDS = 0.25
_RECOVERY_SECONDS = 5.0
_TIDY_SECONDS = 60.0
_EXIT_SECONDS = 2.0
_MAX_RECORDS = 1000
_MAX_BYTES = 1 << 20
# Limit for a sink that takes whole minutes. A minute with more bytes is split.
_MAX_MINUTE_RECORDS = 1_000_000
_MAX_MINUTE_BYTES = 16 << 20


class Shipper:
    """Empty the outboxes of this process and of dead workers in a background thread.

    If the sink fails, the same batch is delivered again after a pause. The pauses grow. Records
    that the sink rejects for good are written to a file and counted as dropped.

    Args:
        log: sink and context of the log.
        counts: hold the outboxes of this process.
        recovery: finds the outboxes of dead workers.
        rejected: keeps the records that the sink rejects.
        events: sends the signal `log_dropped`.
        reporter: reports failures.
        max_bytes: the most bytes of the journal. A batch is due at half of it, even if its minute
            is not over.
    """

    # This lock lets only one thread deliver at a time: the background thread, or a flush at the
    # program's end.
    _delivering = LazyAttribute(lambda: threading.Lock())
    _changed = LazyAttribute(lambda: threading.Condition())

    def __init__(
        self,
        log: PredictionLog,
        counts: DurableCounts,
        recovery: OrphanRecovery,
        rejected: RejectedFile,
        events: EventSender,
        reporter: ErrorReporter,
        max_bytes: int,
    ) -> None:
        self._log = log
        self._counts = counts
        self._recovery = recovery
        self._rejected = rejected
        self._events = events
        self._reporter = reporter
        self._max_minute_bytes = min(_MAX_MINUTE_BYTES, max_bytes // 2)
        self._begin()
        call_after_fork(self)
        _close_at_exit(self)

    def _begin(self) -> None:
        """Start without a thread, a connection or a lock of another process."""
        self._opened: Sink | None = self._log.opener.opened
        self._background = Background(self, _DELAY_SECONDS)
        Shipper._delivering.forget(self)
        Shipper._changed.forget(self)
        self._flushes = 0
        self._flushed = 0
        self._backoff = Backoff(_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS)
        self._retry_at = 0.0
        self._recover_at = 0.0
        self._tidy_at = 0.0

    def after_fork(self) -> None:
        """In a forked process, leave thread and connections to the parent."""
        self._begin()

    def ask(self) -> None:
        """Ship the waiting records soon, in the background."""
        self._background.ask()

    def folded(self) -> None:
        """Ship the counted records, and report records that the journal had to give up."""
        self._report_dropped()
        self._background.ask()

    def _report_dropped(self) -> None:
        dropped = self._counts.take_dropped()
        if dropped:
            self._events.log_dropped(dropped, "the journal is full")

    def flush(self, timeout: float) -> bool:
        """Ship everything that waits now, including minutes that are not over.

        Returns:
            True once all of it is delivered or dropped. False if that takes longer than `timeout`
            seconds.
        """
        # Each flush has a number. A run in the background notes the last flush that it served.
        with self._changed:
            self._flushes += 1
            wanted = self._flushes
        # Do not wait for the end of a pause after an earlier failure.
        self._retry_at = 0.0
        self._counts.fold()
        self.folded()
        if not self._background.is_running:  # the shipper was closed, or the program ends
            self._run_aside()
        with self._changed:
            done = self._changed.wait_for(lambda: self._flushed >= wanted, timeout)
            # After the timeout, give this flush up, so that later runs keep to the pauses again.
            self._flushed = max(self._flushed, wanted)
        return done

    def _run_aside(self) -> None:
        """Run once in a thread of its own, because the sink may hang longer than the timeout."""
        try:
            thread = threading.Thread(target=self.run_in_background, name="boxkite", daemon=True)
            thread.start()
        except RuntimeError:  # no thread can start once the program ends
            self.run_in_background()

    def close(self, timeout: float) -> None:
        """Ship as many records as possible within `timeout` seconds, and stop the thread."""
        if not self._counts.is_reader:  # a command that only reads must not become a worker
            deadline = time.monotonic() + timeout
            self.flush(timeout)
            self._background.stop(max(0.0, deadline - time.monotonic()))
        if self._opened is not None and self._delivering.acquire(blocking=False):
            try:
                self._opened.close()
            except Exception as error:  # noqa: BLE001 - a sink is any code of the user's
                self._reporter.count("log", error)
            finally:
                self._delivering.release()

    @property
    def _sink(self) -> Sink:
        if self._opened is None:
            self._opened = self._log.opener.open()
        return self._opened

    def run_in_background(self) -> float | None:
        """Ship the records that are due, and return the seconds until more are."""
        with self._delivering:
            wanted = self._flushes
            flushing = wanted > self._flushed
            try:
                wait = self._retry_at - time.monotonic()
                if wait > 0 and not flushing:
                    return wait
                return self._ship_all(flushing, wanted)
            except Exception as error:  # noqa: BLE001 - the thread must survive any failure
                self._reporter.count("log", error)
            except BaseException as error:  # noqa: BLE001 - for example a panic of a Rust library
                self._reporter.count("log", RuntimeError(repr(error)))
            return self._back_off(flushing)

    def _ship_all(self, flushing: bool, wanted: int) -> float | None:
        waits = [self._ship(outbox, flushing) for outbox in self._counts.outboxes()]
        if time.monotonic() >= self._recover_at:
            # Close the generator even after a failure. It holds the lock of an orphan, and a locked
            # orphan could not be given up.
            with contextlib.closing(self._recovery.claim(self._log.context.sink)) as orphans:
                for orphan in orphans:
                    self._ship(orphan, everything=True)
            self._recover_at = time.monotonic() + _RECOVERY_SECONDS
        self._backoff.reset()
        if isinstance(self._sink, TidySink) and time.monotonic() >= self._tidy_at:
            self._sink.tidy()
            self._tidy_at = time.monotonic() + _TIDY_SECONDS
        with self._changed:
            self._flushed = max(self._flushed, wanted)
            self._changed.notify_all()
        waits.append(self._recover_at - time.monotonic())
        return min(max(0.0, wait) for wait in waits if wait is not None)

    def _back_off(self, flushing: bool) -> float:
        """Return how many seconds to wait after a failure."""
        pause = self._backoff.next_pause(_FLUSH_PAUSE_SECONDS if flushing else None)
        self._retry_at = time.monotonic() + pause
        try:
            dropped = self._recovery.give_up_oldest()
        except Exception as error:  # noqa: BLE001 - a full disk, for example; tried again later
            self._reporter.count("log", error)
            return pause
        if dropped:
            reason = "dead workers left more than the journal may hold"
            self._events.log_dropped(dropped, reason)
        return pause

    def _ship(self, outbox: Outbox, everything: bool) -> float | None:
        """Deliver the batches of an outbox that are due.

        Args:
            outbox: the outbox.
            everything: deliver minutes that are not over as well.

        Returns:
            Seconds until the next batch is due, or None if nothing waits.

        Raises:
            Exception: whatever the sink raises.
        """
        if outbox.context is None:
            return None
        while True:
            # If the journal gives up records of a batch, they are counted as dropped. Go on with
            # the records after them.
            with contextlib.suppress(RecordsGoneError):
                wait = 0.0 if everything else self._seconds_until_due(outbox)
                if wait > 0:
                    return wait
                waiting = outbox.waiting(*self._limits)
                if not waiting.contents:
                    return None
                self._ship_batch(outbox, outbox.context, waiting)

    def _ship_batch(self, outbox: Outbox, context: LogContext, waiting: Waiting) -> None:
        number = len(waiting.contents)
        # Deliver a sealed batch unchanged, because the sink may have stored it already.
        if self._sink.whole_minutes and not outbox.sealed:
            number = cut_by_period(self._periods(waiting.contents)).number
        batch = outbox.seal(waiting, number)
        self._deliver(outbox, batch, JournalRecords(context, batch.contents))

    @property
    def _limits(self) -> tuple[int, int]:
        """The most records and bytes of a batch."""
        if self._sink.whole_minutes:
            return _MAX_MINUTE_RECORDS, _MAX_MINUTE_BYTES
        return _MAX_RECORDS, _MAX_BYTES

    def _seconds_until_due(self, outbox: Outbox) -> float:
        """Return how long the first batch waits for the end of its period."""
        large = outbox.byte_size > self._max_minute_bytes
        if not self._sink.whole_minutes or outbox.sealed or large:
            return 0.0
        first = next(self._periods(outbox.waiting(1, 1).contents), None)
        if first is None:
            return 0.0
        return seconds_until_over(first, datetime.now(UTC), self._sink.whole_minutes)

    def _periods(self, contents: JournalSlice) -> Iterator[str | None]:
        """Yield the first minute of each record's period; None if the record is not logged."""
        for content in cooperatively(contents):
            minute = minute_of_logged(content)
            yield minute and period_of(minute, self._sink.whole_minutes)

    def _deliver(self, outbox: Outbox, batch: Waiting, records: JournalRecords) -> None:
        dropped = 0
        try:
            if records:
                self._sink.deliver(Batch(records.context, records))
        except RejectedError as error:
            reasons = error.reasons
            rejected = [(each, reasons[i]) for i, each in enumerate(records) if i in reasons]
            dropped = len(rejected)
            self._reporter.count("log", error)
            self._rejected.append(rejected)
            self._events.log_dropped(dropped, str(error))
        except RecordsGoneError:
            raise  # the sink did not fail, and some of the records do not come again
        except BaseException:
            outbox.count_retried(len(records))
            raise
        # Acknowledge the batch only now. If the process dies before this line, the same batch is
        # delivered again.
        outbox.acknowledge(batch, delivered=len(records) - dropped, dropped=dropped)


_shippers: weakref.WeakSet[Shipper] = weakref.WeakSet()


def _close_at_exit(shipper: Shipper) -> None:
    _shippers.add(shipper)
    # Exit handlers run in reverse order. Each shipper registers this handler again, so that it is
    # the last one and runs before the handler that removes this run's folder.
    atexit.unregister(_close_all)
    atexit.register(_close_all)


def _close_all() -> None:
    deadline = time.monotonic() + _EXIT_SECONDS
    for shipper in list(_shippers):
        shipper.close(max(0.0, deadline - time.monotonic()))
