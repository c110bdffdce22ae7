"""Test which sink a URL opens."""

from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from boxkite import ConfigError
from boxkite.error_reporter import ErrorReporter
from boxkite.live.log_context import LogContext
from boxkite.logs.log_record import LogRecord
from boxkite.logs.sink import Batch, Sink, TidySink
from boxkite.logs.sinks import sink_url
from boxkite.logs.sinks.files_sink import FilesSink
from boxkite.logs.sinks.sink_url import open_sink, scheme_of
from boxkite.settings import Settings, from_environment
from boxkite.testing import RecordingSink

CONTEXT = LogContext(
    sink="", server_id="s", endpoint_id="e", logger_id="l", replica_id="r", model="m", version="1"
)
RECORD = LogRecord(
    prediction_id="s/t/id",
    entity_id="id",
    server_id="s",
    endpoint_id="e",
    model="m",
    version="1",
    created_at="2026-11-23T12:34:00.000000Z",
    features=[],
    output=None,
)
MINUTE = "models/predictions/e/2026-11-23/1234_l-r.txt"


class Default(NamedTuple):
    folder: Path

    def log_folder(self) -> Path:
        return self.folder

    def open_log_folder(self) -> Path:
        return self.folder

    def explained(self, error: OSError) -> OSError:
        return error


def opened(url: str, default: Path = Path("nowhere"), **settings: Any) -> Sink:
    return open_sink(url, Settings(**settings), Default(default), ErrorReporter())


@pytest.mark.parametrize(
    ("url", "scheme"),
    [
        ("/var/log", "file"),
        ("relative/folder", "file"),
        ("./none", "file"),
        ("off/", "file"),
        ("file:", "file"),
        ("FILE:///x", "file"),
        ("S3://bucket", "s3"),
        ("fluentd+tls://host", "fluentd+tls"),
        ("none:", "none"),
        *((word, "none") for word in ("", "none", "NONE", " off ", "false", "no", "0", "disabled")),
    ],
)
def test_the_scheme_stands_before_the_colon_and_some_words_mean_none(url: str, scheme: str) -> None:
    assert scheme_of(url) == scheme


