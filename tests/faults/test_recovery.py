"""Whatever call fails, and wherever the process dies, each record that was acknowledged is counted
exactly once."""

import errno
import fcntl
import mmap
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boxkite import Baseline
from boxkite.error_reporter import STAGES, ErrorReporter
from boxkite.live import durable_counts, group_member
from boxkite.live.durable_counts import DurableCounts
from boxkite.live.mapped_journal import segment_path
from boxkite.live.record import Record, encode
from boxkite.live.state_folder import StateFolder
from boxkite.live.worker import Worker
from boxkite.live.worker_folder import WorkerFolder
from boxkite.live.worker_group import WorkerGroup
from tests.live.conftest import Unexpected

BASELINE = Baseline.fit({"a": np.arange(8.0)}, bins=2)
NO_ERRORS = [0] * len(STAGES)
CONTENT = encode(Record("id", 1, [1.0], None))


# Every call through which the engine changes what is on the disk, or reads it.
CALLS = [
    (os, "open"),
    (os, "mkdir"),
    (os, "rename"),
    (os, "replace"),
    (os, "unlink"),
    (os, "rmdir"),
    (os, "posix_fallocate"),
    (os, "pwrite"),
    (os, "truncate"),
    (os, "ftruncate"),
    (os, "stat"),
    (os, "fstat"),
    (os, "scandir"),
    (fcntl, "flock"),
    (mmap, "mmap"),
]


class Calls:
    """Counts the calls to the system, and does something else in place of, or after, one."""

    def __init__(
        self, patch: pytest.MonkeyPatch, happens: Callable[[], None] | None = None
    ) -> None:
        self.made: list[str] = []
        self.turn = 0
        self._happens = happens
        for module, name in CALLS:
            if hasattr(module, name):
                patch.setattr(module, name, self._counted(name, getattr(module, name)))

    def _counted(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **keywords: Any) -> Any:
            self.made.append(name)
            if len(self.made) == self.turn and self._happens is not None:
                self._happens()
            return real(*args, **keywords)

        return call


def fail_with(code: int) -> Callable[[], None]:
    def fail() -> None:
        raise OSError(code, os.strerror(code))

    return fail


def life(folder: Path, reporter: ErrorReporter) -> int:
    """Live beside another worker: join, count, grow, adopt; returns the predictions shown."""
    # One thread, so that calls come in the same order each time.
    counter = DurableCounts(BASELINE, StateFolder(str(folder)), reporter, 1 << 20)
    shown = []
    for _ in range(4):
        for _ in range(10):
            counter.append(CONTENT)
        shown.append(counter.totals().predictions)
    counter.fold_within(60)
    assert shown == sorted(shown)
    return counter.totals().predictions


def leave_dead(folder: Path, number: int) -> None:
    """Leave a dead worker with a part of its records folded."""
    group = StateFolder(str(folder)).group_folder(BASELINE)
    worker = Worker(group, BASELINE, 300, 1 << 20)
    for i in range(number):
        if i == number // 2:
            worker.fold(NO_ERRORS)
        worker.journal.append(CONTENT)
    worker.abandon()


