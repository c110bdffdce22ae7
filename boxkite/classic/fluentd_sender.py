"""Sends records to fluentd in the background, from a bounded queue in memory.

Records that wait in the queue are lost if the process is killed. A `Monitor` sends from its journal
instead, with `FluentdSink`.
"""

from __future__ import annotations

import atexit
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable

from boxkite.error_reporter import ErrorReporter
from boxkite.logs.forward import ForwardConnection, chunk_id, message, packed_forward
from boxkite.system.backoff import Backoff
from boxkite.system.forks import call_after_fork
from boxkite.system.lazy_attribute import LazyAttribute

__all__ = ["FluentdSender"]

_MAX_CHUNK_RECORDS = 1000
_MAX_CHUNK_BYTES = 2**20
# The thread waits this long so that records can gather, instead of sending each one separately.
_LINGER_SECONDS = 0.05
_FIRST_PAUSE_SECONDS = 0.1
_MAX_PAUSE_SECONDS = 10.0
_EXIT_SECONDS = 1.0


class FluentdSender:
    """A queue of events, and a thread that sends each event until fluentd acknowledges it.

    The first event starts the thread, which opens the connection. A forked process begins with an
    empty queue and starts a thread of its own. The parent sends the events that waited.

    Args:
        tag: tag of all events.
        host: host name or address, or `unix://` and the path of a socket.
        port: TCP port.
        timeout: seconds allowed for each step: connecting, sending and acknowledging.
        max_records: the most events that may wait. If there are more, the oldest is dropped.
        max_bytes: the most bytes that may wait. If there are more, the oldest are dropped.
        on_drop: called with each dropped event, in the protocol's Message mode.

    Attributes:
        sent: number of events that fluentd acknowledged.
        dropped: number of events that were dropped.
    """

    # Guards the queue, and wakes the thread or those who wait for it. The lambda looks the class up
    # when it is needed, because gevent may have replaced it since this module was imported.
    _changed = LazyAttribute(lambda: threading.Condition())

    def __init__(
        self,
        tag: str,
        host: str,
        port: int,
        *,
        timeout: float = 3.0,
        max_records: int = 10_000,
        max_bytes: int = 32 * 2**20,
        on_drop: Callable[[bytes], object] | None = None,
    ) -> None:
        self.tag = tag
        self.host = host
        self.port = port
        self.timeout = timeout
        self.max_records = max_records
        self.max_bytes = max_bytes
        self._on_drop = on_drop
        self._begin()
        _senders.add(self)
        call_after_fork(self)

    def _begin(self) -> None:
        """Set up an empty queue, at first and in a forked process."""
        self.sent = 0
        self.dropped = 0
        self._events: deque[bytes] = deque()
        self._bytes = 0
        # Number of the event at the head of the queue, counted from the first event of all.
        self._first = 0
        FluentdSender._changed.forget(self)
        self._closing_until: float | None = None
        self._thread: threading.Thread | None = None
        self._connection = ForwardConnection(self.host, self.port, self.timeout)
        self._reporter = ErrorReporter()

    def after_fork(self) -> None:
        """Start with an empty queue in a forked process.

        The child closes its copy of the connection, so that it cannot write into the parent's
        stream.
        """
        self._connection.close()
        self._begin()

    @property
    def pending(self) -> int:
        """Number of events that are neither acknowledged nor dropped."""
        return len(self._events)

    def append(self, event: bytes) -> None:
        """Add one event to the queue. This never waits for the network and never raises."""
        # The overflow handler is the user's code, so it is called after the lock is released.
        lost: list[bytes] = []
        with self._changed:
            if self._closing_until is not None or len(event) > self.max_bytes:
                lost.append(event)
            else:
                self._events.append(event)
                self._bytes += len(event)
                while len(self._events) > self.max_records or self._bytes > self.max_bytes:
                    lost.append(self._take_first())
                self._start()
                if len(self._events) == 1:
                    self._changed.notify_all()
            self.dropped += len(lost)
        self._tell_dropped(lost)

    def _take_first(self) -> bytes:
        event = self._events.popleft()
        self._bytes -= len(event)
        self._first += 1
        return event

    def _start(self) -> None:
        # The caller holds the lock, so two events cannot start two threads.
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="boxkite-fluentd", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        """Send chunk after chunk until closed. Each failure in a row doubles the pause."""
        pause, backoff = 0.0, Backoff(_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS)
        while self._wait(pause):
            first, events = self._head()
            try:
                chunk = chunk_id()
                self._connection.send(packed_forward(self.tag, events, chunk), chunk)
            except Exception as error:  # noqa: BLE001 - the thread must survive any failure
                pause = backoff.next_pause()
                self._reporter.count("log", error, self._state())
            else:
                pause = 0.0
                backoff.reset()
                self._acknowledge(first + len(events))
        self._connection.close()

    def _wait(self, pause: float) -> bool:
        """Wait for events, and after a failure for the pause. Return whether to send."""
        with self._changed:
            self._changed.wait_for(lambda: self._events or self._closing_until is not None)
            if self._closing_until is None:
                self._changed.wait_for(
                    lambda: self._closing_until is not None, pause or _LINGER_SECONDS
                )
            elif pause:
                self._changed.wait(_FIRST_PAUSE_SECONDS)
            late = self._closing_until is not None and time.monotonic() >= self._closing_until
            return bool(self._events) and not late

    def _head(self) -> tuple[int, list[bytes]]:
        """Return the number of the first event in the queue, and the events of the next chunk.

        They stay in the queue until fluentd acknowledges them.
        """
        with self._changed:
            events: list[bytes] = []
            size = 0
            for event in self._events:
                size += len(event)
                # One event is always sent, even if it alone exceeds the size of a chunk.
                if events and (size > _MAX_CHUNK_BYTES or len(events) == _MAX_CHUNK_RECORDS):
                    break
                events.append(event)
            return self._first, events

    def _acknowledge(self, end: int) -> None:
        """Remove the events before number `end` from the queue."""
        with self._changed:
            # The chunk was sent without the lock, so some of its events may be dropped already.
            while self._events and self._first < end:
                self._take_first()
                self.sent += 1
            self._changed.notify_all()

    def _tell_dropped(self, events: list[bytes]) -> None:
        for event in events:
            self._reporter.count("log", BufferError("an event was dropped"), self._state())
            if self._on_drop is not None:
                try:
                    self._on_drop(message(self.tag, event))
                except Exception as error:  # noqa: BLE001 - the handler is the user's code
                    self._reporter.count("log", error, "overflow handler")

    def _state(self) -> str:
        return (
            f"fluentd at {self.host}:{self.port}, {self.sent} events sent, {self.pending} waiting, "
            f"{self.dropped} dropped"
        )

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait up to `timeout` seconds until the queue is empty, and return whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._events, timeout)

    def close(self, timeout: float = 5.0) -> None:
        """Send waiting events for `timeout` seconds at most, drop the others and stop the thread.

        Closing again does nothing. Events that come later are dropped.
        """
        with self._changed:
            if self._closing_until is not None:
                return
            self._closing_until = time.monotonic() + timeout
            self._changed.notify_all()
        # The thread needs the lock to finish, so wait for it without holding the lock.
        if self._thread is not None:
            self._thread.join(timeout)
        with self._changed:
            lost = [self._take_first() for _ in range(len(self._events))]
            self.dropped += len(lost)
        self._tell_dropped(lost)


# Weak references, so that a sender that is no longer used can be freed.
_senders: weakref.WeakSet[FluentdSender] = weakref.WeakSet()


def _close_at_exit() -> None:
    deadline = time.monotonic() + _EXIT_SECONDS
    for sender in list(_senders):
        sender.close(max(0.0, deadline - time.monotonic()))


atexit.register(_close_at_exit)
