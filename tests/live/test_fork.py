"""A process forked from a service goes on counting, whatever its parent was doing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FORKING = """
import faulthandler, os, signal, sys, threading

# What hangs is ended, and tells where; registered first, so that it holds for boxkite's own hooks.
faulthandler.register(signal.SIGALRM, chain=True)
signal.alarm(120)
os.register_at_fork(after_in_child=lambda: signal.alarm(60))

import numpy as np
from boxkite import Baseline, Monitor

monitor = Monitor(Baseline.fit({"a": np.arange(100.0)}), registry=None)
done = threading.Event()

def work():
    while not done.is_set():
        monitor.log_prediction([1])
        monitor.drift()

threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads:
    thread.start()
statuses = []
for _ in range(10):
    child = os.fork()
    if not child:
        for number in range(1_000):
            monitor.log_prediction([number % 100])
        comparison = monitor.drift()
        (each,) = comparison
        monitor.close()
        os._exit(0 if comparison.predictions == each.rows >= 1_000 else 1)
    statuses.append(os.waitpid(child, 0)[1])
done.set()
for thread in threads:
    thread.join()
comparison = monitor.drift()
(each,) = comparison
errors = sum(monitor.reporter.counts().values())
sys.stdout.write(f"{statuses} {comparison.predictions == each.rows >= 10_000} {errors}")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_forked_processes_count_with_their_parent_while_its_threads_count_and_read() -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORKING]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.stderr, result.stdout) == ("", f"{[0] * 10} True 0")


IMPORTING = """
import sys
from boxkite import Baseline, Monitor

numbers = [*range(50)] * 2
baseline = Baseline.fit({"a": numbers, "b": ["x", "y"] * 50}, numbers)
monitor = Monitor(baseline, log=sys.argv[1], registry=None)
before = set(sys.modules)
monitor.log_prediction([1, "x"], 2.0)
monitor.export(accept="application/openmetrics-text", accept_encoding="gzip")
monitor.drift("1h")
monitor.report()
monitor.close()
sys.stdout.write(repr(sorted(set(sys.modules) - before)))
"""


def test_a_monitor_at_work_imports_nothing_that_a_fork_could_come_into(tmp_path: Path) -> None:
    command = [sys.executable, "-c", IMPORTING, f"file:{tmp_path}"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    # It showed its page once and ended, as a job does, so it gets the advice for jobs.
    assert result.stderr.startswith("boxkite export: this process showed its metrics once")
    assert (result.stderr.count("\n"), result.stdout) == (1, "[]")
