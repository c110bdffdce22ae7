"""Locks that end with their holder, and waiting for them that ends in any case."""

import fcntl
import threading
import time
from pathlib import Path

import pytest

from boxkite.system.file_lock import hold_lock


def test_one_holds_the_lock_at_a_time(tmp_path: Path) -> None:
    inside: list[int] = []
    most = 0

    def work() -> None:
        nonlocal most
        for _ in range(20):
            with hold_lock(tmp_path / "lock", 60):
                inside.append(1)
                most = max(most, len(inside))
                time.sleep(0.0001)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_lock_that_is_never_released_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(TimeoutError, match="held the lock"), hold_lock(path, 0.01):
            pass
    with hold_lock(path, 0.01):
        pass


def test_an_error_inside_releases_the_lock(tmp_path: Path) -> None:
    with pytest.raises(KeyError), hold_lock(tmp_path / "lock", 1):
        raise KeyError
    with hold_lock(tmp_path / "lock", 0.01):
        pass
