"""Test reading the log as Arrow batches: intervals, columns, types, duplicates and damage."""

import datetime as dt
import errno
import gzip
import io
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import boxkite.logs
from boxkite.errors import ConfigError
from boxkite.live.log_context import LogContext
from boxkite.logs import LogReadError, LogReadWarning
from boxkite.logs.log_record import LogRecord
from boxkite.logs.reader import line_files
from boxkite.logs.sink import Batch
from boxkite.logs.sinks.files_sink import FilesSink
from boxkite.logs.stores.local_store import LocalStore

Write = Callable[..., str]


@pytest.fixture
def write_log(tmp_path: Path) -> Write:
    """Return a function that logs predictions of 23 November 2026, given as fields."""

    def write(
        *predictions: Mapping[str, Any],
        endpoint: str = "flights",
        logger: str = "w1",
        compression: Any = None,
        max_bytes: int = 2**20,
        minutes: int = 1,
    ) -> str:
        context = LogContext(
            sink="file:", server_id="server", endpoint_id=endpoint, logger_id=logger,
            replica_id="pod", model="arrivals", version="7", max_bytes=max_bytes,
        )  # fmt: skip
        sink = FilesSink(LocalStore(tmp_path / "log"), "file", compression, None, minutes)
        sink.deliver(Batch(context, [_record(context, **each) for each in predictions]))
        return str(tmp_path / "log")

    return write


def _record(context: LogContext, id: str, time: str, **fields: Any) -> LogRecord:  # noqa: A002
    created_at = f"2026-11-23T{time}Z"
    return LogRecord(
        prediction_id=f"{context.server_id}/{created_at[:19]}/{id}",
        entity_id=id,
        server_id=context.server_id,
        endpoint_id=context.endpoint_id,
        model=context.model,
        version=context.version,
        created_at=created_at,
        **{"features": {}, "output": None, **fields},
    )


MORNING = [
    {"id": "a", "time": "08:59:59.999999"},
    {"id": "b", "time": "09:00:00.000000"},
    {"id": "c", "time": "09:00:30.500000"},
    {"id": "d", "time": "09:01:00.000000"},
]
FILE = "models/predictions/flights/2026-11-23/0900_w1-pod.txt"


def ids(url: str, *arguments: Any, **options: Any) -> list[str]:
    batches = boxkite.logs.read(url, *arguments, columns=["entity_id"], **options)
    return [each for batch in batches for each in batch["entity_id"].to_pylist()]


def test_a_prediction_comes_back_with_all_of_its_fields(write_log: Write) -> None:
    features = {"delay": 2.5, "carrier": "UA"}
    url = write_log(
        {
            "id": "a", "time": "08:59:59.999999", "features": features, "output": 0.5,
            "request_body": {"rows": [1, "ü"]}, "truncated": ["x", "y"],
        }
    )  # fmt: skip
    (batch,) = boxkite.logs.read(url)
    assert batch.to_pylist() == [
        {
            "prediction_id": "server/2026-11-23T08:59:59/a",
            "entity_id": "a",
            "server_id": "server",
            "endpoint_id": "flights",
            "model": "arrivals",
            "version": "7",
            "created_at": dt.datetime(2026, 11, 23, 8, 59, 59, 999999, dt.UTC),
            "features.delay": 2.5,
            "features.carrier": "UA",
            "output": 0.5,
            "request_body": '{"rows":[1,"ü"]}',
            "truncated": "x,y",
        }
    ]
    assert batch.schema == pa.schema(
        {
            **dict.fromkeys(batch.schema.names, pa.string()),
            "created_at": pa.timestamp("us", "UTC"),
            "features.delay": pa.float64(),
            "output": pa.float64(),
        }
    )


