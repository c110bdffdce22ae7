"""Test that local files are whole, never overwritten and never outside of the folder."""

import errno
import multiprocessing
import os
import stat
import threading
from pathlib import Path

import pytest

from boxkite.logs.stores.local_store import LocalStore


def names(folder: Path) -> list[str]:
    """Return the paths of everything below a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def no_links(*_paths: Path) -> None:
    """Fail in the same way as `os.link` on FAT."""
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "log")


@pytest.fixture(params=["links", "no links"])
def any_store(request: pytest.FixtureRequest, store: LocalStore, monkeypatch) -> LocalStore:
    """A store on a file system with hard links, and one on a file system without."""
    if request.param == "no links":
        monkeypatch.setattr(os, "link", no_links)
    return store


def test_a_file_is_read_as_it_was_put(any_store):
    assert any_store.put_new("a/b/c.txt", [b"one"])
    assert any_store.put_new("empty", [b""])
    assert any_store.read("a/b/c.txt") == b"one"
    found = list(any_store.list(""))
    assert [each[:2] for each in found] == [("a/b/c.txt", 3), ("empty", 0)]
    assert "" not in {each.etag for each in found}


def test_an_existing_file_is_not_changed(any_store):
    assert any_store.put_new("a/b.txt", [b"one"])
    assert not any_store.put_new("a/b.txt", [b"two"])
    assert any_store.read("a/b.txt") == b"one"
    assert [each[:2] for each in any_store.list("a")] == [("a/b.txt", 3)]


def test_a_dangling_link_takes_its_name(any_store):
    any_store.folder.mkdir()
    (any_store.folder / "a").symlink_to("nowhere")
    assert not any_store.put_new("a", [b"one"])
    assert not (any_store.folder / "nowhere").exists()


def test_nothing_but_the_file_remains(store):
    store.put_new("a/b.txt", [b"one"])
    store.put_new("a/b.txt", [b"two"])
    assert names(store.folder) == ["a", "a/b.txt"]


def test_one_of_many_writers_at_once_wins(any_store):
    contents = [str(number).encode() * 100_000 for number in range(8)]
    won = []

    def write(content: bytes) -> None:
        if any_store.put_new("a/b.txt", [content]):
            won.append(content)

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [any_store.read("a/b.txt")]


def test_without_hard_links_a_lock_that_is_held_for_long_is_an_error(store, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr("boxkite.system.atomic_file._LOCK_SECONDS", 0.05)
    monkeypatch.setattr(os, "link", no_links)
    store.put_new("a", [b"one"])
    with open(store.folder / ".boxkite-lock", "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(TimeoutError, match=r"\.boxkite-lock"):
            store.put_new("b", [b"two"])
    assert store.put_new("b", [b"two"])
    assert names(store.folder) == [".boxkite-lock", "a", "b"]


def test_a_file_is_whole_although_the_system_writes_in_small_parts(store, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: real(descriptor, content[:1]))
    assert store.put_new("a", [b"0123456789"])
    assert store.read("a") == b"0123456789"


@pytest.mark.parametrize(
    "path",
    ["", ".", "..", "/etc/passwd", "../a", "a/../../b", "a//b", "a/", "a/./b", "a\0b", "a/.."],
)
def test_a_path_that_leads_out_of_the_store_is_refused(path, store):
    for action in (store.read, store.remove, lambda path: store.put_new(path, [b""])):
        with pytest.raises(ValueError, match="not a path of a file"):
            action(path)
    assert not store.folder.exists()


def test_a_folder_that_does_not_exist_yet_is_an_empty_store(store):
    assert list(store.list("")) == []
    assert list(store.list("models/predictions")) == []
    store.remove("models/a.txt")
    with pytest.raises(FileNotFoundError):
        store.read("models/a.txt")


def test_files_are_listed_by_path_across_folders(store):
    paths = ["a-b", "a.txt", "a/b", "a/c/d", "a0", "b/-1", "b/1.txt", "é"]
    for path in reversed(paths):
        store.put_new(path, [b""])
    assert sorted(paths) == paths
    assert [path for path, *_ in store.list("")] == paths
    assert [path for path, *_ in store.list("a")] == ["a/b", "a/c/d"]
    assert [path for path, *_ in store.list("a.txt")] == []


def test_hidden_names_and_links_are_not_listed(store, tmp_path):
    store.put_new("a/b", [b""])
    store.put_new("a/.hidden", [b""])
    store.put_new(".hidden/b", [b""])
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    (store.folder / "a" / "folder").symlink_to(tmp_path / "other")
    (store.folder / "a" / "file").symlink_to(tmp_path / "other" / "file")
    assert [path for path, *_ in store.list("")] == ["a/b"]


def test_a_removed_file_is_gone(store):
    store.put_new("a/b", [b""])
    store.remove("a/b")
    store.remove("a/b")
    assert list(store.list("")) == []


def test_tidy_removes_old_temporary_files_and_empty_folders_and_nothing_else(store):
    for path in ("m/day/file", "m/empty/file", "m/old/file", "other/empty/file"):
        store.put_new(path, [b""])
    for path in ("m/empty/file", "m/old/file", "other/empty/file"):
        store.remove(path)
    for name, age in (("0" * 16, 3700), ("1" * 16, 3500)):
        aside = store.folder / "m" / "old" / f".boxkite-{name}.part"
        aside.touch()
        moment = aside.stat().st_mtime - age
        os.utime(aside, (moment, moment))
    (store.folder / "m" / "old" / ".hidden").touch()
    os.utime(store.folder / "m" / "old" / ".hidden", (0, 0))
    store.tidy("m")
    assert names(store.folder) == [
        "m", "m/day", "m/day/file", "m/old", "m/old/.boxkite-1111111111111111.part",
        "m/old/.hidden", "other", "other/empty",
    ]  # fmt: skip


def test_only_owner_and_group_can_read(store):
    before = os.umask(0)
    try:
        store.put_new("a/b", [b""])
        os.umask(0o077)
        store.put_new("c/d", [b""])
    finally:
        os.umask(before)

    def mode(path: str) -> int:
        return stat.S_IMODE((store.folder / path).stat().st_mode)

    assert [mode(path) for path in ("", "a", "a/b", "c", "c/d")] == [
        0o750, 0o750, 0o640, 0o700, 0o600,
    ]  # fmt: skip


def test_a_relative_folder_stays_the_same_when_the_working_directory_changes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = LocalStore("log")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    store.put_new("a", [b""])
    assert names(tmp_path) == ["elsewhere", "log", "log/a"]


def test_a_file_where_a_folder_should_be_is_an_error(store):
    store.put_new("a", [b""])
    with pytest.raises(NotADirectoryError):
        store.put_new("a/b", [b""])
    assert list(store.list("a")) == []


def _put(folder: str, start: object, number: int) -> None:
    start.wait()
    store = LocalStore(folder)
    for each in range(50):
        store.put_new(f"day/{each}", [str(number).encode() * 5000])


def test_processes_that_write_the_same_files_leave_whole_ones(store):
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Barrier(3)
    processes = [
        spawn.Process(target=_put, args=(str(store.folder), start, number)) for number in range(3)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    found = {store.read(path) for path, *_ in store.list("")}
    assert found <= {str(number).encode() * 5000 for number in range(3)}
    assert len(names(store.folder)) == 51
