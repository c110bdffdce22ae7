"""Objects are told when their process was forked, in order, and none keeps the others from it."""

import gc
import os
import subprocess
import sys

import pytest

PROGRAM = """
import os, sys
from boxkite.system.forks import call_after_fork

class Owner:
    def __init__(self, name, fails=False):
        self.name, self.fails = name, fails
        call_after_fork(self)

    def after_fork(self):
        os.write(1, self.name.encode())
        if self.fails:
            raise ValueError("cannot start afresh")

owners = [Owner("a"), Owner("b", fails=True), Owner("c"), Owner("d")]
del owners[2]
if os.fork() == 0:
    os._exit(0)
os.wait()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
def test_living_objects_start_afresh_in_their_order_and_a_failure_is_shown() -> None:
    gc.collect()
    command = [sys.executable, "-c", PROGRAM]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == "abd"
    assert "cannot start afresh" in result.stderr


WAITING = """
import os, threading, time
from boxkite.system.forks import forks_wait

left = []
inside = threading.Event()

def stay():
    with forks_wait(), forks_wait():
        inside.set()
        time.sleep(0.3)
        left.append(True)

thread = threading.Thread(target=stay)
thread.start()
inside.wait()
child = os.fork()
with forks_wait():  # in parent and child
    os.write(1, b"left " if left else b"too early ")
if child == 0:
    os._exit(0)
os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
def test_a_fork_waits_for_the_end_of_the_block_in_another_thread() -> None:
    command = [sys.executable, "-W", "ignore", "-c", WAITING]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout == "left left "


FORKING_THREAD = """
import os, threading
from boxkite.system import forks

forks._LONGEST_WAIT_SECONDS = 3600.0

def fork():
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)

child = os.fork()
if child == 0:
    thread = threading.Thread(target=fork)
    thread.start()
    thread.join()
    os.write(1, b"forked")
    os._exit(0)
os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
def test_a_thread_of_a_forked_process_forks_without_waiting() -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORKING_THREAD]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20)
    assert result.stdout == "forked"
