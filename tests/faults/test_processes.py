"""Forks, children, signals and exits of a whole monitor: each prediction is counted once."""

import subprocess
import sys
from pathlib import Path

import pytest

START = """
import multiprocessing, os, signal, sys, threading, time
import numpy as np
from boxkite import Baseline, Monitor, Settings

signal.alarm(60)  # ends what hangs

def new_monitor():
    settings = Settings(state_dir=sys.argv[1])
    return Monitor(Baseline.fit({"a": np.arange(8.0)}), registry=None, settings=settings)

def predict(number):
    for _ in range(number):
        monitor.log_prediction([1.0])
"""

FORKS = (
    START
    + """
monitor = new_monitor()
done = threading.Event()
counted = [0] * 3

def work(thread):
    while not done.wait(0.001):  # else they hold the forking thread up
        predict(10)
        counted[thread] += 10

threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
for thread in threads:
    thread.start()
predict(1)
for _ in range(10):
    if not os.fork():
        predict(50)
        monitor.flush()
        os.kill(os.getpid(), signal.SIGKILL)
for _ in range(10):
    os.wait()
done.set()
for thread in threads:
    thread.join()
assert monitor.drift().predictions == sum(counted) + 1 + 500, monitor.drift().predictions
assert monitor.reporter.counts()["journal"] == 0
"""
)

CHILDREN = (
    START
    + """
def child(number):
    global monitor
    monitor = globals().get("monitor") or new_monitor()
    predict(number)

if __name__ == "__main__":
    monitor = new_monitor()
    predict(5)
    for method in ("fork", "forkserver", "spawn"):
        context = multiprocessing.get_context(method)
        processes = [context.Process(target=child, args=(10,)) for _ in range(2)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
            assert process.exitcode == 0
    assert monitor.drift().predictions == 65, monitor.drift().predictions
"""
)

SIGNALS = (
    START
    + """
monitor = new_monitor()
handled = written = 0

def handler(*_):
    global handled
    monitor.log_prediction([1.0] if handled % 2 else "no row")
    handled += 1

signal.signal(signal.SIGVTALRM, handler)
signal.setitimer(signal.ITIMER_VIRTUAL, 0.001, 0.001)
while handled < 150:
    monitor.log_prediction([2.0] if written % 2 else 5)
    written += 1
    if written % 50 == 0:
        monitor.export_http()
signal.setitimer(signal.ITIMER_VIRTUAL, 0)
assert monitor.drift().predictions == handled + written, (handled, written)
"""
)

ABORTED = (
    START
    + """
monitor = new_monitor()
written = acknowledged = aborts = 0
armed = False

class Abort(BaseException):
    pass

def handler(*_):
    global armed
    if armed:
        armed = False
        raise Abort

signal.signal(signal.SIGVTALRM, handler)
signal.setitimer(signal.ITIMER_VIRTUAL, 0.002, 0.002)
while aborts < 200:
    written += 1
    try:
        armed = True
        monitor.log_prediction([2.0])
        armed = False
        acknowledged += 1
        if written % 20 == 0:
            armed = True
            monitor.drift()
            armed = False
    except Abort:
        aborts += 1
signal.setitimer(signal.ITIMER_VIRTUAL, 0)
shown = monitor.drift().predictions
assert acknowledged <= shown <= written, (acknowledged, shown, written)
"""
)

EXIT = (
    START
    + """
import atexit
monitor = new_monitor()
atexit.register(lambda: predict(1))
predict(10)
monitor._counter._background._delay = 3600.0
predict(10)
"""
)


def run(program: str, folder: Path) -> None:
    (folder / "program.py").write_text(program)
    command = [sys.executable, "-W", "ignore", "program.py", str(folder / "state")]
    result = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    "program",
    [FORKS, CHILDREN, SIGNALS, ABORTED],
    ids=["forks under threads", "children", "signals that predict", "signals that raise"],
)
def test_each_prediction_is_counted_once(program: str, tmp_path: Path) -> None:
    run(program, tmp_path)


def test_what_is_predicted_until_the_very_end_is_there_at_the_next_start(tmp_path: Path) -> None:
    run(EXIT, tmp_path)
    run(START + "assert new_monitor().drift().predictions == 21", tmp_path)


def test_a_service_without_a_folder_set_leaves_none(tmp_path: Path) -> None:
    program = (
        START.replace("state_dir=sys.argv[1]", "")
        + """
monitor = new_monitor()
predict(10)
group = monitor._counts.member.group.folder
assert group.is_dir()
open("folder", "w").write(str(group.parent))
"""
    )
    run(program, tmp_path)
    folder = Path((tmp_path / "folder").read_text())
    assert folder.parent.name.startswith("boxkite-")
    assert not folder.exists()
