"""Test compaction: what it writes, what is safe beside it, and what a kill leaves behind."""

import json
import signal
import subprocess
import sys
from typing import Any

import pyarrow.parquet as pq
import pytest

from boxkite.errors import ConfigError, LogReadError
from boxkite.logs.compaction import compactor, part_writer
from boxkite.logs.compaction.compactor import Compacted
from boxkite.logs.compaction.line_sorter import LineSorter
from boxkite.logs.log_line import parse_line
from boxkite.logs.reader.log_days import ChangedLogError
from boxkite.logs.reader.log_reader import LogReader
from boxkite.logs.stores.local_store import LocalStore
from tests.logs.compaction.conftest import Log, Stopped, StoppingStore

ORDER = list("abcdefg")


def stop() -> None:
    raise Stopped


@pytest.mark.parametrize("delete", [False, True])
def test_a_compacted_day_has_each_prediction_once_in_the_order_of_time(
    log: Log, delete: bool
) -> None:
    before = {line for line, _ in LogReader.open(str(log.folder)).predictions()}
    (found,) = log.compact(delete=delete)
    assert found == Compacted("flights", "2026-11-23", 7, 1, found.bytes, 4 if delete else 0)
    assert len(log.files("*.txt")) == (0 if delete else 4)
    (part,) = (log.folder / "compacted/endpoint=flights/dt=2026-11-23").glob("part-*.parquet")
    assert pq.read_table(part)["entity_id"].to_pylist() == ORDER
    assert log.read() == ORDER
    assert {line for line, _ in LogReader.open(str(log.folder)).predictions()} == before


def test_other_days_and_endpoints_stay_as_they_are(log: Log) -> None:
    log.write("h", endpoint="other")
    log.compact(endpoint="flights", delete=True)
    assert log.files("*.txt") == ["0900_w1-pod.txt"]
    assert log.read() == [*ORDER, "h"]
    assert [each[:3] for each in log.compact()] == [
        ("flights", "2026-11-23", 7),
        ("other", "2026-11-23", 1),
    ]


@pytest.mark.parametrize("delete", [False, True])
def test_late_lines_are_read_too_and_a_second_compaction_takes_them(log: Log, delete: bool) -> None:
    log.compact(delete=delete)
    log.write("a", "i", logger="late")  # `a` was delivered before
    log.write("e", "h", time="09:01:00", logger="late", minutes=5)
    assert log.read() == [*"abcde", "h", "i", *"fg"]
    assert log.read(since="2026-11-23T09:01") == [*"de", "h", *"fg"]
    (found,) = log.compact(delete=delete)
    assert (found.predictions, found.deleted) == (9, 2 if delete else 0)
    assert log.read() == [*"abc", "i", *"de", "h", *"fg"]
    assert len(log.files("part-*")) == len(log.files("_manifest-*")) == 1


def test_a_day_without_news_is_not_written_again(log: Log) -> None:
    first = log.compact()
    files = log.files("*.parquet")
    assert log.compact() == first
    assert log.files("*.parquet") == files
    (deleting,) = log.compact(delete=True)
    assert deleting.deleted == 4
    assert log.files("*.parquet") == files
    assert log.read() == ORDER


def test_a_name_that_is_used_again_after_its_file_was_deleted_is_late(log: Log) -> None:
    log.compact(delete=True)
    # This file has the name and the size of a file that the manifest covers.
    log.write("x", "y")
    assert sorted(log.read()) == [*ORDER, "x", "y"]
    log.compact(delete=True)
    assert sorted(log.read()) == [*ORDER, "x", "y"]


def test_a_day_that_does_not_fit_into_memory_is_sorted_too(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compactor, "LineSorter", lambda: LineSorter(max_run_bytes=300))
    monkeypatch.setattr(part_writer, "_PART_BYTES", 1)
    monkeypatch.setattr(part_writer, "_CHUNK_ROWS", 2)
    log.write("B", "A", logger="w3")
    (found,) = log.compact(delete=True)
    assert (found.predictions, found.files) == (9, 5)
    assert log.read() == ["A", "B", *ORDER]
    assert log.read(since="2026-11-23T09:01", until="2026-11-23T23:59") == ["d", "e"]


