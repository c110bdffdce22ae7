"""Test the files sink: one file per minute, nothing overwritten, repeated batches recognised."""

import gzip
import json
import math
import sys
import tracemalloc
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec
import pytest

from boxkite import ConfigError
from boxkite.live.log_context import LogContext
from boxkite.logs.log_line import to_line
from boxkite.logs.log_record import LogRecord
from boxkite.logs.partition import parse_path
from boxkite.logs.reader.log_reader import LogReader
from boxkite.logs.sink import Batch, RejectedError
from boxkite.logs.sinks.files_sink import FilesSink
from boxkite.logs.stores.local_store import LocalStore

CONTEXT = LogContext(
    sink="file:log",
    server_id="server",
    endpoint_id="flights",
    logger_id="w1",
    replica_id="pod",
    model="m",
    version="1",
)
DAY = "models/predictions/flights/2026-11-23"


def record(number: int, created_at: str = "2026-11-23T14:05:59.000001Z") -> LogRecord:
    return LogRecord(
        prediction_id=f"server/2026/{number}",
        entity_id=str(number),
        server_id="server",
        endpoint_id="flights",
        model="m",
        version="1",
        created_at=created_at,
        features={"a": number},
        output=0.5,
    )


def batch(*records: LogRecord) -> Batch:
    return Batch(CONTEXT, records)


def files(store: LocalStore) -> dict[str, list[str]]:
    """Return the ids in each file."""
    return {
        path: [json.loads(line)["entity_id"] for line in store.read(path).splitlines()]
        for path, *_ in store.list("")
    }


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path)


@pytest.fixture
def sink(store: LocalStore) -> FilesSink:
    return FilesSink(store, "file")


def test_each_minute_has_a_file_with_its_records_as_lines(sink, store):
    late = record(3, "2026-11-22T23:59:00.000000Z")
    sink.deliver(batch(record(1), late, record(2)))
    assert {path: store.read(path) for path, *_ in store.list("")} == {
        "models/predictions/flights/2026-11-22/2359_w1-pod.txt": to_line(late, 1 << 20),
        f"{DAY}/1405_w1-pod.txt": to_line(record(1), 1 << 20) + to_line(record(2), 1 << 20),
    }
    assert (sink.name, sink.whole_minutes) == ("file", True)


def test_a_file_covers_the_minutes_that_the_setting_gives(store):
    sink = FilesSink(store, "file", whole_minutes=15)
    times = ["14:00:00", "14:14:59", "14:15:00", "13:59:59", "14:29:30"]
    sink.deliver(batch(*(record(n, f"2026-11-23T{t}.000000Z") for n, t in enumerate(times))))
    sink.deliver(batch(record(5, "2026-11-23T14:07:00.000000Z")))
    assert files(store) == {
        f"{DAY}/1345-1359_w1-pod.txt": ["3"],
        f"{DAY}/1400-1414_w1-pod-2.txt": ["5"],
        f"{DAY}/1400-1414_w1-pod.txt": ["0", "1"],
        f"{DAY}/1415-1429_w1-pod.txt": ["2", "4"],
    }


def test_late_records_get_another_file(sink, store):
    for number in (1, 2, 3):
        sink.deliver(batch(record(number)))
    assert files(store) == {
        f"{DAY}/1405_w1-pod-2.txt": ["2"],
        f"{DAY}/1405_w1-pod-3.txt": ["3"],
        f"{DAY}/1405_w1-pod.txt": ["1"],
    }


@pytest.mark.parametrize("new_sink", [False, True])
@pytest.mark.parametrize("compression", [None, "gzip", "zstd"])
def test_the_same_batch_again_writes_nothing(compression, new_sink, store):
    if compression == "zstd":
        pytest.importorskip("zstandard")
    sink = FilesSink(store, "file", compression)
    for number in (1, 2):
        sink.deliver(batch(record(number)))
    before = files_as_they_are(store)
    if new_sink:
        sink = FilesSink(store, "file", compression)
        sink.deliver(batch(record(1)))
    sink.deliver(batch(record(2)))
    assert files_as_they_are(store) == before


