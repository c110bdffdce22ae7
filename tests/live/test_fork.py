"""A process forked from a service goes on counting, whatever its parent was doing."""

import os
import subprocess
import sys

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
errors = sum(monitor.trouble.counts().values())
sys.stdout.write(f"{statuses} {comparison.predictions == each.rows >= 10_000} {errors}")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_forked_processes_count_with_their_parent_while_its_threads_count_and_read() -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORKING]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.stderr, result.stdout) == ("", f"{[0] * 10} True 0")