@pytest.mark.parametrize(
    ("url", "name", "whole_minutes"),
    [
        ("/tmp/x", "file", True),
        ("file:///tmp/x", "file", True),
        ("file:", "file", True),
        ("s3://bucket/prefix", "s3", True),
        ("gs://bucket/prefix", "gs", True),
        ("fluentd://127.0.0.1:24224", "fluentd", False),
        ("fluentd+unix:///run/fluentd", "fluentd", False),
    ],
)
def test_opening_a_sink_connects_to_nothing(
    url: str, name: str, whole_minutes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    sink = opened(url)
    assert (sink.name, sink.whole_minutes) == (name, whole_minutes)
    sink.close()


@pytest.mark.parametrize("form", ["{}", "file://{}", "file:{}"])
def test_files_are_written_below_the_folder_that_the_url_names(form: str, tmp_path: Path) -> None:
    opened(form.format(tmp_path / "log")).deliver(Batch(CONTEXT, [RECORD]))
    assert [path.name for path in (tmp_path / "log").rglob("*.txt")] == [MINUTE.rpartition("/")[2]]
    assert (tmp_path / "log" / MINUTE).read_bytes().count(b"\n") == 1


def test_file_without_a_path_is_the_default_folder(tmp_path: Path) -> None:
    opened("file:", tmp_path / "default").deliver(Batch(CONTEXT, [RECORD]))
    assert (tmp_path / "default" / MINUTE).exists()


@pytest.mark.parametrize(
    ("compression", "suffix"), [("none", ""), ("gzip", ".gz"), ("zstd", ".zst")]
)
def test_files_are_compressed_as_the_setting_says(
    compression: str, suffix: str, tmp_path: Path
) -> None:
    opened(str(tmp_path), log_compression=compression).deliver(Batch(CONTEXT, [RECORD]))
    assert (tmp_path / f"{MINUTE}{suffix}").exists()


def test_files_cover_the_minutes_that_the_setting_gives(tmp_path: Path) -> None:
    sink = opened(str(tmp_path), log_file_minutes=30)
    sink.deliver(Batch(CONTEXT, [RECORD]))
    assert sink.whole_minutes == 30
    assert [path.name for path in tmp_path.rglob("*.txt")] == ["1230-1259_l-r.txt"]


@pytest.mark.parametrize("minutes", ["0", "7", "90", "1.5", "-1", ""])
def test_file_minutes_that_do_not_divide_an_hour_are_refused(minutes: str) -> None:
    with pytest.raises(ConfigError, match=r"use a number that divides an hour: 1, 2, 3, .*, 60$"):
        from_environment({"log_file_minutes": minutes})


@pytest.mark.parametrize(
    ("url", "has_zstandard", "given", "suffix"),
    [
        ("s3://bucket/log", True, {}, ".txt.zst"),
        ("s3://bucket/log", False, {}, ".txt.gz"),
        ("s3://bucket/log", True, {"log_compression": "none"}, ".txt"),
        ("s3://bucket/log", True, {"log_compression": "gzip"}, ".txt.gz"),
        ("/var/log/predictions", True, {}, ".txt"),
    ],
)
def test_files_in_an_object_store_are_compressed_by_default(
    url: str,
    has_zstandard: bool,
    given: dict[str, str],
    suffix: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sink_url, "find_spec", lambda _: has_zstandard or None)
    sink = opened(url, **given)
    assert isinstance(sink, FilesSink)
    assert sink._suffix == suffix


def test_the_default_log_keeps_its_size_without_files_of_other_endpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sink_url, "_DEFAULT_MAX_BYTES", 1)
    other = opened("file:", tmp_path, endpoint_id="other")
    other.deliver(Batch(msgspec.structs.replace(CONTEXT, endpoint_id="other"), [RECORD]))
    mine = opened("file:", tmp_path, endpoint_id="mine")
    mine.deliver(Batch(msgspec.structs.replace(CONTEXT, endpoint_id="mine"), [RECORD]))
    assert isinstance(mine, TidySink)
    mine.tidy()
    files = (tmp_path / "models").rglob("*.txt")
    assert [path.parts[-3] for path in files] == ["other"]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "kafka://user:secret@host?key=secret",
            r"LOG is 'kafka://…@host\?…', but no sink has the scheme 'kafka'. Use one of file, .*",
        ),
        ("file://host/x", "'file://host/x' names a folder of the host 'host'. .*"),
        ("s3//bucket", "'s3//bucket' is neither a URL nor the path of a folder. .*"),
        ("fluentd", "LOG is 'fluentd', which is neither .* Did you mean 'fluentd://'[?] .*"),
        ("nonee", "LOG is 'nonee', .* Did you mean 'none'[?] Write './nonee' for a folder."),
        ("Nonne", "LOG is 'Nonne', .* Did you mean 'none'[?] Write './Nonne' for a folder."),
        ("of", "LOG is 'of', .* Did you mean 'off'[?] Write './of' for a folder."),
        ("s3", "LOG is 's3', .* Did you mean 's3://'[?] Write './s3' for a folder."),
        ("flie", "LOG is 'flie', .* Did you mean 'file:'[?] Write './flie' for a folder."),
        ("predictions", "LOG is 'predictions', which .* of a folder. Write './predictions' for .*"),
        ("s3:bucket", "'s3:bucket' is not the URL of a bucket: .*"),
        ("s3:/bucket", "'s3:/bucket' is not the URL of a bucket: .*"),
        ("s4://bucket", "LOG is 's4://bucket', but no sink has the scheme 's4'. .*"),
        ("collector:24224", "LOG is .*, but no sink has the scheme 'collector'. .*"),
    ],
)
@pytest.mark.usefixtures("added")
def test_a_url_without_a_sink_is_an_error_that_lists_the_sinks(url: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}$") as caught:
        opened(url)
    assert "secret" not in str(caught.value)


def mine(url: str) -> RecordingSink:
    sink = RecordingSink()
    sink.name = url
    return sink


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that a package adds a sink."""

    def entry_points(group: str) -> EntryPoints:
        assert group == "boxkite.sinks"
        return EntryPoints([EntryPoint("mine", f"{__name__}:mine", group)])

    monkeypatch.setattr(sink_url, "entry_points", entry_points)


@pytest.mark.usefixtures("added")
def test_an_entry_point_is_called_with_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EntryPoint, "load", lambda _: mine)
    assert opened("mine://host/x").name == "mine://host/x"