def files_as_they_are(store: LocalStore) -> dict[str, bytes]:
    return {path: store.read(path) for path, *_ in store.list("")}


def test_two_replicas_with_the_same_ids_do_not_overwrite_each_other(store):
    one, other = FilesSink(store, "file"), FilesSink(store, "file")
    one.deliver(batch(record(1)))
    other.deliver(batch(record(2)))
    one.deliver(batch(record(3)))
    other.deliver(batch(record(4)))
    assert sorted(files(store).values()) == [["1"], ["2"], ["3"], ["4"]]


def test_a_batch_that_failed_half_way_is_written_once_in_the_end(store):
    class Full(LocalStore):
        def put_new(self, path: str, pieces: Iterable[bytes]) -> bool:
            if "/1406_" in path and self.full:
                raise OSError("full")
            return super().put_new(path, pieces)

        full = True

    full = Full(store.folder)
    sink = FilesSink(full, "file")
    both = batch(record(1), record(2, "2026-11-23T14:06:00.000000Z"))
    for _ in range(3):
        with pytest.raises(OSError, match="full"):
            sink.deliver(both)
    full.full = False
    sink.deliver(both)
    assert files(store) == {f"{DAY}/1405_w1-pod.txt": ["1"], f"{DAY}/1406_w1-pod.txt": ["2"]}


def test_a_file_that_is_pruned_during_a_delivery_does_not_stop_the_sink(store):
    class Vanishing(LocalStore):
        def open(self, path: str) -> IO[bytes]:
            self.remove(path)
            return super().open(path)

    FilesSink(store, "file").deliver(batch(record(1)))
    FilesSink(Vanishing(store.folder), "file").deliver(batch(record(2)))
    assert files(store) == {f"{DAY}/1405_w1-pod-2.txt": ["2"]}


def test_records_without_a_valid_time_are_rejected_and_all_others_written(sink, store):
    with pytest.raises(RejectedError) as caught:
        sink.deliver(
            batch(record(1), record(2, "no time"), record(3), record(4, "2026-13-01T00:00"))
        )
    assert caught.value.reasons == {
        1: "ValueError: created_at is 'no time'. Use RFC 3339 in UTC.",
        3: "ValueError: created_at is '2026-13-01T00:00'. Use RFC 3339 in UTC.",
    }
    assert files(store) == {f"{DAY}/1405_w1-pod.txt": ["1", "3"]}


class Odd(dict):  # type: ignore[type-arg]
    """Cannot be written as a line."""

    def items(self):
        raise RuntimeError("odd")


def odd(number: int, **fields: Any) -> LogRecord:
    return msgspec.structs.replace(record(number), features=Odd(a=math.inf), **fields)


def test_a_minute_whose_records_are_all_rejected_has_no_file(sink, store):
    with pytest.raises(RejectedError) as caught:
        sink.deliver(batch(odd(1), odd(2)))
    assert caught.value.reasons == {0: "RuntimeError: odd", 1: "RuntimeError: odd"}
    assert files(store) == {}


def test_a_record_is_rejected_again_when_its_batch_comes_again(store):
    class Full(LocalStore):
        full = True

        def put_new(self, path: str, pieces: Iterable[bytes]) -> bool:
            if "/1406_" in path and self.full:
                raise OSError("full")
            return super().put_new(path, pieces)

    full = Full(store.folder)
    sink = FilesSink(full, "file")
    both = batch(record(1), odd(2), record(3, "2026-11-23T14:06:00.000000Z"))
    with pytest.raises(OSError, match="full"):
        sink.deliver(both)
    full.full = False
    with pytest.raises(RejectedError) as caught:
        sink.deliver(both)
    assert caught.value.reasons == {1: "RuntimeError: odd"}
    assert files(store) == {f"{DAY}/1405_w1-pod.txt": ["1"], f"{DAY}/1406_w1-pod.txt": ["3"]}


