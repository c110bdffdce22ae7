"""Ships records from the journal to the sink: at least once, in order within a worker."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from boxkite.error_reporter import ErrorReporter
from boxkite.live.counter import Counter
from boxkite.live.inheritance import Inheritance
from boxkite.live.outbox import Outbox, Waiting
from boxkite.logs.batching import cut_by_minute, seconds_until_over
from boxkite.logs.journal_records import Journalled, JournalledRecords, journalled
from boxkite.logs.rejected import RejectedFile
from boxkite.logs.sink import Batch, RejectedError, Sink, TidySink
from boxkite.logs.terms import LogTerms
from boxkite.system.background import Background
from boxkite.system.cooperation import cooperatively
from boxkite.system.lazy_attribute import LazyAttribute

__all__ = ["Shipper"]

_LINGER_SECONDS = 0.05
_FIRST_PAUSE_SECONDS = 0.2
_MAX_PAUSE_SECONDS = 30.0
_FLUSH_PAUSE_SECONDS = 0.25
_ADOPTION_SECONDS = 5.0
_TIDY_SECONDS = 60.0
_MAX_RECORDS = 1000
_MAX_BYTES = 1 << 20
# Of a sink that takes whole minutes; a minute with more bytes is not waited for.
_MAX_MINUTE_RECORDS = 1_000_000
_MAX_MINUTE_BYTES = 16 << 20


class Shipper:
    """The background loop of one process that empties its outbox, and those that the dead left.

    A batch that a sink does not take comes again, after pauses that grow and vary. Records that
    it refuses for good are set aside in a file, and counted as dropped.

    Args:
        counter: whose records are shipped.
        inheritance: what dead workers have left.
        open_sink: makes the sink, here and in each forked process.
        sink: the URL or name of the sink, by which it knows what the dead left for it.
        rejected: keeps what the sink refuses for good.
        reporter: where failures are reported.
        tell_dropped: called with a number of records and the reason.
        max_bytes: of the journal; half of it is not exceeded by waiting for a minute's end.
    """

    _alone = LazyAttribute(lambda: threading.Lock())
    _changed = LazyAttribute(lambda: threading.Condition())

    def __init__(
        self,
        counter: Counter,
        inheritance: Inheritance,
        open_sink: Callable[[], Sink],
        sink: str,
        rejected: RejectedFile,
        reporter: ErrorReporter,
        tell_dropped: Callable[[int, str], object],
        max_bytes: int,
    ) -> None:
        self._counter = counter
        self._inheritance = inheritance
        self._open_sink = open_sink
        self._sink_url = sink
        self._rejected = rejected
        self._reporter = reporter
        self._tell_dropped = tell_dropped
        self._max_minute_bytes = min(_MAX_MINUTE_BYTES, max_bytes // 2)
        self.begin()

    def begin(self) -> None:
        """Start anew, at first and in a forked process: no thread or connection of the parent's."""
        self._opened: Sink | None = None
        self._background = Background(self._run, _LINGER_SECONDS)
        Shipper._alone.forget(self)
        Shipper._changed.forget(self)
        self._flushes = 0
        self._flushed = 0
        self._pause = 0.0
        self._retry_at = 0.0
        self._adopt_at = 0.0
        self._tidy_at = 0.0

    def ask(self, dropped: int = 0) -> None:
        """Have what waits be shipped soon.

        Args:
            dropped: records that the journal had to give up meanwhile.
        """
        if dropped:
            self._tell_dropped(dropped, "the journal is full")
        self._background.ask()

    def flush(self, timeout: float) -> bool:
        """Ship what waits now, minutes that are not over too.

        Returns:
            True once all of it is delivered or dropped; False if it is not within `timeout`
            seconds.
        """
        with self._changed:
            self._flushes += 1
            wanted = self._flushes
        self._retry_at = 0.0
        self._counter.fold()
        self._background.ask()
        if not self._background.is_running:  # the program ends, or the shipper was closed
            self._run_aside()
        with self._changed:
            done = self._changed.wait_for(lambda: self._flushed >= wanted, timeout)
            self._flushed = max(self._flushed, wanted)
        return done

    def _run_aside(self) -> None:
        """Run once in a thread of its own, as a sink may hang."""
        try:
            threading.Thread(target=self._run, name="boxkite", daemon=True).start()
        except RuntimeError:  # none can be started once the program ends
            self._run()

    def close(self, timeout: float) -> None:
        """Ship what can be shipped within `timeout` seconds, and stop the thread."""
        deadline = time.monotonic() + timeout
        self.flush(timeout)
        self._background.stop(max(0.0, deadline - time.monotonic()))
        if self._opened is not None and self._alone.acquire(blocking=False):
            try:
                self._opened.close()
            except Exception as error:  # noqa: BLE001 - a sink is any code of the user's
                self._reporter.count("log", error)
            finally:
                self._alone.release()

    @property
    def _sink(self) -> Sink:
        if self._opened is None:
            self._opened = self._open_sink()
        return self._opened

    def _run(self) -> float | None:
        """Ship what is due; returns in how many seconds there is more to do, None for not known."""
        with self._alone:
            wanted = self._flushes
            flushing = wanted > self._flushed
            try:
                wait = self._retry_at - time.monotonic()
                if wait > 0 and not flushing:
                    return wait
                return self._ship_all(flushing, wanted)
            except Exception as error:  # noqa: BLE001 - the thread outlives any failure
                self._reporter.count("log", error)
            except BaseException as error:  # noqa: BLE001 - as the panic of a library in Rust
                self._reporter.count("log", RuntimeError(repr(error)))
            return self._back_off(flushing)

    def _ship_all(self, flushing: bool, wanted: int) -> float | None:
        waits = [self._ship(outbox, flushing) for outbox in self._counter.outboxes()]
        if time.monotonic() >= self._adopt_at:
            # Closed at once on a failure too: what it holds a lock on could not be given up.
            with contextlib.closing(self._inheritance.claim(self._is_ours)) as inherited:
                for left in inherited:
                    self._ship(left, everything=True)
            self._adopt_at = time.monotonic() + _ADOPTION_SECONDS
        self._pause = 0.0
        if isinstance(self._sink, TidySink) and time.monotonic() >= self._tidy_at:
            self._sink.tidy()
            self._tidy_at = time.monotonic() + _TIDY_SECONDS
        with self._changed:
            self._flushed = max(self._flushed, wanted)
            self._changed.notify_all()
        waits.append(self._adopt_at - time.monotonic())
        return min(max(0.0, wait) for wait in waits if wait is not None)

    def _is_ours(self, terms: bytes) -> bool:
        try:
            return _terms(terms).sink == self._sink_url
        except msgspec.MsgspecError:  # damaged by a loss of power, or of another format
            return False

    def _back_off(self, flushing: bool) -> float:
        """Return how long to wait after a failure: longer each time, and not all at once."""
        longer = min(self._pause * 2, _MAX_PAUSE_SECONDS) or _FIRST_PAUSE_SECONDS
        self._pause = min(longer, _FLUSH_PAUSE_SECONDS) if flushing else longer
        pause = self._pause * random.uniform(0.5, 1.0)
        self._retry_at = time.monotonic() + pause
        self._give_up_inherited()
        return pause

    def _give_up_inherited(self) -> None:
        try:
            dropped = self._inheritance.give_up_oldest()
        except Exception as error:  # noqa: BLE001 - as a full disk; the next failure tries again
            self._reporter.count("log", error)
            return
        if dropped:
            self._tell_dropped(dropped, "dead workers left more than the journal may hold")

    def _ship(self, outbox: Outbox, everything: bool) -> float | None:
        """Deliver batch after batch; returns in how many seconds the next is due, None if none
        waits.

        Raises:
            Exception: what the sink raised.
        """
        terms = _terms(outbox.terms)
        while True:
            wait = 0.0 if everything else self._seconds_until_due(outbox)
            if wait > 0:
                return wait
            waiting = outbox.waiting(*self._limits)
            if not waiting.contents:
                return None
            records = [journalled(content) for content in cooperatively(waiting.contents)]
            number = len(records)
            if self._sink.whole_minutes and not outbox.sealed:
                number = cut_by_minute([_minute(each) for each in records]).number
            batch = outbox.seal(waiting, number)
            sealed = records[: len(batch.contents)]
            logged = JournalledRecords(terms, [each for each in sealed if each])
            self._deliver(outbox, batch, logged)

    @property
    def _limits(self) -> tuple[int, int]:
        if self._sink.whole_minutes:
            return _MAX_MINUTE_RECORDS, _MAX_MINUTE_BYTES
        return _MAX_RECORDS, _MAX_BYTES

    def _seconds_until_due(self, outbox: Outbox) -> float:
        """Return how long the first batch still gathers, for a sink that takes whole minutes."""
        large = outbox.byte_size > self._max_minute_bytes
        if not self._sink.whole_minutes or outbox.sealed or large:
            return 0.0
        first = outbox.waiting(1, 1).contents
        record = journalled(first[0]) if first else None
        cut = cut_by_minute([_minute(record)])
        return seconds_until_over(cut.minute, datetime.now(UTC)) if cut.minute else 0.0

    def _deliver(self, outbox: Outbox, batch: Waiting, records: JournalledRecords) -> None:
        dropped = 0
        try:
            if records:
                self._sink.deliver(Batch(records.terms, records))
        except RejectedError as error:
            reasons = error.reasons
            refused = [(each, reasons[i]) for i, each in enumerate(records) if i in reasons]
            dropped = len(refused)
            self._reporter.count("log", error)
            self._rejected.append(refused)
            self._tell_dropped(dropped, str(error))
        except BaseException:
            outbox.count_retried(len(records))
            raise
        outbox.acknowledge(batch, delivered=len(records) - dropped, dropped=dropped)


def _terms(content: bytes) -> LogTerms:
    return msgspec.json.decode(content, type=LogTerms)


def _minute(record: Journalled | None) -> str | None:
    return record.minute if record is not None else None
