"""Locks on files that the system takes back when their holder dies: `flock`."""

from __future__ import annotations

import os

try:
    import fcntl
except ModuleNotFoundError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["release", "require_locks", "try_lock"]


def require_locks() -> None:
    """Check that this system has such locks.

    Raises:
        OSError: if it has none.
    """
    if fcntl is None:
        raise OSError("this system has no flock: counts stay in the memory of one process")


def try_lock(descriptor: int) -> bool:
    """Take the lock of an open file; False if somebody else holds it.

    Raises:
        OSError: if the file cannot be locked.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def release(descriptor: int) -> None:
    """Give a lock back, at once though a process forked meanwhile has the descriptor too."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)
