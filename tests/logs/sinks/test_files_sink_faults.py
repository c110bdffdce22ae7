"""Kill writers at each step, and let the disk fail at each step: no file is partial or lost."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from boxkite.live.log_context import LogContext
from boxkite.logs.log_record import LogRecord
from boxkite.logs.sink import Batch
from boxkite.logs.sinks.files_sink import FilesSink
from boxkite.logs.stores.local_store import LocalStore

CONTEXT = LogContext(
    sink="", server_id="", endpoint_id="e", logger_id="w", replica_id="r", model="", version=""
)
DAY = "models/predictions/e/2026-11-23"
KILLED = 99

# Every call through which the store changes what is on the disk, or looks at it.
CALLS = ["open", "write", "fsync", "close", "link", "rename", "unlink", "mkdir", "stat", "lstat"]


def record(entity_id: str, minute: str) -> LogRecord:
    return LogRecord(
        prediction_id="",
        entity_id=entity_id,
        server_id="",
        endpoint_id="e",
        model="",
        version="",
        created_at=f"2026-11-23T{minute}:00.000000Z",
        features=["x" * 1000],
        output=1,
    )


def batch_of(name: str) -> Batch:
    """Return a batch with records of two minutes."""
    return Batch(CONTEXT, [record(f"{name}{number}", f"14:0{number // 2}") for number in range(4)])


class Calls:
    """Count the calls to the system, and do something else at one of them."""

    def __init__(
        self, patch: pytest.MonkeyPatch, turn: int, happens: Callable[[str, Any, Any], None]
    ) -> None:
        self.made: list[str] = []
        self._turn = turn
        self._happens = happens
        for name in CALLS:
            patch.setattr(os, name, self._counted(name, getattr(os, name)))

    def _counted(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **keywords: Any) -> Any:
            self.made.append(name)
            if len(self.made) == self._turn:
                self._happens(name, real, args)
            return real(*args, **keywords)

        return call


def die(name: str, real: Callable[..., Any], args: Any) -> None:
    """End the process at once, in the middle of a write."""
    if name == "write":
        real(args[0], args[1][: len(args[1]) // 2])
    os._exit(KILLED)


def fail_with(code: int) -> Callable[[str, Any, Any], None]:
    def fail(name: str, real: Callable[..., Any], args: Any) -> None:
        if name == "write":
            real(args[0], args[1][: len(args[1]) // 2])
        elif name == "close":
            real(*args)
        raise OSError(code, os.strerror(code))

    return fail


def deliver_and_die(folder: Path, batch: Batch, turn: int) -> bool:
    """Deliver in a forked process that dies at a call. Return whether it died."""
    child = os.fork()
    if not child:
        Calls(pytest.MonkeyPatch(), turn, die)
        FilesSink(LocalStore(folder), "file").deliver(batch)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, KILLED)
    return status == KILLED


def found(folder: Path) -> dict[str, list[str]]:
    """Return the ids in each visible file, and check that each line is whole."""
    store = LocalStore(folder)
    ids = {}
    for path, size, _ in store.list(""):
        content = store.read(path)
        assert len(content) == size
        assert content.endswith(b"\n")
        ids[path] = [json.loads(line)["entity_id"] for line in content.splitlines()]
    return ids


def remains(folder: Path) -> list[str]:
    """Return the hidden files that are left after old temporary files were removed."""
    for path in folder.rglob(".boxkite-*.part"):
        os.utime(path, (0, 0))
    LocalStore(folder).tidy("models")
    return [path.name for path in folder.rglob(".*") if path.name != ".boxkite-lock"]


@pytest.fixture(params=["links", pytest.param("no links", marks=pytest.mark.slow)])
def _file_system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make hard links impossible in half of the runs."""

    def refused(*_paths: Path) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    if request.param == "no links":
        monkeypatch.setattr(os, "link", refused)


pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
on_both_file_systems = pytest.mark.usefixtures("_file_system")


@on_both_file_systems
def test_wherever_a_writer_dies_each_file_is_whole_and_written_once(tmp_path: Path) -> None:
    expected = {f"{DAY}/1400_w-r.txt": ["a0", "a1"], f"{DAY}/1401_w-r.txt": ["a2", "a3"]}
    turn, died = 0, True
    while died:
        turn += 1
        folder = tmp_path / str(turn)
        died = deliver_and_die(folder, batch_of("a"), turn)
        assert found(folder).items() <= expected.items(), turn
        FilesSink(LocalStore(folder), "file").deliver(batch_of("a"))
        assert found(folder) == expected, turn
        assert remains(folder) == [], turn
    assert turn > 30


@on_both_file_systems
def test_wherever_a_writer_dies_another_with_the_same_ids_overwrites_nothing(
    tmp_path: Path,
) -> None:
    own = {("a0", "a1"), ("a2", "a3")}
    others = {("b0", "b1"), ("b2", "b3")}
    turn, died = 0, True
    while died:
        turn += 1
        folder = tmp_path / str(turn)
        died = deliver_and_die(folder, batch_of("a"), turn)
        before = found(folder)
        FilesSink(LocalStore(folder), "file").deliver(batch_of("b"))
        after = found(folder)
        assert before.items() <= after.items()
        assert sorted(map(tuple, after.values())) == sorted({*map(tuple, before.values()), *others})
        FilesSink(LocalStore(folder), "file").deliver(batch_of("a"))
        assert after.items() <= found(folder).items()
        assert sorted(map(tuple, found(folder).values())) == sorted(own | others), turn


