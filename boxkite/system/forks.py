"""Reset objects in a forked process.

A forked process inherits the memory of its parent, but only the thread that forked. Locks that
other threads held stay locked forever, and two processes would use the same files, connections and
random numbers. Each object that owns one of these registers here once.
"""

from __future__ import annotations

import itertools
import os
import weakref
from typing import Protocol

__all__ = ["ForkAware", "call_after_fork"]


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


def _reset_in_child() -> None:
    errors: list[Exception] = []
    for owner in list(_registered.values()):
        try:
            owner.after_fork()
        except Exception as error:  # noqa: BLE001 - the other objects need a reset too
            errors.append(error)
    if errors:
        raise ExceptionGroup(f"objects could not be reset after a fork: {errors}", errors)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_in_child)
