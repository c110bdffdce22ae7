"""A log whose sink, clock, folder or process misbehaves: bounded in time, and nothing is lost."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boxkite import Baseline, Monitor
from boxkite.live.identity import Identity
from boxkite.logs import shipper
from boxkite.logs.sink import Batch
from boxkite.settings import from_environment
from boxkite.testing import RecordingSink

BASELINE = Baseline.fit({"a": np.arange(8.0)}, bins=2, model="m", version="1")

NOON = time.time_ns() // 86_400_000_000_000 * 86_400_000_000_000 + 43_200_000_000_000

NewMonitor = Callable[..., Monitor]


@pytest.fixture
def new_monitor(tmp_path: Path) -> Iterator[NewMonitor]:
    """Makes monitors on one state folder, each closed at the end."""
    made = []

    def new_monitor(sink: Any, folder: str = "state", **options: Any) -> Monitor:
        settings = from_environment({"state_dir": tmp_path / folder, **options})
        made.append(Monitor(BASELINE, sink, registry=None, settings=settings))
        return made[-1]

    yield new_monitor
    for monitor in made:
        monitor.close(1)


def outcomes(monitor: Monitor) -> tuple[int, ...]:
    """Accepted, delivered, dropped and pending records, as a scrape shows them."""
    found = {"delivered": 0, "dropped": 0}
    for line in monitor.export().body.decode().splitlines():
        series, _, value = line.rpartition(" ")
        if series.startswith(("boxkite_log_", "boxkite_predictions_total")):
            outcome = series.partition('outcome="')[2].partition('"')[0]
            found[outcome or series.partition("{")[0]] = int(value)
    return (
        found["boxkite_predictions_total"],
        found["delivered"],
        found["dropped"],
        found["boxkite_log_pending_records"],
    )


def predict(monitor: Monitor, number: int) -> list[str]:
    return [monitor.log_prediction([1.0]).rpartition("/")[2] for _ in range(number)]


def ids(sink: RecordingSink) -> list[str]:
    return [record.entity_id for record in sink.records]


class Hanging(RecordingSink):
    """Takes nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.free = threading.Event()

    def deliver(self, batch: Batch) -> None:
        self.asked.set()
        self.free.wait()
        super().deliver(batch)


def test_a_sink_that_hangs_holds_up_neither_requests_nor_scrapes_nor_flush_nor_close(
    new_monitor: NewMonitor,
) -> None:
    sink = Hanging()
    monitor = new_monitor(sink)
    made = predict(monitor, 10)
    assert not monitor.flush(0.1)
    assert sink.asked.wait(60)
    made += predict(monitor, 10)
    assert outcomes(monitor) == (20, 0, 0, 20)
    monitor.close(0.1)
    assert not monitor.flush(0.1)
    made += predict(monitor, 10)
    assert outcomes(monitor) == (30, 0, 0, 30)
    sink.free.set()
    assert monitor.flush(60)
    assert ids(sink) == made