@pytest.mark.parametrize("compression", [None, "gzip", "zstd"])
def test_a_large_batch_takes_little_memory(compression, store):
    if compression == "zstd":
        pytest.importorskip("zstandard")
    size, number = 20_000, 600

    class Large(Sequence):  # type: ignore[type-arg]
        """Records of 20 kB, made when they are used as those of a journal."""

        def __len__(self):
            return number

        def __getitem__(self, index):
            return msgspec.structs.replace(record(index), output=f"{index:0{size}}")

    sink = FilesSink(store, "file", compression)
    sink.deliver(batch(record(number)))  # imports what it needs
    tracemalloc.start()
    try:
        sink.deliver(Batch(CONTEXT, Large()))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 1_000_000 < size * number / 10
    log = LogReader.open(str(store.folder))
    assert sum(1 for _ in log.predictions()) == number + 1


def test_a_lack_of_memory_rejects_no_record_for_good(sink, store, monkeypatch):
    def fail(*_: object) -> bytes:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("boxkite.logs.sink.to_line", fail)
        with pytest.raises(MemoryError):
            sink.deliver(batch(record(1)))
    sink.deliver(batch(record(1)))
    assert files(store) == {f"{DAY}/1405_w1-pod.txt": ["1"]}


def test_ids_of_any_kind_stay_below_the_root(store):
    context = LogContext(
        sink="",
        server_id="",
        endpoint_id="../..",
        logger_id="/",
        replica_id="\0",
        model="",
        version="",
    )
    FilesSink(store, "file").deliver(Batch(context, [record(1)]))
    (path,) = files(store)
    assert path == (
        "models/predictions/id_0cfd1c96cbc0/2026-11-23/1405_id_8a5edab28263-id_6e340b9cffb3.txt"
    )


def test_gzip_and_zstd_hold_the_same_lines(store):
    zstandard = pytest.importorskip("zstandard")
    expected = b"".join(to_line(record(number), 1 << 20) for number in range(100))
    for compression in ("gzip", "zstd"):
        FilesSink(store, "file", compression).deliver(batch(*map(record, range(100))))
    assert [path for path, *_ in store.list("")] == [
        f"{DAY}/1405_w1-pod.txt.gz",
        f"{DAY}/1405_w1-pod.txt.zst",
    ]
    packed = store.read(f"{DAY}/1405_w1-pod.txt.gz")
    assert gzip.decompress(packed) == expected
    assert packed[4:8] == bytes(4)
    assert zlib.decompress(packed, wbits=31) == expected
    zst = store.read(f"{DAY}/1405_w1-pod.txt.zst")
    assert zstandard.ZstdDecompressor().decompressobj().decompress(zst) == expected


def test_an_unknown_or_missing_compression_is_named(store, monkeypatch):
    with pytest.raises(ConfigError, match=r"compression 'bz2'\. Use gzip, zstd or none"):
        FilesSink(store, "file", "bz2")  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(ConfigError, match=r"pip install 'boxkite\[zstd\]'"):
        FilesSink(store, "file", "zstd")


def test_a_limited_number_of_minutes_is_remembered(sink):
    for number in range(300):
        moment = f"2026-11-23T{number // 60:02}:{number % 60:02}:00.000000Z"
        sink.deliver(batch(record(number, moment)))
    assert len(sink._written) == 100


def test_after_many_taken_names_a_file_gets_a_random_one(store):
    for number in range(25):
        FilesSink(store, "file").deliver(batch(record(number)))
    again = FilesSink(store, "file")
    for _ in range(2):
        again.deliver(batch(record(99)))
    found = files(store)
    assert sorted(found.values()) == sorted([str(number)] for number in (*range(25), 99))
    assert all(parse_path(path) for path in found)
    assert sum("_w1_" in path for path in found) == 6
