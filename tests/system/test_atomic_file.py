"""Files appear whole or not at all, and only `replace_file` and `open_replacement` overwrite."""

import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from boxkite.system.atomic_file import (
    create_file,
    open_replacement,
    remove_abandoned,
    replace_file,
)


def test_a_new_file_gets_the_permissions_that_open_gives(tmp_path: Path) -> None:
    replace_file(tmp_path / "new", b"content")
    with open(tmp_path / "opened", "wb"):
        pass
    assert (tmp_path / "new").read_bytes() == b"content"
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "opened").stat().st_mode


def test_an_old_file_keeps_its_permissions_and_a_link_its_target(tmp_path: Path) -> None:
    target, link = tmp_path / "old", tmp_path / "link"
    target.write_bytes(b"old")
    target.chmod(0o640)
    link.symlink_to(target)
    replace_file(link, b"new")
    assert link.is_symlink()
    assert (target.read_bytes(), target.stat().st_mode & 0o7777) == (b"new", 0o640)
    assert sorted(tmp_path.iterdir()) == [link, target]


def test_a_write_that_fails_midway_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    target = tmp_path / "old"
    target.write_bytes(b"old")
    full_disk = (
        "import resource, sys; from boxkite.system.atomic_file import replace_file;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096));"
        "replace_file(sys.argv[1], bytes(100_000))"
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
        replace_file(tmp_path / name, b"content")
    assert type(caught.value) in (IsADirectoryError, FileNotFoundError, NotADirectoryError)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "folder"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_keeps_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"old")
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        replace_file(tmp_path / "old", b"new")
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"old"]


def test_readers_see_the_old_content_or_the_new_while_it_is_written(tmp_path: Path) -> None:
    target = tmp_path / "file"
    contents = [bytes([byte]) * 100_000 for byte in b"ab"]
    replace_file(target, contents[0])
    done = threading.Event()

    def write() -> None:
        for turn in range(50):
            replace_file(target, contents[turn % 2])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while not done.is_set():
        seen.add(target.read_bytes())
    writer.join()
    assert seen <= set(contents)


def _write_and_raise(target: Path, error: OSError) -> None:
    with open_replacement(target) as file:
        file.write(b"new")
        raise error


def test_a_block_that_raises_leaves_the_old_file_and_its_own_error(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")
    for error in (OSError("no such bucket"), PermissionError(errno.EACCES, "denied", "other")):
        before = str(error)
        with pytest.raises(OSError, match=r".") as caught:
            _write_and_raise(target, error)
        assert caught.value is error
        assert str(error) == before
    assert [(each, each.read_bytes()) for each in tmp_path.iterdir()] == [(target, b"old")]


def test_a_file_that_exists_is_not_created_again(tmp_path: Path) -> None:
    target = tmp_path / "file"
    assert create_file(target, [b"one"], mode=0o600)
    assert not create_file(target, [b"two"])
    assert target.stat().st_mode & 0o777 == 0o600
    assert [(each, each.read_bytes()) for each in tmp_path.iterdir()] == [(target, b"one")]


def test_without_hard_links_a_lock_beside_the_file_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_paths: Path) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refused)
    assert create_file(tmp_path / "file", [b"one"], sync=False)
    assert not create_file(tmp_path / "file", [b"two"], sync=False)
    assert (tmp_path / "file").read_bytes() == b"one"
    assert sorted(each.name for each in tmp_path.iterdir()) == [".boxkite-lock", "file"]


def test_only_old_temporary_files_are_removed(tmp_path: Path) -> None:
    names = [f".boxkite-{'0' * 16}.part", f".boxkite-{'1' * 16}.part", ".boxkite-mine.part", "file"]
    for name in names:
        (tmp_path / name).touch()
        if "1" not in name:
            os.utime(tmp_path / name, (0, time.time() - 120))
    remove_abandoned(tmp_path, 60.0)
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(names[1:])
