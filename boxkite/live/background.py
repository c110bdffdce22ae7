"""A thread that runs a task soon after it is asked to, for as long as its owner lives."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any

__all__ = ["Background"]


class Background:
    """Runs a task in a daemon thread, started when it is first needed.

    The thread holds no reference to the task's owner, so that it ends when the owner is gone.

    Args:
        task: a bound method; it must not raise.
        delay: seconds between the request and the run, in which requests gather.
    """

    def __init__(self, task: Callable[[], Any], delay: float) -> None:
        self._task = weakref.WeakMethod(task)
        self._delay = delay
        self._wake = threading.Event()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        weakref.finalize(task.__self__, _stop, self._closed, self._wake)  # type: ignore[attr-defined]

    def ask(self) -> None:
        """Have the task run after the delay; cheap when it is asked already."""
        if self._wake.is_set():
            return
        self._wake.set()
        if self._closed.is_set() or (self._thread is not None and self._thread.is_alive()):
            return
        arguments = (self._task, self._wake, self._closed, self._delay)
        self._thread = threading.Thread(target=_run, args=arguments, name="boxkite", daemon=True)
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """End the thread, waiting `timeout` seconds at most. It is not started again."""
        _stop(self._closed, self._wake)
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)


def _stop(closed: threading.Event, wake: threading.Event) -> None:
    closed.set()
    wake.set()


def _run(
    task: weakref.WeakMethod[Callable[[], Any]],
    wake: threading.Event,
    closed: threading.Event,
    delay: float,
) -> None:
    while True:
        wake.wait()
        if closed.wait(delay):
            return
        wake.clear()
        bound = task()
        if bound is None:
            return
        bound()
        del bound