@on_both_file_systems
def test_writers_that_die_one_after_the_other_lose_nothing_in_the_end(tmp_path: Path) -> None:
    turn = 0
    while deliver_and_die(tmp_path, batch_of("a"), turn % 60 + 1):
        turn += 1
        assert turn < 1000
    assert sorted(found(tmp_path).values()) == [["a0", "a1"], ["a2", "a3"]]
    assert remains(tmp_path) == []


@on_both_file_systems
@pytest.mark.parametrize("code", ["ENOSPC", "EIO", "EMFILE", "EACCES"])
@pytest.mark.parametrize("taken", [False, True])
def test_whichever_call_fails_nothing_is_partial_or_overwritten_and_the_next_delivery_completes(
    taken: bool, code: str, tmp_path: Path
) -> None:
    number = "-2" if taken else ""
    there = {f"{DAY}/1400_w-r.txt": ["b0", "b1"], f"{DAY}/1401_w-r.txt": ["b2", "b3"]}
    expected = {
        **(there if taken else {}),
        f"{DAY}/1400_w-r{number}.txt": ["a0", "a1"],
        f"{DAY}/1401_w-r{number}.txt": ["a2", "a3"],
    }
    turn = calls = 0
    failed = set()
    while turn <= calls:
        turn += 1
        folder = tmp_path / str(turn)
        if taken:
            FilesSink(LocalStore(folder), "file").deliver(batch_of("b"))
        sink = FilesSink(LocalStore(folder), "file")
        with pytest.MonkeyPatch.context() as patch:
            made = Calls(patch, turn, fail_with(getattr(errno, code)))
            try:
                sink.deliver(batch_of("a"))
            except OSError as error:
                failed.add((made.made[turn - 1], error.errno))
            calls = len(made.made)
        assert found(folder).items() <= expected.items(), turn
        sink.deliver(batch_of("a"))
        assert found(folder) == expected, turn
        assert remains(folder) == [], turn
    steps = {"open", "write", "fsync", "close", "lstat"}
    if sys.version_info < (3, 14):  # pathlib then asks the system without os.stat
        steps.add("stat")
    assert {(step, getattr(errno, code)) for step in steps} <= failed


@pytest.mark.slow
def test_writers_with_one_id_that_are_killed_at_random_lose_no_acknowledged_record(
    tmp_path: Path,
) -> None:
    program = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from {Path(__file__).stem} import FilesSink, LocalStore, Path, Batch, CONTEXT, record
sink = FilesSink(LocalStore(Path(sys.argv[1])), "file")
for number in range(10_000):
    entity_id = sys.argv[2] + "-" + str(number)
    sink.deliver(Batch(CONTEXT, [record(entity_id, f"14:{{number % 60:02}}")]))
    print(entity_id, flush=True)
"""
    acknowledged: list[str] = []
    for kill in range(20):
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", program, tmp_path, f"{kill}{name}"],
                stdout=subprocess.PIPE,
                text=True,
            )
            for name in "ab"
        ]
        for writer in writers:
            assert writer.stdout is not None
            acknowledged.append(writer.stdout.readline().strip())
        time.sleep(random.uniform(0, 0.05))
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
            assert writer.stdout is not None
            acknowledged += writer.stdout.read().split("\n")[:-1]
            writer.wait()
            writer.stdout.close()
    ids = [entity_id for each in found(tmp_path).values() for entity_id in each]
    assert len(ids) == len(set(ids))
    assert set(acknowledged) <= set(ids)
    assert remains(tmp_path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a small file system")
def test_a_full_disk_holds_no_partial_file_and_takes_the_batch_once_there_is_room(
    tmp_path: Path, unshare: tuple[str, ...]
) -> None:
    program = f"""
import os, subprocess, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from {Path(__file__).stem} import FilesSink, LocalStore, batch_of, found, Path
root = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", root], check=True)
filler = root / ".filler"
filler.write_bytes(bytes(40_000))
sink = FilesSink(LocalStore(root), "file")
delivered, error = [], None
while error is None:
    name = "abcdefghijklmnop"[len(delivered)]
    try:
        sink.deliver(batch_of(name))
        delivered.append(name)
    except OSError as failed:
        error = failed
assert delivered
print(error.strerror, [path.name for path in root.rglob(".boxkite-*")])
before = found(root)
filler.unlink()
sink.deliver(batch_of(name))
after = found(root)
print(before.items() <= after.items())
expected = [name + number for name in delivered + [name] for number in "0123"]
print(sorted(sum(after.values(), [])) == expected)
"""
    command = [*unshare, sys.executable, "-c", program, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.stdout == "No space left on device []\nTrue\nTrue\n", result.stderr
