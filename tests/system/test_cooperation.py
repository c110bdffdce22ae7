"""Long work lets other threads run."""

import sys
import threading
import time
from collections.abc import Iterator

import pytest

from boxkite.system.cooperation import cooperatively


@pytest.fixture
def _a_thread_waits_for_ever_to_be_given_its_turn() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000.0)
    yield
    sys.setswitchinterval(interval)


def test_every_item_comes_in_its_order() -> None:
    assert list(cooperatively(iter(range(5000)))) == list(range(5000))


@pytest.mark.usefixtures("_a_thread_waits_for_ever_to_be_given_its_turn")
def test_another_thread_runs_while_the_work_goes_on() -> None:
    ran = threading.Event()

    def work() -> Iterator[bool]:
        for _ in range(50):
            end = time.perf_counter() + 0.002
            while time.perf_counter() < end:
                pass
            yield ran.is_set()

    done = list(work())
    assert done == [False] * 50
    other = threading.Timer(0.02, ran.set)
    other.start()
    seen = list(cooperatively(work()))
    other.join()
    assert seen[0] is False
    assert seen[-1] is True
