"""Shares one rendering among all requests that wait for it."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["Run", "SharedWork"]

T = TypeVar("T")

_WAIT_SECONDS = 5.0


class Run(Generic[T]):
    """A run of the work. Its users hold it, and nothing else does.

    Attributes:
        key: Identifies the result.
        taken: Whether a thread runs it, or will.
        done: Set at its end.
        results: The result; empty until then, and after a failure.
    """

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self.taken = False
        self.done = threading.Event()
        self.results: list[T] = []


class SharedWork(Generic[T]):
    """Does work once for all threads that request it before it begins.

    Threads that arrive during a run wait for the next run and share its result. So a result is
    never older than the request for it.
    """

    def __init__(self) -> None:
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._process = os.getpid()
        # A run that nobody waits for any more disappears, so clients cannot fill the memory.
        self._waiting: weakref.WeakValueDictionary[Hashable, Run[T]] = weakref.WeakValueDictionary()
        self._lock = threading.RLock()
        self._turn = threading.RLock()

    def result(self, key: Hashable, work: Callable[[], T]) -> T:
        """Return the result of a run that begins after this call.

        Args:
            key: Identifies the result. Only requests with the same key share a run.
            work: Computes the result, here or in another thread with the same key.
        """
        return self.finish(self.join(key), work)

    def join(self, key: Hashable) -> Run[T]:
        """Return a run that has not begun, at once. Pass it to `finish`.

        A request that must queue for a thread joins first, so that it shares a run that begins
        while it queues.
        """
        # In a forked child, another thread of the parent may hold these locks for ever.
        if self._process != os.getpid():
            self._begin_anew()
        with self._lock:
            run = self._waiting.get(key)
            if run is None:
                run = self._waiting[key] = Run(key)
            return run

    def finish(self, run: Run[T], work: Callable[[], T]) -> T:
        """Return the result of a run: do the work, or wait for the thread that does it."""
        with self._lock:
            joins, run.taken = run.taken, True
        if joins:
            # The other thread may fail. It may even be this one, interrupted by a signal handler.
            run.done.wait(_WAIT_SECONDS)
            return run.results[0] if run.results else work()
        try:
            with self._turn:
                with self._lock:
                    if self._waiting.get(run.key) is run:
                        del self._waiting[run.key]
                run.results.append(work())
                return run.results[0]
        finally:
            run.done.set()
