"""Shares one rendering among all scrapes that wait for it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["SharedWork"]

T = TypeVar("T")

_WAIT_SECONDS = 5.0


class _Run(Generic[T]):
    """A run of the work that has been requested but has not begun."""

    def __init__(self) -> None:
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
        self._waiting: dict[Hashable, _Run[T]] = {}
        self._lock = threading.RLock()
        self._turn = threading.RLock()

    def result(self, key: Hashable, work: Callable[[], T]) -> T:
        """Return the result of a run that begins after this call.

        Args:
            key: Identifies the result. Only requests with the same key share a run.
            work: Computes the result, here or in another thread with the same key.
        """
        # In a forked child, another thread of the parent may hold these locks for ever.
        if self._process != os.getpid():
            self._begin_anew()
        with self._lock:
            run = self._waiting.get(key)
            joins = run is not None
            if run is None:
                run = self._waiting[key] = _Run()
        if joins:
            # The other thread may fail. It may even be this one, interrupted by a signal handler.
            run.done.wait(_WAIT_SECONDS)
            return run.results[0] if run.results else work()
        try:
            with self._turn:
                with self._lock:
                    del self._waiting[key]
                run.results.append(work())
                return run.results[0]
        finally:
            run.done.set()