NINE = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
IN_BERLIN = dt.datetime(2026, 11, 23, 10, tzinfo=dt.timezone(dt.timedelta(hours=1)))


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (None, None, "abcd"),
        (NINE, None, "bcd"),
        (IN_BERLIN, None, "bcd"),
        ("2026-11-23T09:00", None, "bcd"),
        ("2026-11-23T10:00:00+01:00", None, "bcd"),
        (None, NINE, "a"),
        (NINE, "2026-11-23T09:01", "bc"),
        ("2026-11-23T09:00:00.000001", "2026-11-23T09:01:00.000001Z", "cd"),
        (dt.date(2026, 11, 23), dt.date(2026, 11, 24), "abcd"),
        ("1999-01-01", "2199-01-01", "abcd"),
        ("2026-11-24", None, ""),
        (None, "2026-11-23", ""),
        (NINE, NINE, ""),
    ],
)
@pytest.mark.parametrize("endpoint", [None, "flights"])
def test_an_interval_contains_since_and_not_until(
    write_log: Write, endpoint: str | None, since: Any, until: Any, expected: str
) -> None:
    url = write_log(*MORNING)
    assert ids(url, endpoint, since, until) == list(expected)


@pytest.mark.parametrize(
    ("since", "until", "message"),
    [
        ("yesterday", None, "'yesterday' is not a time. Write, for example, 2026-11-23 or "),
        ("0001-01-01T00:00+14:00", None, "'0001-01-01T00:00.14:00' is not a time. Write, for "),
        (None, dt.datetime(2026, 11, 23), "has no time zone. Add tzinfo="),  # noqa: DTZ001
        ("2026-11-24", "2026-11-23", "until=2026-11-23 is before since=2026-11-24"),
    ],
)
def test_a_wrong_interval_is_an_error_at_the_call(
    write_log: Write, since: Any, until: Any, message: str
) -> None:
    with pytest.raises(LogReadError, match=message):
        boxkite.logs.read(write_log(*MORNING), since=since, until=until)


