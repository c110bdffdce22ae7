"""A thread that runs a task soon after each request, as long as the task's owner lives."""

from __future__ import annotations

import queue
import threading
import weakref
from typing import Protocol

from boxkite.system.lazy_attribute import LazyAttribute

__all__ = ["Background", "BackgroundTask"]


class BackgroundTask(Protocol):
    """Work that a `Background` does in its thread."""

    def run_in_background(self) -> float | None:
        """Work once; must not raise.

        Returns:
            Seconds until the next run even without a request. None waits for a request.
        """


class Background:
    """Runs a task in a daemon thread, which starts when it is first needed.

    The thread holds only a weak reference to the task, so that it ends when the task is gone.

    Args:
        task: the work, usually the object that holds this one.
        delay: seconds between a request and the run. Requests in between share that run.
    """

    def __init__(self, task: BackgroundTask, delay: float) -> None:
        self._task = weakref.ref(task)
        self._delay = delay
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._bell = self._new_bell()

    def _new_bell(self) -> _Bell:
        bell = _Bell()
        task = self._task()
        if task is not None:
            # Wake the thread when the task is collected, so that it does not wait forever.
            weakref.finalize(task, bell.close)
        return bell

    @property
    def is_running(self) -> bool:
        """Whether the thread is alive."""
        return self._thread is not None and self._thread.is_alive()

    def ask(self) -> None:
        """Run the task after the delay. This is cheap if a run is already requested."""
        if self._bell.rung:
            return
        self._bell.ring()
        if not self.is_running:
            self._start()

    def hurry(self) -> None:
        """Run the task at once, without the delay."""
        self.ask()
        self._bell.ring()

    def _start(self) -> None:
        # Once the main thread has ended, the interpreter starts no more threads.
        ending = self._bell.closed or not threading.main_thread().is_alive()
        if ending or not self._starting.acquire(blocking=False):
            return
        try:
            arguments = (self._task, self._bell, self._delay)
            thread = threading.Thread(target=_run, args=arguments, name="boxkite", daemon=True)
            thread.start()
            self._thread = thread
        except RuntimeError:  # the system has no threads left; the next request tries again
            self._bell.rung = False
        finally:
            self._starting.release()

    def stop(self, timeout: float) -> None:
        """Stop the thread, waiting at most `timeout` seconds. A later request starts a new one."""
        self._bell.close()
        self._bell = self._new_bell()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)


class _Bell:
    """Wakes the thread.

    A `threading.Event` would hold a lock while it is set. A signal handler that interrupts `set`
    and sets it again would wait for itself, and a forked process could inherit the lock locked.
    `SimpleQueue.put` is safe in both cases.
    """

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


def _run(owner: weakref.ref[BackgroundTask], bell: _Bell, delay: float) -> None:
    again: float | None = None
    while True:
        bell.wait(again)
        if not bell.closed:
            bell.wait(delay)
        if bell.closed:
            # A signal handler that interrupts `_start` may start a second thread. Ring again, so
            # that the other thread stops too.
            bell.ring()
            return
        # Clear it before the run, so that a request during the run leads to another run.
        bell.rung = False
        task = owner()
        if task is None:
            return
        again = task.run_in_background()
        del task  # otherwise the thread would keep its owner alive while it waits
