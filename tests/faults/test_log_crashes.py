"""Wherever the process dies, or whichever call fails, while records are shipped, adopted, put away
or given up: each is in the log once, or counted as dropped."""

import errno
import fcntl
import json
import mmap
import os
from collections import Counter as Multiset
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from boxkite import Baseline
from boxkite.error_reporter import STAGES, ErrorReporter
from boxkite.live import durable_counts, group_member
from boxkite.live.counts_file import CountsFile
from boxkite.live.durable_counts import DurableCounts
from boxkite.live.orphan_recovery import OrphanRecovery
from boxkite.live.record import Record, encode
from boxkite.live.state_folder import StateFolder
from boxkite.live.worker import Worker
from boxkite.logs.prediction_log import PredictionLog
from boxkite.logs.rejected import RejectedFile
from boxkite.logs.shipper import Shipper
from boxkite.logs.sink import Batch
from boxkite.logs.sinks.files_sink import FilesSink
from boxkite.logs.stores.local_store import LocalStore
from boxkite.signals import EventSender
from tests.live import conftest

BASELINE = Baseline.fit({"a": np.arange(8.0)}, bins=2, model="m", version="1")
OTHER = BASELINE.relabelled(version="2")
CONTEXT = msgspec.structs.replace(conftest.CONTEXT, sink="files")
MINUTE = 60_000_000_000
NOON = 1_795_435_200 * 1_000_000_000

# Every step that changes what is on the disk, or reads it.
CALLS: list[tuple[Any, str]] = [
    *((os, name) for name in ("open", "mkdir", "rename", "replace", "link", "unlink", "rmdir")),
    *((os, name) for name in ("posix_fallocate", "write", "truncate", "ftruncate", "fsync")),
    *((os, name) for name in ("stat", "fstat", "scandir")),
    (fcntl, "flock"),
    (mmap, "mmap"),
    (CountsFile, "commit"),
    (FilesSink, "deliver"),
]


class Calls:
    """Counts the steps; in place of one, or after it, something else happens."""

    def __init__(
        self,
        patch: pytest.MonkeyPatch,
        turn: int = 0,
        happens: Callable[[], None] = lambda: None,
        after: bool = False,
    ) -> None:
        self.number = 0
        self.failed = ""
        self._turn, self._happens, self._after = turn, happens, after
        for owner, name in CALLS:
            if hasattr(owner, name):
                patch.setattr(owner, name, self._counted(name, getattr(owner, name)))

    def _counted(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **keywords: Any) -> Any:
            self.number += 1
            now = self.number == self._turn
            self.failed = name if now else self.failed
            if now and not self._after:
                self._happens()
            try:
                return real(*args, **keywords)
            finally:
                if now and self._after:
                    self._happens()

        return call


def record(number: int) -> bytes:
    """A record, five of a minute; all minutes are over."""
    created = NOON + number // 5 * MINUTE
    return encode(Record(f"{number:06}", created, [1.0], None, logged=True))


def leave_dead(folder: Path, baseline: Baseline, first: int, number: int, name: str) -> None:
    """Leave a dead worker with a part of its records counted, and a batch of them sealed."""
    context = msgspec.structs.replace(CONTEXT, logger_id=name)
    group = StateFolder(str(folder)).group_folder(baseline)
    worker = Worker(group, baseline, 300, 1 << 20, context)
    for each in range(first, first + number):
        worker.journal.append(record(each))
        if each == first + number // 2:
            worker.fold([0] * len(STAGES))
            worker.outbox.seal(worker.outbox.waiting(3, 1 << 20), 3)
    worker.abandon()


class Service:
    """Counts and their shipper, without threads. It opens its own sink."""

    url = None
    opened = None

    def __init__(self, folder: Path, name: str, max_bytes: int = 1 << 20) -> None:
        state = StateFolder(str(folder / "state"))
        self.reporter = ErrorReporter()
        context = msgspec.structs.replace(CONTEXT, logger_id=name)
        self.counts = DurableCounts(BASELINE, state, self.reporter, max_bytes, context)
        self.sink: Any = FilesSink(LocalStore(folder / "log"), "files")
        self.shipper = Shipper(
            PredictionLog(self, context, "files"),
            self.counts,
            OrphanRecovery(self.counts, state, max_bytes),
            RejectedFile(state),
            EventSender(self, lambda: None, ErrorReporter()),
            self.reporter,
            max_bytes,
        )
        self.shipper._background.stop(60)

    def open(self) -> Any:
        return self.sink

    def ship(self) -> None:
        self.counts.fold()
        self.shipper._flushes += 1
        self.shipper._recover_at = 0.0
        self.shipper.run_in_background()

    def live(self, tell: Callable[[bytes], Any]) -> None:
        """Take records, ship them, take over from the dead."""
        for first in (100, 120):
            for number in range(first, first + 12):
                self.counts.append(record(number))
                tell(b"%d\n" % number)
            self.ship()
        self.ship()
        self.counts.append(record(140))
        tell(b"140\n")
        self.ship()

    def log(self) -> dict[str, int]:
        return self.counts.totals().log_by_outcome()


def logged(folder: Path) -> Multiset[int]:
    """How often each record is in the log."""
    files = (folder / "log").rglob("*.txt")
    lines = [line for path in files for line in path.read_bytes().splitlines()]
    return Multiset(int(json.loads(line)["entity_id"]) for line in lines)


