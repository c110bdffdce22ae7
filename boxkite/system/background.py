"""A thread that runs a task soon after it is asked to, for as long as its owner lives."""

from __future__ import annotations

import queue
import threading
import weakref
from collections.abc import Callable
from typing import Any

from boxkite.system.lazy_attribute import LazyAttribute

__all__ = ["Background"]


class Background:
    """Runs a task in a daemon thread, started when it is first needed.

    The thread holds no reference to the task's owner, so that it ends when the owner is gone.

    Args:
        task: a bound method; it must not raise. It may return in how many seconds it wants to
            run again, asked or not.
        delay: seconds between the request and the run, in which requests gather.
    """

    def __init__(self, task: Callable[[], Any], delay: float) -> None:
        self._task = weakref.WeakMethod(task)
        self._delay = delay
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._bell = self._new_bell()

    def _new_bell(self) -> _Bell:
        """Return a bell that ends its thread when the owner is gone."""
        bell = _Bell()
        task = self._task()
        if task is not None:
            weakref.finalize(task.__self__, bell.close)  # type: ignore[attr-defined]
        return bell

    @property
    def is_running(self) -> bool:
        """Whether the thread lives."""
        return self._thread is not None and self._thread.is_alive()

    def ask(self) -> None:
        """Have the task run after the delay; cheap when it is asked already."""
        if self._bell.rung:
            return
        self._bell.ring()
        if not self.is_running:
            self._start()

    def hurry(self) -> None:
        """Have the task run at once."""
        self.ask()
        self._bell.ring()

    def _start(self) -> None:
        """Start the thread, unless that is being done, or the owner or the program ends."""
        ending = self._bell.closed or not threading.main_thread().is_alive()
        if ending or not self._starting.acquire(blocking=False):
            return
        try:
            arguments = (self._task, self._bell, self._delay)
            thread = threading.Thread(target=_run, args=arguments, name="boxkite", daemon=True)
            thread.start()
            self._thread = thread
        except RuntimeError:  # the system gives no more threads; the next request tries again
            self._bell.rung = False
        finally:
            self._starting.release()

    def stop(self, timeout: float) -> None:
        """End the thread, waiting `timeout` seconds at most; who asks later starts another."""
        self._bell.close()
        self._bell = self._new_bell()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)


class _Bell:
    """Wakes the thread. Unlike an Event it holds no lock that a signal handler could wait for, or
    a forked process inherit."""

    _rings = LazyAttribute(lambda: queue.SimpleQueue[None]())

    def __init__(self) -> None:
        self.rung = False
        self.closed = False

    def ring(self) -> None:
        self.rung = True
        self._rings.put(None)

    def close(self) -> None:
        self.closed = True
        self.ring()

    def wait(self, timeout: float | None = None) -> None:
        try:
            self._rings.get(timeout=timeout)
        except queue.Empty:
            return


def _run(task: weakref.WeakMethod[Callable[[], Any]], bell: _Bell, delay: float) -> None:
    again: float | None = None
    while True:
        bell.wait(again)
        if not bell.closed:
            bell.wait(delay)
        if bell.closed:
            bell.ring()  # for a second thread, should a signal have broken into the start of one
            return
        bell.rung = False
        bound = task()
        if bound is None:
            return
        again = bound()
        del bound
