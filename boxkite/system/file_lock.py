"""Locks on files (`flock`). The system releases them when their holder dies in any way."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Generator
from pathlib import Path

try:
    import fcntl
except ModuleNotFoundError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["hold_lock", "hold_shared_lock", "release", "require_locks", "try_lock"]

_POLL_SECONDS = 0.002


def require_locks() -> None:
    """Check that this system has file locks.

    Raises:
        OSError: if it does not have them.
    """
    if fcntl is None:
        raise OSError(
            "This system has no flock, so each process counts in memory and shows only its own "
            "counts."
        )


def try_lock(descriptor: int, *, shared: bool = False) -> bool:
    """Take the lock of an open file. Return False if another process holds it.

    Args:
        descriptor: the open file.
        shared: let other processes hold the lock too, if theirs is shared as well.

    Raises:
        OSError: if the file cannot be locked.
    """
    try:
        assert fcntl is not None  # `require_locks` has been called
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def release(descriptor: int) -> None:
    """Release a lock and close its file.

    Closing the file is not enough: a process that was forked since then holds the same open file,
    and the lock would last until that process closes it too.
    """
    try:
        assert fcntl is not None
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def hold_lock(path: Path, seconds: float, *, mode: int = 0o600) -> Generator[None]:
    """Hold the lock of a file for the `with` block. Create the file if it is missing.

    Args:
        path: the lock file.
        seconds: how long to wait for another holder. `flock` itself would wait without a limit, and
            a holder may be stopped by a signal or a debugger.
        mode: permissions of a new file.

    Raises:
        TimeoutError: if another process holds the lock for all of this time.
        OSError: if the file cannot be opened or locked.
    """
    yield from _hold(os.open(path, os.O_RDWR | os.O_CREAT, mode), path, seconds, shared=False)


@contextlib.contextmanager
def hold_shared_lock(path: Path, seconds: float) -> Generator[None]:
    """Keep out the holders of `hold_lock` for the `with` block. This writes nothing.

    Raises:
        FileNotFoundError: if the lock file is missing, so that no process holds it.
        TimeoutError: if another process holds the lock for all of this time.
        OSError: if the file cannot be opened or locked.
    """
    yield from _hold(os.open(path, os.O_RDONLY), path, seconds, shared=True)


def _hold(descriptor: int, path: Path, seconds: float, *, shared: bool) -> Generator[None]:
    try:
        deadline = time.monotonic() + seconds
        while not try_lock(descriptor, shared=shared):
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"Another process held the lock '{path}' for {seconds:g} seconds."
                )
            time.sleep(_POLL_SECONDS)
        yield
    finally:
        release(descriptor)
