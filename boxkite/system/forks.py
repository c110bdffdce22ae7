"""Reset objects in a forked process.

A forked process inherits the memory of its parent, but only the thread that forked. Locks that
other threads held stay locked forever, and two processes would use the same files, connections and
random numbers. Each object that owns one of these registers here once.

Libraries in C have locks of their own, which Python cannot reset. A fork waits until no thread is
inside such a library.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import weakref
from collections import Counter
from collections.abc import Generator
from typing import Protocol

from boxkite.system.lazy_attribute import LazyAttribute

__all__ = ["ForkAware", "call_after_fork", "forks_wait"]

# A thread may hang in a file system that does not answer. Then a fork must not hang too.
_LONGEST_WAIT_SECONDS = 5.0


class ForkAware(Protocol):
    """An object that must change when its process was forked."""

    def after_fork(self) -> None:
        """Drop the resources that belong to the parent. This is called first in the child."""


# A dict keeps the order of registration, so parts are reset before the objects that hold them.
_registered: weakref.WeakValueDictionary[int, ForkAware] = weakref.WeakValueDictionary()
_numbers = itertools.count()


def call_after_fork(owner: ForkAware) -> None:
    """Call `owner.after_fork()` in each forked process, as long as the object lives."""
    _registered[next(_numbers)] = owner


class _Gate:
    """Holds forks back as long as another thread is inside, and new threads once a fork waits."""

    _changed = LazyAttribute(lambda: threading.Condition())

    def __init__(self) -> None:
        self._inside: Counter[int] = Counter()
        self._forks = 0

    @contextlib.contextmanager
    def inside(self) -> Generator[None]:
        thread = threading.get_ident()
        with self._changed:
            # A fork waits for a thread that is inside already, so that thread must not wait for it.
            if not self._inside[thread]:
                self._changed.wait_for(lambda: not self._forks, _LONGEST_WAIT_SECONDS)
            self._inside[thread] += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= Counter({thread: 1})
                self._changed.notify_all()

    def before_fork(self) -> None:
        """Wait until no other thread is inside, and let none enter until the fork is over."""
        own = {threading.get_ident()}
        self._changed.acquire()
        self._forks += 1
        self._changed.wait_for(lambda: self._inside.keys() <= own, _LONGEST_WAIT_SECONDS)

    def after_fork_in_parent(self) -> None:
        self._forks -= 1
        self._changed.notify_all()
        self._changed.release()

    def after_fork_in_child(self) -> None:
        own = threading.get_ident()
        self._inside = +Counter({own: self._inside[own]})  # without a count of 0
        self._forks = 0
        _Gate._changed.forget(self)


_gate = _Gate()


def forks_wait() -> contextlib.AbstractContextManager[None]:
    """Let forks wait for the end of the `with` block, for at most 5 seconds.

    Use it around a library whose locks a forked process would inherit. SQLite is one: with two
    threads in transactions, one in twenty forked processes waited forever for a lock inside SQLite.
    """
    return _gate.inside()


def _reset_in_child() -> None:
    _gate.after_fork_in_child()
    errors: list[Exception] = []
    for owner in list(_registered.values()):
        try:
            owner.after_fork()
        except Exception as error:  # noqa: BLE001 - the other objects need a reset too
            errors.append(error)
    if errors:
        raise ExceptionGroup(f"objects could not be reset after a fork: {errors}", errors)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_gate.before_fork,
        after_in_parent=_gate.after_fork_in_parent,
        after_in_child=_reset_in_child,
    )
