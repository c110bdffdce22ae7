"""Work that is done once for all who ask before it begins."""

import gc
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from boxkite.prometheus.sharing import SharedWork


def test_those_who_come_during_a_run_share_the_next() -> None:
    shared: SharedWork[int] = SharedWork()
    begun, go_on = threading.Event(), threading.Event()
    runs: list[int] = []

    def work() -> int:
        runs.append(len(runs))
        begun.set()
        go_on.wait(10)
        return runs[-1]

    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(shared.result, "key", work)
        begun.wait(10)
        later = [pool.submit(shared.result, "key", work) for _ in range(5)]
        while len(shared._waiting) != 1:
            pass
        waiting = shared._waiting["key"]
        go_on.set()
        assert first.result(10) == 0
        assert {each.result(10) for each in later} <= {1, 2, 3, 4, 5}
    assert waiting.results == [1]


def test_those_who_join_before_a_run_begins_share_it() -> None:
    shared: SharedWork[int] = SharedWork()
    runs = [shared.join("key") for _ in range(5)]
    results = iter(range(5))
    assert [shared.finish(run, lambda: next(results)) for run in runs] == [0] * 5
    assert shared.finish(shared.join("key"), lambda: next(results)) == 1


def test_a_run_that_nobody_finishes_takes_no_memory() -> None:
    shared: SharedWork[int] = SharedWork()
    for number in range(1000):
        shared.join(number)
    gc.collect()
    assert len(shared._waiting) == 0


def test_work_of_another_key_has_its_own_result() -> None:
    shared: SharedWork[str] = SharedWork()
    assert shared.result("a", lambda: "a") == "a"
    assert shared.result("b", lambda: "b") == "b"


def test_work_that_fails_is_raised_and_can_be_asked_for_again() -> None:
    shared: SharedWork[int] = SharedWork()

    def fail() -> int:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        shared.result("key", fail)
    assert shared.result("key", lambda: 1) == 1


def test_work_may_ask_for_work() -> None:
    shared: SharedWork[int] = SharedWork()
    assert shared.result("key", lambda: shared.result("key", lambda: 1) + 1) == 2


def test_a_forked_process_waits_for_nobody() -> None:
    shared: SharedWork[int] = SharedWork()
    child = shared.result("key", lambda: _forked(shared))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def _forked(shared: SharedWork[int]) -> int:
    child = os.fork()
    if not child:
        found: list[int] = []
        thread = threading.Thread(target=lambda: found.append(shared.result("key", lambda: 7)))
        thread.start()
        thread.join(10)
        os._exit(found[0] if found else 1)
    return child
