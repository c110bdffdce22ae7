"""The thread runs soon after it is asked, and is there only as long as it is of use."""

import gc
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from boxkite.system.background import Background


class Owner:
    """Counts how often its task ran."""

    def __init__(self, delay: float = 0.001) -> None:
        self.runs = 0
        self.ran = threading.Event()
        self.background = Background(self, delay)

    def run_in_background(self) -> None:
        self.runs += 1
        self.ran.set()

    def ask_and_wait(self) -> None:
        self.ran.clear()
        self.background.ask()
        assert self.ran.wait(60)


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "boxkite"]


def eventually(condition: Callable[[], bool]) -> bool:
    """Tell whether a condition comes true within a minute."""
    for _ in range(6000):
        if condition():
            return True
        time.sleep(0.01)
    return False


def test_there_is_no_thread_before_the_first_request_and_one_after() -> None:
    before = len(threads())
    owner = Owner()
    assert len(threads()) == before
    for _ in range(5):
        owner.ask_and_wait()
    assert len(threads()) == before + 1
    assert owner.runs == 5
    owner.background.stop(60)
    assert len(threads()) == before


def test_requests_within_the_delay_are_one_run() -> None:
    owner = Owner(delay=0.5)
    for _ in range(100):
        owner.background.ask()
    assert owner.ran.wait(60)
    assert owner.runs == 1
    owner.background.stop(60)


def test_a_request_during_a_run_is_another_run() -> None:
    owner = Owner()
    inside, go_on = threading.Event(), threading.Event()

    class Slow(Owner):
        def run_in_background(self) -> None:
            inside.set()
            assert go_on.wait(60)
            super().run_in_background()

    owner = Slow()
    owner.background.ask()
    assert inside.wait(60)
    owner.background.ask()
    go_on.set()
    assert eventually(lambda: owner.runs == 2)
    owner.background.stop(60)


def test_requests_of_many_threads_start_one_thread() -> None:
    before = len(threads())
    owner = Owner()
    ready = threading.Barrier(8)

    def ask() -> None:
        ready.wait()
        owner.background.ask()

    askers = [threading.Thread(target=ask) for _ in range(8)]
    for each in askers:
        each.start()
    for each in askers:
        each.join()
    assert owner.ran.wait(60)
    assert len(threads()) == before + 1
    owner.background.stop(60)


def test_stopping_ends_the_thread_twice_does_no_more_and_a_request_starts_another() -> None:
    before = len(threads())
    owner = Owner()
    owner.ask_and_wait()
    owner.background.stop(60)
    owner.background.stop(60)
    assert (len(threads()), owner.runs) == (before, 1)
    owner.ask_and_wait()
    assert (len(threads()), owner.runs) == (before + 1, 2)
    owner.background.stop(60)
    assert len(threads()) == before


def test_stopping_before_the_first_request_starts_nothing() -> None:
    before = len(threads())
    owner = Owner()
    owner.background.stop(60)
    assert (len(threads()), owner.runs) == (before, 0)


def test_stopping_waits_no_longer_than_it_may_for_a_task_that_does_not_end() -> None:
    go_on = threading.Event()

    class Stuck(Owner):
        def run_in_background(self) -> None:
            super().run_in_background()
            assert go_on.wait(60)

    owner = Stuck()
    owner.ask_and_wait()
    owner.background.stop(0.01)
    assert not go_on.is_set()
    go_on.set()
    owner.background.stop(60)


def test_a_task_may_stop_its_own_thread() -> None:
    class Stopping(Owner):
        def run_in_background(self) -> None:
            self.background.stop(60)
            super().run_in_background()

    before = len(threads())
    Stopping().ask_and_wait()
    # Of another test's owner a thread may end meanwhile.
    assert eventually(lambda: len(threads()) <= before)


def test_the_thread_ends_with_its_owner() -> None:
    before = len(threads())
    owner = Owner()
    owner.ask_and_wait()
    gone = weakref.ref(owner)
    del owner
    assert eventually(lambda: gc.collect() >= 0 and gone() is None)
    # Of another test's owner a thread may end meanwhile.
    assert eventually(lambda: len(threads()) <= before)


def test_a_system_without_threads_is_asked_again_at_the_next_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    owner = Owner()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        owner.background.ask()
        owner.background.ask()
    assert owner.runs == 0
    owner.ask_and_wait()
    owner.background.stop(60)


def test_signal_handlers_may_ask_at_any_line() -> None:
    owner = Owner(delay=0.0001)
    handled = 0

    def handler(*_: Any) -> None:
        nonlocal handled
        handled += 1
        owner.background.ask()

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0003)
    try:
        while handled < 300:
            owner.background.ask()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    owner.background.stop(60)
    assert owner.runs > 0


AT_EXIT = """
import atexit, sys, threading
from boxkite.system.background import Background

class Owner:
    def run_in_background(self):
        pass

atexit.register(lambda: sys.stdout.write(str(threading.active_count())))
owner = Owner()
background = Background(owner, {delay})
{before}
atexit.register(background.ask)
"""


@pytest.mark.parametrize(
    ("before", "delay", "threads_at_exit"),
    [("", 0.1, 1), ("background.ask()", 3600, 2)],
    ids=["never asked", "asked"],
)
def test_at_exit_no_thread_is_started_and_none_waited_for(
    before: str, delay: float, threads_at_exit: int
) -> None:
    program = AT_EXIT.format(before=before, delay=delay)
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert int(result.stdout) <= threads_at_exit