def test_a_missing_log_is_an_error(tmp_path: Path, write_log: Write) -> None:
    with pytest.raises(LogReadError, match="There is no log file below models/predic"):
        boxkite.logs.read(str(tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match="ftp://host/log"):
        boxkite.logs.read("ftp://host/log")
    assert ids(write_log(*MORNING), "unheard-of") == []


def test_each_endpoint_can_be_read_alone_even_if_its_id_is_not_a_folder_name(
    write_log: Write,
) -> None:
    write_log({"id": "a", "time": "09:00:00.000000"}, endpoint="../b c")
    url = write_log({"id": "b", "time": "09:00:00.000000"})
    assert (ids(url, "../b c"), ids(url, "flights")) == (["a"], ["b"])
    assert sorted(ids(url)) == ["a", "b"]


@pytest.mark.parametrize("compression", [None, "gzip", "zstd"])
def test_compressed_files_are_read(write_log: Write, compression: str | None) -> None:
    assert ids(write_log(*MORNING, compression=compression)) == list("abcd")


def test_copies_in_a_minute_are_read_once_whoever_delivered_them(write_log: Write) -> None:
    write_log(*MORNING)
    write_log(*MORNING[1:], logger="w2")
    write_log(MORNING[1], MORNING[1], MORNING[2], compression="gzip")
    url = write_log({"id": "e", "time": "09:00:31.000000"}, MORNING[2])  # late: a second file
    assert sorted(ids(url)) == list("abcde")
    assert sorted(ids(url, None, NINE)) == list("bcde")


def test_copies_in_files_of_other_lengths_are_read_once(write_log: Write) -> None:
    write_log(*MORNING)
    write_log(MORNING[1], {"id": "e", "time": "09:00:07.000000"}, minutes=5)
    url = write_log(*MORNING, minutes=30)
    assert sorted(ids(url)) == list("abcde")
    assert sorted(ids(url, None, "2026-11-23T09:00:05", "2026-11-23T09:00:30")) == ["e"]


def test_the_schema_is_the_same_in_every_batch_and_has_every_name(write_log: Write) -> None:
    url = write_log(
        {"id": "a", "time": "09:00:00.000000", "features": {"x": 1}, "output": 1},
        {"id": "b", "time": "09:01:00.000000", "features": {"y": True, "x": None}},
        {"id": "c", "time": "09:02:00.000000", "features": {"x": 2.5}, "output": {"p": 0.5}},
        {"id": "d", "time": "09:03:00.000000", "features": [7, "text"], "output": [1]},
    )
    batches = list(boxkite.logs.read(url, batch_size=1))
    assert [len(batch) for batch in batches] == [1, 1, 1, 1]
    table = pa.Table.from_batches(batches)
    variables = {
        column: (str(table.schema.field(column).type), table[column].to_pylist())
        for column in table.column_names
        if column.startswith(("features", "output"))
    }
    assert variables == {
        "features.x": ("double", [1.0, None, 2.5, None]),
        "features.y": ("bool", [None, True, None, None]),
        "features.0": ("int64", [None, None, None, 7]),
        "features.1": ("string", [None, None, None, "text"]),
        "output": ("int64", [1, None, None, None]),
        "output.p": ("double", [None, None, 0.5, None]),
        "output.0": ("int64", [None, None, None, 1]),
    }


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1, 2, None], "int64", [1, 2, None]),
        ([1, 2.5], "double", [1.0, 2.5]),
        ([2**53 + 1, 0.5], "double", [2.0**53, 0.5]),
        ([2**64 - 1, 1], "double", [2.0**64, 1.0]),
        ([1.5, float("inf"), float("nan")], "double", [1.5, float("inf"), None]),
        ([float("-inf"), 2**64 - 1], "double", [float("-inf"), 2.0**64]),
        ([True, None, False], "bool", [True, None, False]),
        ([True, 1], "string", ["true", "1"]),
        ([1, "1"], "string", ["1", "1"]),
        (["Infinity", "red"], "string", ["Infinity", "red"]),
        (["2026-11-23", "x"], "string", ["2026-11-23", "x"]),
        (["2026-11-23"], "string", ["2026-11-23"]),
        ([[1, "a"], {"b": None}, "c"], "string", ['[1,"a"]', '{"b":null}', "c"]),
        ([None, None], "double", [None, None]),
    ],
)
@pytest.mark.parametrize("batch_size", [1, 10])
def test_a_column_takes_every_value_and_mixed_ones_are_text(
    write_log: Write, values: list[Any], kind: str, expected: list[Any], batch_size: int
) -> None:
    url = write_log(
        *(
            {"id": str(i), "time": f"09:00:00.00000{i}", "features": {"x": value}}
            for i, value in enumerate(values)
        )
    )
    table = pa.Table.from_batches(boxkite.logs.read(url, batch_size=batch_size))
    assert str(table.schema.field("features.x").type) == kind
    assert table["features.x"].to_pylist() == expected


def test_columns_can_be_chosen_and_ordered(write_log: Write) -> None:
    url = write_log({"id": "a", "time": "09:00:00.000000", "features": {"x": 1, "y": 2}})
    (batch,) = boxkite.logs.read(url, columns=["features.y", "entity_id"])
    assert batch.to_pylist() == [{"features.y": 2, "entity_id": "a"}]
    with pytest.raises(
        LogReadError, match=r"No prediction in the interval has the column 'features\.z'"
    ):
        boxkite.logs.read(url, columns=["features.z"])


def test_a_given_schema_is_used(write_log: Write) -> None:
    url = write_log(*({**each, "features": {"x": 1}, "output": "text"} for each in MORNING))
    schema = pa.schema({"features.x": pa.float32(), "features.z": pa.int8()})
    (batch,) = boxkite.logs.read(url, schema=schema)
    assert batch.schema == schema
    assert batch.to_pydict() == {"features.x": [1.0] * 4, "features.z": [None] * 4}
    with pytest.raises(LogReadError, match="The column 'output' has a value that is not int64: "):
        list(boxkite.logs.read(url, schema=pa.schema({"output": pa.int64()})))


