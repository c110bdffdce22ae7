"""One rendering for all scrapes that wait for it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["SharedWork"]

T = TypeVar("T")

_WAIT_SECONDS = 5.0


class _Run(Generic[T]):
    """Work that has been asked for and has not begun."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.results: list[T] = []


class SharedWork(Generic[T]):
    """Does work once for all who ask for it before it begins.

    While one run goes on, those who come wait and share the next: its result is never older than
    their question.
    """

    def __init__(self) -> None:
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._process = os.getpid()
        self._waiting: dict[Hashable, _Run[T]] = {}
        self._lock = threading.RLock()
        self._turn = threading.RLock()

    def result(self, key: Hashable, work: Callable[[], T]) -> T:
        """Return what `work` returns, from a run of it that begins after this call.

        Args:
            key: tells work with one result from work with another.
            work: done here, or by another thread that asked for the same.
        """
        if self._process != os.getpid():  # the locks are of the process that this was forked from
            self._begin_anew()
        with self._lock:
            run = self._waiting.get(key)
            joins = run is not None
            if run is None:
                run = self._waiting[key] = _Run()
        if joins:
            # The other may fail, or be the code that a signal handler interrupted.
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
