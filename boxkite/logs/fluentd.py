"""Sends records to fluentd in the background, from a bounded queue in memory.

What waits in memory is lost with the process.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable

from boxkite.error_reporter import ErrorReporter
from boxkite.logs.forward import ForwardConnection, chunk_id, message, packed_forward
from boxkite.system.lazy_attribute import LazyAttribute

__all__ = ["FluentdSender"]

_MAX_CHUNK_RECORDS = 1000
_MAX_CHUNK_BYTES = 2**20
_LINGER_SECONDS = 0.05  # lets records gather, and does not wake the thread for each
_FIRST_PAUSE_SECONDS = 0.1
_MAX_PAUSE_SECONDS = 10.0
_EXIT_SECONDS = 1.0


class FluentdSender:
    """A queue of events and the thread that sends them, each until it is acknowledged.

    Neither thread nor connection is there before the first event. The thread starts again in a
    forked process, which begins with an empty queue: what waited is the parent's to send.

    Args:
        tag: of all events.
        host: name or address, or `unix://` and the path of a socket.
        port: of TCP.
        timeout: seconds that each of connecting, sending and acknowledging may take.
        max_records: events that may wait; the oldest is dropped for one more.
        max_bytes: likewise.
        on_drop: called with each event that is dropped, in the protocol's Message mode.
    """

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

    def _begin(self) -> None:
        """Set up an empty queue, at first and in a forked process."""
        self.sent = 0
        self.dropped = 0
        self._events: deque[bytes] = deque()
        self._bytes = 0
        self._first = 0  # the number of the event at the head, counted from the beginning
        FluentdSender._changed.forget(self)
        self._closing_until: float | None = None
        self._thread: threading.Thread | None = None
        self._connection = ForwardConnection(self.host, self.port, self.timeout)
        self._reporter = ErrorReporter()

    def begin_in_child(self) -> None:
        """Start anew in a forked process; nothing there may touch the parent's connection."""
        self._connection.close()
        self._begin()

    @property
    def pending(self) -> int:
        """Events that are neither acknowledged nor dropped."""
        return len(self._events)

    def append(self, event: bytes) -> None:
        """Take one event; it never waits for the network, and never raises."""
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
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="boxkite-fluentd", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        """Send chunk after chunk until closed; after a failure wait, twice as long each time."""
        pause = 0.0
        while self._wait(pause):
            first, events = self._head()
            try:
                chunk = chunk_id()
                self._connection.send(packed_forward(self.tag, events, chunk), chunk)
            except Exception as error:  # noqa: BLE001 - a thread that dies sends nothing
                pause = min(pause * 2, _MAX_PAUSE_SECONDS) or _FIRST_PAUSE_SECONDS
                self._reporter.count("log", error, self._state())
            else:
                pause = 0.0
                self._acknowledge(first + len(events))
        self._connection.close()

    def _wait(self, pause: float) -> bool:
        """Wait for events, and for the pause after a failure; return whether to send."""
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
        """Return the events of the next chunk, at least one, and the number of the first."""
        with self._changed:
            events: list[bytes] = []
            size = 0
            for event in self._events:
                size += len(event)
                if events and (size > _MAX_CHUNK_BYTES or len(events) == _MAX_CHUNK_RECORDS):
                    break
                events.append(event)
            return self._first, events

    def _acknowledge(self, end: int) -> None:
        """Remove the events before `end` that were not dropped in the meantime."""
        with self._changed:
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
        """Wait `timeout` seconds at most until no event waits; return whether none does."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._events, timeout)

    def close(self, timeout: float = 5.0) -> None:
        """Send what waits, for `timeout` seconds at most, drop the rest and stop the thread.

        Closing twice does nothing more. An event that comes later is dropped.
        """
        with self._changed:
            if self._closing_until is not None:
                return
            self._closing_until = time.monotonic() + timeout
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout)
        with self._changed:
            lost = [self._take_first() for _ in range(len(self._events))]
            self.dropped += len(lost)
        self._tell_dropped(lost)


_senders: weakref.WeakSet[FluentdSender] = weakref.WeakSet()


def _begin_in_child() -> None:
    for sender in list(_senders):
        sender.begin_in_child()


def _close_at_exit() -> None:
    deadline = time.monotonic() + _EXIT_SECONDS
    for sender in list(_senders):
        sender.close(max(0.0, deadline - time.monotonic()))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_in_child)
atexit.register(_close_at_exit)