def test_too_many_names_are_an_error(write_log: Write) -> None:
    url = write_log(
        *(
            {
                "id": str(i),
                "time": f"09:00:{i:02}.000000",
                "features": {f"{i}-{n}": 1 for n in range(1000)},
            }
            for i in range(11)
        )
    )  # fmt: skip
    message = "The log has more than 10,000 columns. Name the ones you need in `columns=`."
    with pytest.raises(LogReadError, match=message):
        boxkite.logs.read(url)
    batches = list(boxkite.logs.read(url, columns=["features.10-999"]))
    assert pa.Table.from_batches(batches)["features.10-999"].to_pylist() == [None] * 10 + [1]


DAMAGED = [
    b'{"entity_id":"x","created_at":"2026-11-23T09:00:00Z"',
    b"",
    b'{"entity_id":"x"}',
    b'{"entity_id":"x","created_at":"2026-11-23T09:00:00"}',
    b'{"entity_id":"x","created_at":"yesterday"}',
    b'{"entity_id":5,"created_at":"2026-11-23T09:00:00Z"}',
    b'{"entity_id":"\xff","created_at":"2026-11-23T09:00:00Z"}',
    b'{"entity_id":"x","features":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b"\x00" * 1000,
    b"[1]",
]


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_line_is_named_and_left_out(write_log: Write, damage: bytes) -> None:
    url = write_log(*MORNING)
    file = Path(url, FILE)
    first, second = file.read_bytes().splitlines()
    file.write_bytes(first + b"\n" + damage + b"\n" + second)
    with pytest.warns(LogReadWarning) as caught:
        assert ids(url) == list("abcd")
    (warning,) = caught
    assert str(warning.message).startswith(f"{FILE}, line 2: ")
    with pytest.raises(LogReadError, match=f"^{FILE}, line 2: "):
        ids(url, strict=True)


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_a_damaged_compressed_file_is_named_and_other_files_are_read(
    write_log: Write, compression: str
) -> None:
    url = write_log(*MORNING, compression=compression)
    (file,) = Path(url).rglob("0900_*")
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.warns(LogReadWarning, match="0900_w1-pod.*, after line "):
        assert set("ad") <= set(ids(url)) < set("abcd")
    file.write_bytes(b"no archive")
    with pytest.raises(LogReadError, match=r"0900_w1-pod.*, after line 0: "):
        ids(url, strict=True)


def test_a_line_of_a_later_version_is_read(write_log: Write) -> None:
    url = write_log(MORNING[0])
    (file,) = Path(url).rglob("*.txt")
    file.write_bytes(file.read_bytes().replace(b"{", b'{"trace_id":{"a":[1]},', 1))
    assert ids(url) == ["a"]


def test_files_of_other_names_and_folders_are_left_alone(write_log: Write) -> None:
    url = write_log(*MORNING)
    for name in ("models/predictions/notes.txt", f"{FILE}.part", "models/0900_w1-pod.txt"):
        Path(url, name).write_bytes(b"no JSON")
    assert ids(url) == list("abcd")


def test_a_file_that_is_pruned_in_the_meantime_is_skipped(write_log: Write) -> None:
    url = write_log(*MORNING)
    batches = boxkite.logs.read(url, columns=["entity_id"], batch_size=1)
    Path(url, FILE).unlink()
    assert [each for batch in batches for each in batch["entity_id"].to_pylist()] == ["a", "d"]


def test_reading_can_be_stopped(write_log: Write) -> None:
    minutes = [{"id": str(i), "time": f"09:{i:02}:00.000000"} for i in range(60)]
    batches = boxkite.logs.read(write_log(*minutes), batch_size=1)
    assert next(batches)["entity_id"].to_pylist() == ["0"]
    batches.close()  # type: ignore[attr-defined]
    assert list(batches) == []