def prepare(folder: Path) -> None:
    leave_dead(folder / "state", BASELINE, 0, 10, "dead")
    leave_dead(folder / "state", BASELINE, 10, 1, "small")
    leave_dead(folder / "state", OTHER, 50, 10, "other")


DEAD = [*range(11), *range(50, 60)]


def recovered(folder: Path) -> dict[str, int]:
    """Ship with sound calls what is left; returns the outcomes."""
    service = Service(folder, "last")
    service.ship()
    service.ship()
    group = service.counts.adopt()
    assert group is not None
    assert list(group.folder.glob("orphan-*")) == []
    assert len(list(group.folder.glob("worker-*"))) == 1
    return service.log()


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of few records, and a folder that is tried again at once."""
    monkeypatch.setattr(group_member, "SEGMENT_BYTES", 300)
    monkeypatch.setattr(durable_counts, "_RETRY_SECONDS", 0.0)


def dying(run: Callable[[Callable[[bytes], Any]], None], turn: int, after: bool) -> tuple[int, str]:
    """Run in a forked process that dies at a step; returns its status and what it told."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        told = os.write
        try:
            Calls(pytest.MonkeyPatch(), turn, lambda: os._exit(1), after)
            run(lambda line: told(writer, line))
            os._exit(0)
        finally:
            os._exit(2)
    os.close(writer)
    with open(reader, "rb") as lines:
        text = lines.read().decode()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), text


EVERY = pytest.param(
    *(1,), id="every", marks=[pytest.mark.slow, pytest.mark.exhaustive, pytest.mark.timeout(1200)]
)
SEVENTH = pytest.param(7, id="seventh", marks=pytest.mark.slow)
steps = pytest.mark.parametrize("step", [EVERY, SEVENTH, pytest.param(41, id="some")])


@steps
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_wherever_the_shipper_dies_each_record_is_in_the_log_once(
    after: bool, step: int, tmp_path: Path
) -> None:
    turn, status = 1, 1
    while status:
        turn += step
        folder = tmp_path / str(turn)
        prepare(folder)
        status, text = dying(lambda tell: Service(folder, "first").live(tell), turn, after)  # noqa: B023
        assert status < 2
        told = [int(line) for line in text.split()]
        log = recovered(folder)
        found = logged(folder)
        assert set(found.values()) == {1}, (turn, found)
        # The one whose append was not over may be there too.
        assert {*DEAD, *told} <= set(found), turn
        assert len(found) <= len(DEAD) + len(told) + 1
        own = len([number for number in found if not 50 <= number < 60])
        assert (log["accepted"], log["delivered"]) == (own, own), (turn, log)
        assert (log["dropped"], log["pending"]) == (0, 0), turn
    assert turn > 300


def fail_with(code: int) -> Callable[[], None]:
    def fail() -> None:
        raise OSError(code, os.strerror(code))

    return fail


@steps
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_whichever_call_fails_each_record_is_in_the_log_once(
    code: int, step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = 1
    calls = turn + 1
    while turn < calls:
        turn += step
        folder = tmp_path / str(turn)
        prepare(folder)
        told: list[bytes] = []
        with monkeypatch.context() as patch:
            made = Calls(patch, turn, fail_with(code))
            service = Service(folder, "first")
            service.live(told.append)
            calls = made.number
        service.ship()
        service.ship()
        found = logged(folder)
        assert found == Multiset([*DEAD, *map(int, told)]), (turn, made.failed)
        log = service.log()
        own = len(found) - 10
        assert (log["accepted"], log["delivered"]) == (own, own), (turn, made.failed, log)
        assert (log["dropped"], log["pending"]) == (0, 0), turn
    assert turn > 300


class NoSink:
    """Is never there."""

    name = "none"
    whole_minutes = False

    def deliver(self, batch: Batch) -> None:
        raise ConnectionRefusedError(f"nobody there for {len(batch.records)}")

    def close(self) -> None:
        """Do nothing."""


def fill_up(folder: Path, tell: Callable[[bytes], Any]) -> None:
    """Take more records than the journal may hold, while the sink is not there."""
    service = Service(folder, "first", max_bytes=1200)
    service.sink = NoSink()
    for number in range(100, 150):
        service.counts.append(record(number))
        tell(b"%d\n" % number)
        if number % 10 == 0:
            service.ship()


@steps
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_wherever_one_dies_that_gives_up_each_record_is_in_the_log_or_dropped(
    step: int, tmp_path: Path
) -> None:
    turn, status = 1, 1
    while status:
        turn += step
        folder = tmp_path / str(turn)
        for each in range(4):
            leave_dead(folder / "state", BASELINE, 5 * each, 5, f"dead{each}")
        status, text = dying(lambda tell: fill_up(folder, tell), turn, after=False)  # noqa: B023
        assert status < 2
        log = recovered(folder)
        found = logged(folder)
        assert set(found.values()) <= {1}, (turn, found)
        assert log["accepted"] - 20 - len(text.split()) in (0, 1)
        assert len(found) == log["delivered"] == log["accepted"] - log["dropped"], (turn, log)
        assert log["pending"] == 0
    assert turn > 300
    assert log["dropped"] > 20