def counted(folder: Path) -> tuple[int, list[str]]:
    """Count with sound calls what is in a folder; returns the predictions, and what is there."""
    group = WorkerGroup(StateFolder(str(folder)).group_folder(BASELINE), BASELINE, Unexpected())
    group.adopt("")
    return group.others("").predictions, sorted(
        path.name for path in group.folder.iterdir() if not path.name.startswith((".", "hour-"))
    )


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of few records, and a folder that is tried again at once."""
    monkeypatch.setattr(group_member, "SEGMENT_BYTES", 300)
    monkeypatch.setattr(durable_counts, "_RETRY_SECONDS", 0.0)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "code", ["ENOSPC", *(pytest.param(code, marks=pytest.mark.slow) for code in ("EIO", "EMFILE"))]
)
def test_whichever_call_fails_nothing_acknowledged_is_lost(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = calls = 0
    failed = set()
    while turn <= calls:
        turn += 1
        folder = tmp_path / str(turn)
        folder.mkdir()
        leave_dead(folder, 10)
        reporter = ErrorReporter()
        with monkeypatch.context() as patch:
            made = Calls(patch, fail_with(getattr(errno, code)))
            made.turn = turn
            total = life(folder, reporter)
            calls = len(made.made)
        if turn <= calls:
            failed.add(made.made[turn - 1])
        # The own ones are in each total. The dead one's come when its folder can be read again.
        assert total == 50, (turn, made.made[turn - 1])
        assert counted(folder) == (50, ["retired.counts", "retired.lock"]), turn
    assert {"open", "mkdir", "rename", "unlink", "posix_fallocate", "mmap"} <= failed


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("name", ["open", "mkdir", "rename", "unlink", "posix_fallocate", "flock"])
def test_calls_that_fail_from_some_moment_on_lose_nothing_while_the_process_lives(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for healthy in (0, 1, 2, 3, 5, 8, 13):
        folder = tmp_path / str(healthy)
        folder.mkdir()
        made = 0

        def failing(real: Callable[..., Any], first: int) -> Callable[..., Any]:
            def call(*args: Any, **keywords: Any) -> Any:
                nonlocal made
                made += 1
                if made > first:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                return real(*args, **keywords)

            return call

        module: Any = fcntl if name == "flock" else os
        with monkeypatch.context() as patch:
            patch.setattr(module, name, failing(getattr(module, name), healthy))
            assert life(folder, ErrorReporter()) == 40


def dying(folder: Path, turn: int) -> int:
    """Adopt in a forked process that dies at a call; returns its exit status."""
    child = os.fork()
    if not child:
        calls = Calls(pytest.MonkeyPatch(), lambda: os._exit(1))
        calls.turn = turn
        counted(folder)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_wherever_an_adopter_dies_the_next_one_counts_each_record_once(tmp_path: Path) -> None:
    turn, status = 0, 1
    while status:
        turn += 1
        folder = tmp_path / str(turn)
        leave_dead(folder, 10)
        leave_dead(folder, 20)
        status = dying(folder, turn)
        assert counted(folder) == (30, ["retired.counts", "retired.lock"]), turn
        assert counted(folder) == (30, ["retired.counts", "retired.lock"]), turn
    assert turn > 30


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_adopters_that_die_one_after_the_other_count_each_record_once(tmp_path: Path) -> None:
    for _ in range(3):
        leave_dead(tmp_path, 10)
    turn = 0
    while dying(tmp_path, turn % 60 + 1):
        turn += 1
        assert turn < 1000
    assert counted(tmp_path) == (30, ["retired.counts", "retired.lock"])


@pytest.mark.usefixtures("small")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_wherever_a_worker_dies_what_it_acknowledged_is_counted_once(tmp_path: Path) -> None:
    turn, status = 0, 1
    while status:
        turn += 1
        folder = tmp_path / str(turn)
        folder.mkdir()
        leave_dead(folder, 10)
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            calls = Calls(pytest.MonkeyPatch(), lambda: os._exit(1))
            calls.turn = turn
            counter = DurableCounts(BASELINE, StateFolder(str(folder)), ErrorReporter(), 1 << 20)
            for _ in range(40):
                counter.append(CONTENT)
                os.write(writer, b"1")
                if len(calls.made) % 3 == 0:
                    counter.totals()
            os._exit(0)
        os.close(writer)
        with open(reader, "rb") as acknowledged:
            count = len(acknowledged.read())
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        found, left = counted(folder)
        # The one whose append was not over may be there too.
        assert 10 + count <= found <= 10 + count + 1, turn
        assert left == ["retired.counts", "retired.lock"]
    assert turn > 30


@pytest.mark.parametrize("how", ["cut", "flipped"])
def test_a_journal_damaged_at_any_byte_gives_the_records_before_the_damage(
    how: str, tmp_path: Path
) -> None:
    worker = Worker(tmp_path, BASELINE, 250, 1 << 20)
    ends = []
    for _ in range(5):
        worker.journal.append(CONTENT)
        ends.append(worker.journal.end.offset)
    worker.abandon()
    path = segment_path(worker.folder, 1)
    content = path.read_bytes()
    for place in range(16, len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 0x55
        path.write_bytes(content[:place] if how == "cut" else damaged)
        counts, errors = WorkerFolder(worker.folder).surviving_counts(BASELINE)
        assert errors == []
        assert counts.predictions == sum(end <= place for end in ends)


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a small file system")
def test_a_disk_that_is_really_full_loses_nothing(tmp_path: Path, unshare: tuple[str, ...]) -> None:
    program = """
import os, subprocess, sys
import numpy as np
from boxkite import Baseline, Monitor, Settings
from boxkite.live import durable_counts, group_member
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", sys.argv[1]], check=True)
group_member.SEGMENT_BYTES = 1 << 16
durable_counts._RETRY_SECONDS = 0.0
monitor = Monitor(Baseline.fit({"a": np.arange(8.0)}), registry=None,
                  settings=Settings(state_dir=sys.argv[1] + "/state"))
def count(number):
    for _ in range(number):
        monitor.log_prediction([1.0])
    return monitor.drift().predictions
shown = [count(100)]
with open(sys.argv[1] + "/filler", "wb", buffering=0) as filler:
    try:
        while True:
            filler.write(bytes(512))
    except OSError:
        pass
shown.append(count(10_000))
os.unlink(sys.argv[1] + "/filler")
shown.append(count(100))
subprocess.run(["mount", "-o", "remount,ro", sys.argv[1]], capture_output=True)
shown.append(count(100))
sys.stdout.write(str(shown))
"""
    command = [*unshare, sys.executable, "-c", program, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (result.returncode, result.stdout) == (0, "[100, 10100, 10200, 10300]"), result.stderr
    assert result.stderr.count("boxkite journal") == 1
    assert "No space left on device" in result.stderr