def test_the_sorter_keeps_the_order_of_equal_times() -> None:
    lines = [
        json.dumps({"entity_id": str(i), "created_at": f"2026-11-23T09:00:0{i % 2}Z"}).encode()
        + b"\n"
        for i in range(20)
    ]
    with LineSorter(max_run_bytes=300) as sorter:
        for line in lines:
            sorter.add(parse_line(line).created_at, line)
        found = [int(each.entity_id) for _, each in sorter.sorted()]
    assert found == [*range(0, 20, 2), *range(1, 20, 2)]


@pytest.mark.parametrize("after", [False, True])
def test_a_compaction_that_is_killed_at_any_change_loses_and_doubles_nothing(
    log: Log, after: bool, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kill the second compaction of a day, which takes late lines, at each change in turn."""
    monkeypatch.setattr(part_writer, "_PART_BYTES", 1)
    monkeypatch.setattr(part_writer, "_CHUNK_ROWS", 3)
    log.compact()
    log.write("h", logger="late")
    for number in range(1, 30):
        copy = Log(tmp_path / f"copy-{number}")
        for file in log.store.list(""):
            copy.store.put_new(file.path, [log.store.read(file.path)])
        store = StoppingStore(copy.store, number, stop, after=after)
        try:
            copy.compact(store, delete=True)
        except Stopped:
            assert sorted(copy.read()) == [*ORDER, "h"], number
            copy.write("i", logger="late_too")
            assert sorted(copy.read()) == [*ORDER, "h", "i"], number
            (found,) = copy.compact(delete=True)
            assert found.predictions == 9
            assert sorted(copy.read()) == [*ORDER, "h", "i"], number
            assert len(copy.files("part-*")) == found.files, number
            assert (len(copy.files("_manifest-*")), copy.files("*.txt")) == (1, []), number
        else:
            assert number > 8
            break
    else:
        pytest.fail("the compaction never ended")


@pytest.mark.parametrize("number", range(1, 10))
def test_a_reader_beside_a_compaction_sees_everything_or_is_told_to_read_again(
    log: Log, number: int
) -> None:
    began = LogReader.open(str(log.folder))
    seen: list[list[str]] = []

    def read() -> None:
        seen.append(log.read())
        try:
            seen.append([each.entity_id for _, each in began.predictions()])
        except ChangedLogError as error:
            assert "was compacted while it was read. Read it again" in str(error)  # noqa: PT017

    store = StoppingStore(log.store, number, read, after=True)
    log.compact(store, delete=True)
    assert all(sorted(each) == ORDER for each in seen)
    assert seen or store.changes < number


@pytest.mark.parametrize("number", range(1, 8))
def test_lines_that_come_during_a_compaction_are_not_lost(log: Log, number: int) -> None:
    store = StoppingStore(log.store, number, lambda: log.write("h", logger="new"), after=False)
    log.compact(store, delete=True)
    assert sorted(log.read()) == log.expected


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("number", range(1, 8))
def test_two_compactions_at_once_lose_and_double_nothing(log: Log, number: int, late: bool) -> None:
    def other() -> None:
        if late:
            log.write("h", logger="late")
        log.compact(delete=True)

    store = StoppingStore(log.store, number, other, after=False)
    log.compact(store, delete=True)
    assert sorted(log.read()) == log.expected
    assert [each.predictions for each in log.compact(delete=True)] == [len(log.expected)]
    assert log.files("*.txt") == []
    assert len(log.files("part-*")) == len(log.files("_manifest-*")) == 1


def test_a_compaction_slower_than_two_others_does_not_take_a_number_that_is_free_again(
    log: Log,
) -> None:
    def others() -> None:
        log.compact(delete=True)
        log.write("h", logger="late")
        log.compact(delete=True)

    log.compact(StoppingStore(log.store, 2, others, after=False), delete=True)
    assert sorted(log.read()) == [*ORDER, "h"]
    assert log.files("_manifest-*") == ["_manifest-000002.json"]


class Overwriting(LocalStore):
    """A store whose service ignores conditional puts."""

    def keeps_existing_files(self) -> bool:
        return False


def test_lines_are_not_deleted_in_a_store_that_may_overwrite_files(log: Log) -> None:
    store = Overwriting(log.folder)
    with pytest.raises(ConfigError, match=r"ignores conditional puts.* without --delete"):
        log.compact(store, delete=True)
    assert [each.predictions for each in log.compact(store)] == [7]
    assert log.read() == ORDER


def test_a_file_with_a_damaged_line_is_not_covered_and_stays(
    log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = log.folder / "models/predictions/flights/2026-11-23/0901_w1-pod.txt"
    damaged.write_bytes(damaged.read_bytes() + b"{damaged\n")
    log.compact(delete=True)
    assert "0901_w1-pod.txt, line 3: " in capsys.readouterr().out
    assert log.files("*.txt") == ["0901_w1-pod.txt"]
    with pytest.warns(UserWarning, match="0901_w1-pod.txt, line 3: "):
        assert log.read() == ORDER


@pytest.mark.parametrize("damage", ["cut", "flipped", "gone"])
def test_a_damaged_part_is_an_error(log: Log, damage: str) -> None:
    log.compact()
    (part,) = log.folder.rglob("part-*.parquet")
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content[:-1] if damage == "cut" else content)
    if damage == "gone":
        part.unlink()
    what = "is missing" if damage == "gone" else "is damaged: its SHA-256 is not the one in the"
    with pytest.raises(LogReadError, match=rf"{part.name} {what}.* Restore it\."):
        log.read()
    log.write("h", logger="late")
    with pytest.raises(LogReadError, match=r"Restore it\."):
        log.compact(delete=True)
    assert len(log.files("*.txt")) == 5


def test_lines_stay_if_a_part_is_missing(log: Log) -> None:
    log.compact()
    next(log.folder.rglob("part-*.parquet")).unlink()
    with pytest.raises(LogReadError, match=r"is missing or does not have .* are not deleted"):
        log.compact(delete=True)
    assert len(log.files("*.txt")) == 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is damaged: Input data was truncated"),
        (b"{}", "is damaged: Object missing required field"),
        (b'{"format":9,"rows":0,"parts":[],"sources":[]}', "has format 9, and this boxkite reads"),
    ],
)
def test_a_damaged_manifest_is_an_error(log: Log, content: bytes, message: str) -> None:
    log.compact()
    next(log.folder.rglob("_manifest-*")).write_bytes(content)
    with pytest.raises(LogReadError, match=message):
        log.read()


def test_files_that_are_not_ours_stay(log: Log) -> None:
    folder = log.folder / "compacted/endpoint=flights/dt=2026-11-23"
    folder.mkdir(parents=True)
    (folder / "part-mine.parquet").write_text("mine")
    log.compact()
    log.write("h", logger="late")
    log.compact()
    assert (folder / "part-mine.parquet").read_text() == "mine"


PROGRAM = """
import datetime, os, signal, sys
from boxkite.logs.compaction.compactor import Compactor
from boxkite.logs.stores.local_store import LocalStore

calls = 0

def count(event, arguments):
    global calls
    if event not in ("os.link", "os.remove"):
        return
    calls += 1
    if calls == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
list(Compactor(LocalStore(sys.argv[1]), print).compact(datetime.date(2026, 11, 23), delete=True))
"""


@pytest.mark.slow
def test_a_process_that_is_killed_at_any_system_call_loses_and_doubles_nothing(log: Log) -> None:
    codes = []
    for call in (1, 2, 4, 5, 7):  # link and remove the part, then the manifest, then old files
        command = [sys.executable, "-c", PROGRAM, str(log.folder), str(call)]
        codes.append(subprocess.run(command, check=False).returncode)
        assert sorted(log.read()) == log.expected
        log.write(chr(ord("h") + call), logger=f"late_{call}")
    assert set(codes) == {-signal.SIGKILL}
    log.compact(delete=True)
    assert sorted(log.read()) == log.expected
    assert log.files("*.txt") == []
    assert len(log.files("part-*")) == len(log.files("_manifest-*")) == 1