def test_reading_without_pyarrow_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "import boxkite.logs\n"
        "try: boxkite.logs.read('x')\n"
        "except ModuleNotFoundError as error: print(error)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.endswith(". boxkite.logs.read needs it: pip install 'boxkite[cli]'\n")


def test_gzip_of_several_members_is_read_whole(write_log: Write) -> None:
    url = write_log(*MORNING, compression="gzip")
    (file,) = Path(url).rglob("0900_*")
    first, second = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
    file.write_bytes(gzip.compress(first) + gzip.compress(second))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ids(url) == list("abcd")


@pytest.mark.slow
def test_a_log_in_ten_times_as_many_minutes_takes_no_more_memory(write_log: Write) -> None:
    features = {f"feature_{i}": "x" * 100 for i in range(10)}
    url = write_log(
        *(
            {
                "id": str(i),
                "time": f"{i // 1200:02}:{i // 20 % 60:02}:00.{i:06}",
                "features": features,
            }
            for i in range(10_000)
        )
    )
    _peak(url, "2026-11-23T00:50")
    assert _peak(url, "2026-11-24") < 2 * _peak(url, "2026-11-23T00:50")


def _peak(url: str, until: str) -> int:
    """Return the peak of the memory in bytes that a process of its own takes to read a log.

    In this process, threads that other tests left behind would be measured too.
    """
    program = (
        "import boxkite.logs, pyarrow.dataset, tracemalloc\n"
        "tracemalloc.start()\n"
        f"for _ in boxkite.logs.read({url!r}, until={until!r}, batch_size=100): pass\n"
        "print(tracemalloc.get_traced_memory()[1])\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return int(result.stdout)


@pytest.mark.parametrize("compression", [None, "gzip", "zstd"])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_line_without_end_is_named_and_left_out(
    write_log: Write, compression: str | None, streamed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_files, "_MAX_LINE_BYTES", 5_000_000)
    if streamed:
        monkeypatch.setattr(line_files, "_BYTES_AHEAD", 10)
    long = {"id": "x", "time": "09:00:10.000000", "features": {"x": "y" * 5_000_000}}
    predictions = (*MORNING[:2], long, *MORNING[2:])
    url = write_log(*predictions, compression=compression, max_bytes=10**8)
    with pytest.warns(LogReadWarning, match="line 2: the line is longer than 5,000,000 bytes"):
        assert ids(url) == list("abcd")


@pytest.mark.slow
def test_a_line_of_two_gigabytes_takes_little_memory(tmp_path: Path) -> None:
    file = tmp_path / "models/predictions/flights/2026-11-23/0900_w1-pod.txt"
    file.parent.mkdir(parents=True)
    with file.open("wb") as writing:
        writing.truncate(2**31)  # a sparse file: a line of zeros
        writing.seek(0, 2)
        writing.write(b'\n{"entity_id":"a","created_at":"2026-11-23T09:00:00Z"}\n')
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))\n"
        "from boxkite.logs.reader.log_reader import LogReader\n"
        f"log = LogReader.open({str(tmp_path)!r}, report=print)\n"
        "print([prediction.entity_id for _, prediction in log.predictions()])\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout == (f"{FILE}, line 1: the line is longer than 67,108,864 bytes\n['a']\n")


def test_a_disk_that_fails_while_reading_is_an_error_and_not_damage(
    write_log: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, _buffer: Any) -> int:
            raise OSError(errno.EIO, "the disk is broken")

    monkeypatch.setattr(line_files, "_BYTES_AHEAD", 10)
    monkeypatch.setattr(LocalStore, "open", lambda *_: io.BufferedReader(Failing()))
    for compression in (None, "gzip", "zstd"):
        url = write_log(*MORNING, compression=compression, logger=f"w_{compression}")
        with pytest.raises(OSError, match="the disk is broken"):
            ids(url)
