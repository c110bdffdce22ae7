"""Files appear whole or not at all; files and URLs are read up to a bound."""

import functools
import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from boxkite.baseline import storage
from boxkite.errors import BaselineError


def test_a_new_file_gets_the_permissions_that_open_gives(tmp_path: Path) -> None:
    storage.write_atomically(tmp_path / "new", b"content")
    with open(tmp_path / "opened", "wb"):
        pass
    assert (tmp_path / "new").read_bytes() == b"content"
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "opened").stat().st_mode


def test_an_old_file_keeps_its_permissions_and_a_link_its_target(tmp_path: Path) -> None:
    target, link = tmp_path / "old", tmp_path / "link"
    target.write_bytes(b"old")
    target.chmod(0o640)
    link.symlink_to(target)
    storage.write_atomically(link, b"new")
    assert link.is_symlink()
    assert (target.read_bytes(), target.stat().st_mode & 0o7777) == (b"new", 0o640)
    assert sorted(tmp_path.iterdir()) == [link, target]


def test_a_write_that_fails_midway_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    target = tmp_path / "old"
    target.write_bytes(b"old")
    full_disk = (
        "import resource, sys; from boxkite.baseline.storage import write_atomically;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096));"
        "write_atomically(sys.argv[1], bytes(100_000))"
    )
    command = [sys.executable, "-c", full_disk, str(target)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.stderr.splitlines()[-1] == f"OSError: [Errno 27] File too large: {str(target)!r}"
    assert [(each, each.read_bytes()) for each in tmp_path.iterdir()] == [(target, b"old")]


@pytest.mark.parametrize("name", ["folder", "missing/file", "file/inside"])
def test_a_target_that_cannot_be_written_is_an_error_without_a_trace(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r".") as caught:
        storage.write_atomically(tmp_path / name, b"content")
    assert type(caught.value) in (IsADirectoryError, FileNotFoundError, NotADirectoryError)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "folder"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_keeps_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"old")
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        storage.write_atomically(tmp_path / "old", b"new")
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"old"]


def test_readers_see_the_old_content_or_the_new_while_it_is_written(tmp_path: Path) -> None:
    target = tmp_path / "file"
    contents = [bytes([byte]) * 100_000 for byte in b"ab"]
    storage.write_atomically(target, contents[0])
    done = threading.Event()

    def write() -> None:
        for turn in range(50):
            storage.write_atomically(target, contents[turn % 2])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while not done.is_set():
        seen.add(target.read_bytes())
    writer.join()
    assert seen <= set(contents)


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, silently; `/short` promises more bytes than it sends."""

    def do_GET(self) -> None:
        if self.path == "/short":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        elif self.path == "/nonsense":
            self.wfile.write(b"nonsense\r\n\r\n")
        else:
            super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    handler = functools.partial(_Handler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


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
        ("/nonsense", "nonsense\r\n"),
        ("/short", "it ended 96 bytes short"),
        ("/with space", "URL can't contain control characters. '/with space' (found at least ' ')"),
    ],
)
def test_a_url_that_cannot_be_fetched_is_an_error_with_its_reason(
    address: str, path: str, reason: str
) -> None:
    with pytest.raises(BaselineError) as caught:
        storage.read_bounded(address + path, 1000)
    assert str(caught.value) == f"cannot fetch {address}{path}: {reason}"


def test_an_unknown_scheme_is_an_error_and_an_absent_file_not_found(tmp_path: Path) -> None:
    with pytest.raises(BaselineError) as caught:
        storage.read_bounded("s3://bucket/key", 1000)
    assert (
        str(caught.value) == "cannot read s3://bucket/key: a path or a file:, http: or https: URL"
    )
    with pytest.raises(FileNotFoundError):
        storage.read_bounded(tmp_path / "absent", 1000)