@pytest.mark.parametrize(
    "error",
    [
        SystemExit(3),
        KeyboardInterrupt(),
        GeneratorExit(),
        asyncio.CancelledError(),
        StopIteration(),
        MemoryError(),
        RecursionError(),
        BaseException(),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "odd"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_a_sink_raises_the_batch_comes_again(
    error: BaseException, new_monitor: NewMonitor
) -> None:
    class Raising(RecordingSink):
        failures = 2

        def deliver(self, batch: Batch) -> None:
            if self.failures:
                self.failures -= 1
                raise error
            super().deliver(batch)

    sink = Raising()
    monitor = new_monitor(sink)
    made = predict(monitor, 10)
    assert monitor.flush(60)
    assert ids(sink) == made
    assert outcomes(monitor) == (10, 10, 0, 0)
    assert monitor.reporter.counts()["log"] == 2


def test_a_sink_that_cannot_be_closed_is_reported(new_monitor: NewMonitor) -> None:
    class Stuck(RecordingSink):
        def close(self) -> None:
            raise OSError("stuck")

    monitor = new_monitor(Stuck())
    predict(monitor, 1)
    monitor.close(60)
    assert monitor.reporter.counts()["log"] == 1


def test_a_sink_that_predicts_is_given_that_too(new_monitor: NewMonitor) -> None:
    class Predicting(RecordingSink):
        monitor: Monitor

        def deliver(self, batch: Batch) -> None:
            super().deliver(batch)
            if len(self.records) < 100:
                self.monitor.log_prediction([2.0])
                self.monitor.export()

    sink = Predicting()
    sink.monitor = monitor = new_monitor(sink)
    predict(monitor, 10)
    while len(sink.records) < 100:
        assert monitor.flush(60)
    assert monitor.flush(60)
    assert len(set(ids(sink))) == len(sink.records) == 100
    assert outcomes(monitor) == (100, 100, 0, 0)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_processes_forked_during_a_delivery_ship_their_own(
    new_monitor: NewMonitor, tmp_path: Path
) -> None:
    sink = Hanging()
    monitor = new_monitor(sink)
    made = predict(monitor, 10)
    assert sink.asked.wait(60)
    children = []
    for number in range(3):
        child = os.fork()
        if not child:
            try:
                sink.free = threading.Event()
                sink.free.set()
                own = predict(monitor, 10)
                shipped = monitor.flush(60) and ids(sink) == own
                (tmp_path / str(number)).write_text(str(shipped))
            finally:
                os.kill(os.getpid(), signal.SIGKILL)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    assert [(tmp_path / str(number)).read_text() for number in range(3)] == ["True"] * 3
    assert outcomes(monitor) == (40, 30, 0, 10)
    sink.free.set()
    assert monitor.flush(60)
    assert ids(sink) == made
    assert outcomes(monitor) == (40, 40, 0, 0)


class Absent(RecordingSink):
    """Is not there until it is told to be."""

    there = False

    def deliver(self, batch: Batch) -> None:
        if not self.there:
            raise ConnectionRefusedError("nobody there")
        super().deliver(batch)


def test_records_that_wait_outlive_their_folder(new_monitor: NewMonitor, tmp_path: Path) -> None:
    sink = Absent()
    monitor = new_monitor(sink)
    made = predict(monitor, 100)
    assert not monitor.flush(0.1)
    shutil.rmtree(tmp_path / "state")
    made += predict(monitor, 100)
    assert outcomes(monitor) == (200, 0, 0, 200)
    sink.there = True
    assert monitor.flush(60)
    assert sorted(set(ids(sink))) == sorted(made)
    assert outcomes(monitor) == (200, 200, 0, 0)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_while_the_sink_is_down_the_dead_leave_no_more_than_they_may(
    new_monitor: NewMonitor,
) -> None:
    for _ in range(4):
        child = os.fork()
        if not child:
            try:
                predict(new_monitor(Absent(), state_max_bytes=40_000), 10)
            finally:
                os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(child, 0)
    sink = Absent()
    monitor = new_monitor(sink, state_max_bytes=40_000)
    assert not monitor.flush(0.5)
    assert outcomes(monitor) == (40, 0, 20, 20)
    sink.there = True
    assert monitor.flush(60)
    assert outcomes(monitor) == (40, 20, 20, 0)


def test_a_healthy_sink_of_minutes_loses_nothing_to_a_small_journal(
    new_monitor: NewMonitor,
) -> None:
    sink = RecordingSink()
    sink.whole_minutes = True
    monitor = new_monitor(sink, state_max_bytes=200_000)
    made = []
    for _ in range(20):
        made += predict(monitor, 200)
        deadline = time.monotonic() + 60
        while monitor._counts.outboxes()[0].byte_size > 100_000:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert outcomes(monitor)[2] == 0
    assert monitor.flush(60)
    assert ids(sink) == made


def test_a_sample_waits_for_the_end_of_its_minute(
    new_monitor: NewMonitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipper, "seconds_until_over", lambda *_: 60.0)
    sink = RecordingSink()
    sink.whole_minutes = True
    monitor = new_monitor(sink, log_sample=0.1)
    for number in range(300):
        monitor.log_prediction([1.0], identity=Identity("s", NOON, f"{number:08}"))
        monitor._counts.fold()
        if number % 30 == 0:
            monitor._shipper.run_in_background()  # type: ignore[union-attr]
    assert sink.records == []
    assert monitor.flush(60)
    assert 10 < len(sink.records) < 60


def test_whatever_steps_the_clock_makes_each_record_is_in_the_file_of_its_minute(
    new_monitor: NewMonitor, tmp_path: Path
) -> None:
    monitor = new_monitor(str(tmp_path / "log"), endpoint_id="e")
    steps = [0, 90, -3600, 30, 86_400, -172_800, 59, 1, -1, 0, 3600, 7200 - 86_400]
    moment = NOON
    made: list[str] = []
    for number, step in enumerate(steps):
        moment += step * 10**9
        for each in range(5):
            made.append(f"{number:02}-{each}")
            monitor.log_prediction([1.0], identity=Identity("s", moment, made[-1]))
        if number % 4 == 3:
            assert monitor.flush(60)
    assert monitor.flush(60)
    found = []
    for path in (tmp_path / "log").rglob("*.txt"):
        for line in path.read_bytes().splitlines():
            logged = json.loads(line)
            created = logged["created_at"]
            day, minute = path.parent.name, path.name[:4]
            assert (created[:10], created[11:13] + created[14:16]) == (day, minute)
            found.append(logged["entity_id"])
    assert sorted(found) == made
    assert outcomes(monitor) == (60, 60, 0, 0)


def test_of_two_services_in_one_folder_each_ships_its_own_and_what_the_other_left(
    new_monitor: NewMonitor,
) -> None:
    one, two = Absent(), Absent()
    first, second = new_monitor(one), new_monitor(two)
    made, others = predict(first, 50), predict(second, 50)
    two.there = True
    assert second.flush(60)
    assert ids(two) == others
    assert outcomes(first) == outcomes(second) == (100, 50, 0, 50)
    one.there = True
    assert first.flush(60)
    assert ids(one) == made


PROGRAM = """
import os, signal, sys, threading
import numpy as np
from boxkite import Baseline, Monitor, Settings
from boxkite.testing import RecordingSink

signal.alarm(60)  # ends what hangs
state, log, how, number = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])

class Ids(RecordingSink):
    def deliver(self, batch):
        if how == "hangs":
            threading.Event().wait()
        if how == "absent":
            raise ConnectionRefusedError("nobody there")
        with open(log, "a") as file:
            file.write("".join(record.entity_id + "\\n" for record in batch.records))

settings = Settings(state_dir=state or None)
baseline = Baseline.fit({"a": np.arange(8.0)}, bins=2, model="m", version="1")
monitor = Monitor(baseline, Ids(), registry=None, settings=settings)
for _ in range(number):
    print(monitor.log_prediction([1.0]).rpartition("/")[2])
if how == "hangs" and number > 10:
    monitor.flush(0.5)
if how == "late":
    monitor.flush(10)
"""


def run(state: Path | str, log: Path, how: str, number: int) -> list[str]:
    """Run a program that predicts and ends; returns the ids."""
    arguments = [str(state), str(log), how, str(number)]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "how", "number"),
    [
        ("state", "hangs", 10),
        ("state", "absent", 100),
        ("", "hangs", 100),
        ("", "absent", 10),
        pytest.param("state", "hangs", 100, marks=pytest.mark.slow),
        pytest.param("state", "absent", 10, marks=pytest.mark.slow),
        pytest.param("", "hangs", 10, marks=pytest.mark.slow),
        pytest.param("", "absent", 100, marks=pytest.mark.slow),
    ],
)
def test_a_program_ends_though_records_wait_and_the_next_delivers_them(
    folder: str, how: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / folder if folder else ""
    name = f"Ids{tmp_path.name}"  # other runs' records wait below /var/tmp too
    monkeypatch.setattr(sys.modules[__name__], "PROGRAM", PROGRAM.replace("Ids", name))
    log = tmp_path / "log"
    made = run(state, log, how, number)
    assert not log.exists()
    made += run(state, log, "late", 5)
    assert sorted(log.read_text().split()) == sorted(made)


def test_records_of_a_short_program_are_delivered_at_its_end(tmp_path: Path) -> None:
    made = run(tmp_path / "state", tmp_path / "log", "well", 5)
    assert (tmp_path / "log").read_text().split() == made
