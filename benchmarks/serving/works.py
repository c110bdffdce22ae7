"""How it is measured: one work on one subject, in this process."""

from __future__ import annotations

import gc
import statistics
import threading
import time
from collections.abc import Callable
from typing import Any

__all__ = ["WORKS"]

Results = dict[str, float]

_WARM_UP = 50
_MOST_CALLS = 20_000
_PER_SECOND = 200
_THREADS = 8
_BURST = 4000
_SCRAPE_EVERY = 1.0


def closed_loop(subject: Any, seconds: float) -> Results:
    """Return the microseconds of a prediction, one after another."""
    return _percentiles(_timed(subject.predict, seconds))


def paced(subject: Any, seconds: float) -> Results:
    """Return the microseconds of a prediction at 200 a second, the processor idle in between."""
    times = []
    due = time.perf_counter()
    for _ in range(round(seconds * _PER_SECOND * 2)):
        due += 1 / _PER_SECOND
        time.sleep(max(0.0, due - time.perf_counter()))
        times += _timed(subject.predict, 0, warm_up=0)
    return _percentiles(times)


def threads(subject: Any, seconds: float) -> Results:
    """Return the calls a second of 8 threads, and of what is also counted in that time."""
    counts = [0] * _THREADS
    start = threading.Barrier(_THREADS + 1)
    stop = threading.Event()

    def call(index: int) -> None:
        start.wait()
        count = 0
        while not stop.is_set():
            subject.predict()
            count += 1
        counts[index] = count

    callers = [threading.Thread(target=call, args=(index,)) for index in range(_THREADS)]
    for caller in callers:
        caller.start()
    start.wait()
    begin = time.perf_counter()
    time.sleep(seconds)
    stop.set()
    for caller in callers:
        caller.join()
    called = time.perf_counter() - begin
    getattr(subject, "finish", lambda: None)()
    counted = time.perf_counter() - begin
    return {"calls": sum(counts) / called, "counted": sum(counts) / counted}


def fold(subject: Any, seconds: float) -> Results:
    """Return the processor time that a record costs outside the request, in microseconds.

    Part of the work is done by the background thread while the requests still come, so this is the
    time of the whole process less the time that the requests took in their own thread.
    """
    if hasattr(subject, "fold"):
        return {"fold": statistics.median(_timed(subject.fold, seconds)) / subject.records / 1000}
    times = []
    end = time.perf_counter() + seconds
    subject.finish()
    while time.perf_counter() < end:
        begin, request_begin = time.process_time(), time.thread_time()
        for _ in range(_BURST):
            subject.predict()
        in_requests = time.thread_time() - request_begin
        subject.finish()
        times.append((time.process_time() - begin - in_requests) / _BURST)
    return {"fold": statistics.median(times) * 1e6}


def scrape(subject: Any, seconds: float) -> Results:
    """Return the milliseconds of a scrape, a prediction before each."""

    def once() -> None:
        getattr(subject, "predict", lambda: None)()
        subject.scrape()

    return {"ms": statistics.median(_timed(once, seconds, warm_up=1)) / 1e6}


def stall(subject: Any, seconds: float) -> Results:
    """Return the milliseconds of the longest prediction, while a thread scrapes each second."""
    stop = threading.Event()

    def scrapes() -> None:
        while not stop.wait(_SCRAPE_EVERY):
            subject.scrape()

    subject.scrape()
    scraper = threading.Thread(target=scrapes)
    scraper.start()
    longest = 0
    end = time.perf_counter() + max(seconds, 3.5 * _SCRAPE_EVERY)
    while time.perf_counter() < end:
        begin = time.perf_counter_ns()
        subject.predict()
        longest = max(longest, time.perf_counter_ns() - begin)
        time.sleep(0.001)  # a service waits for its next request
    stop.set()
    scraper.join()
    return {"ms": longest / 1e6}


def start(subject: Any, seconds: float) -> Results:
    """Return the milliseconds from a baseline file to a monitor that takes predictions."""
    return {"ms": statistics.median(_timed(subject.start, seconds, warm_up=0)) / 1e6}


def _timed(call: Callable[[], object], seconds: float, warm_up: int = _WARM_UP) -> list[int]:
    """Return the nanoseconds of each call, one call at least."""
    end = time.perf_counter() + seconds
    for _ in range(warm_up):
        call()
        if time.perf_counter() > end:
            break
    gc.collect()
    clock = time.perf_counter_ns
    end_ns = clock() + int(seconds * 1e9)
    times = []
    for _ in range(_MOST_CALLS):
        begin = clock()
        call()
        done = clock()
        times.append(done - begin)
        if done > end_ns:
            break
    return times


def _percentiles(times: list[int]) -> Results:
    ordered = sorted(times)
    return {
        "p50": ordered[len(ordered) // 2] / 1000,
        "p99": ordered[len(ordered) * 99 // 100] / 1000,
    }


WORKS: dict[str, Callable[[Any, float], Results]] = {
    "closed loop": closed_loop,
    "paced": paced,
    "threads": threads,
    "fold": fold,
    "scrape": scrape,
    "stall": stall,
    "start": start,
}
