"""Files and URLs are read up to a limit."""

import contextlib
import functools
import http.server
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from boxkite import Monitor, Settings
from boxkite.baseline import Baseline, storage
from boxkite.errors import BaselineError
from tests.programs import in_thread


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, silently; `/short` promises more bytes than it sends."""

    def do_GET(self) -> None:
        if self.path == "/short":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        elif self.path == "/nonsense":
            self.wfile.write(b"nonsense\r\n\r\n")
        elif self.path.startswith("/slow"):
            with contextlib.suppress(OSError):
                for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 1000:
                    self.wfile.write(bytes([byte]))
                    time.sleep(0.05)
        else:
            super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    handler = functools.partial(_Handler, directory=str(tmp_path))
    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
        in_thread(server.serve_forever, server.shutdown),
    ):
        yield f"http://127.0.0.1:{server.server_port}"


def test_paths_and_urls_give_the_same_bytes(tmp_path: Path, address: str) -> None:
    path = tmp_path / "a file"
    path.write_bytes(b"content")
    for place in (path, str(path), path.as_uri(), f"{address}/a%20file"):
        assert storage.read_bounded(place, 7) == b"content"


def test_more_bytes_than_allowed_are_an_error(tmp_path: Path, address: str) -> None:
    (tmp_path / "file").write_bytes(b"content")
    for place in (tmp_path / "file", f"{address}/file"):
        with pytest.raises(BaselineError) as caught:
            storage.read_bounded(place, 6)
        assert str(caught.value) == f"{place} is larger than 6 bytes"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/absent", "HTTP Error 404: File not found"),
        ("/nonsense", "the answer is not HTTP (BadStatusLine)"),
        ("/short", "the last 96 bytes are missing"),
        (
            "/with space",
            "it is not a valid URL. Check it for spaces, line breaks and a port",
        ),
    ],
)
def test_a_url_that_cannot_be_fetched_is_an_error_with_its_reason(
    address: str, path: str, reason: str
) -> None:
    with pytest.raises(BaselineError) as caught:
        storage.read_bounded(address + path, 1000)
    assert str(caught.value) == f"cannot fetch {address}{path}: {reason}"


@pytest.mark.parametrize("path", ["absent", "nonsense", "short", "file", "with space"])
def test_an_error_does_not_show_the_secrets_of_a_url(
    tmp_path: Path, address: str, path: str
) -> None:
    (tmp_path / "file").write_bytes(b"content")
    host = address.removeprefix("http://")
    for url in (
        f"{address}/{path}?X-Amz-Signature=topsecret",
        f"http://user:topsecret@{host}/{path}",
        f"s3://user:topsecret@{host}/{path}?topsecret",
        # Errors of the standard library quote parts of these, as they are or changed.
        f"{address}/{path} ?X-Amz-Signature=topsecret\n",
        f"{address}/{path}?X-Amz-Signature=tops\necret",
        f"http://user:topsecret/@{host}/{path}",
        f"http://{host}:topsecret/{path}",
        f"https://{host}/{path}?topsecret",
    ):
        with pytest.raises(BaselineError) as caught:
            storage.read_bounded(url, 3)
        assert "topsecret" not in str(caught.value)
        assert caught.value.__cause__ is None
        with pytest.raises(BaselineError) as damaged:
            Baseline.read(url)
        assert "topsecret" not in str(damaged.value)


def test_an_unknown_scheme_is_an_error_and_an_absent_file_not_found(tmp_path: Path) -> None:
    with pytest.raises(BaselineError) as caught:
        storage.read_bounded("s3://bucket/key", 1000)
    assert (
        str(caught.value)
        == "cannot read s3://bucket/key: its scheme is not supported. Pass a path, "
        "or a file:, http: or https: URL"
    )
    with pytest.raises(FileNotFoundError):
        storage.read_bounded(tmp_path / "absent", 1000)


def test_a_url_may_end_with_a_line_break(tmp_path: Path, address: str) -> None:
    (tmp_path / "file").write_bytes(b"content")
    assert storage.read_bounded(f"{address}/file\n", 7) == b"content"


def test_a_server_that_sends_a_byte_at_a_time_does_not_hold_up_the_start(
    address: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(storage, "_TOTAL_SECONDS", 0.5)
    started = time.monotonic()
    settings = Settings(baseline=f"{address}/slow?topsecret", log="none:")
    monitor = Monitor(settings=settings, registry=None)
    monitor.log_prediction([1.0])
    assert time.monotonic() - started < 5.0
    assert monitor.drift().predictions == 1
    (line,) = [each.getMessage() for each in caplog.records if "baseline" in each.getMessage()]
    assert line == (
        f"boxkite baseline: cannot fetch {address}/slow?…: it took more than 0.5 seconds. Download "
        "the file before the service starts, and pass its path (1 so far)"
    )
