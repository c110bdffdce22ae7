"""Files in a local folder, by the standard library: a file is linked to its name when whole."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from boxkite.logs.stores.paths import parts_of
from boxkite.logs.stores.store import Stored
from boxkite.system.file_lock import release, try_lock

__all__ = ["LocalStore"]

_STALE_SECONDS = 3600.0
_TEMPORARY = re.compile(r"\.boxkite-[0-9a-f]{16}\.part")
_LOCK_SECONDS = 10.0
_UNSUPPORTED = {errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


class LocalStore:
    """A folder of files, made with the first of them.

    A file is written aside in the same folder, under a hidden name, brought to the disk, and then
    linked to its own name, which fails if there is one. So it is there whole or not at all, also
    after the process was killed or the power was lost, and none is ever overwritten. On a file
    system without hard links it is renamed under a lock, which holds among the processes of one
    machine.

    Folders are made for their owner to write and the group to read (0750), files likewise (0640),
    less what the umask takes away. Hidden names and symbolic links below the folder are left
    alone: they are neither listed nor removed.

    Args:
        folder: the root.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(os.path.abspath(folder))  # the program may change its own

    def __repr__(self) -> str:
        return f"LocalStore({str(self.folder)!r})"

    def put_new(self, path: str, content: bytes) -> bool:
        """Write a file, whole or not at all; False if there is one of that path already.

        Raises:
            OSError: if it cannot be written or is not surely on the disk; then it may be there,
                and whole.
            ValueError: if the path would leave the folder.
        """
        final = self._place(path)
        _make_folder(final.parent)
        placed = not _exists(final) and self._write_new(final, content)
        _sync_folder(final.parent)  # of a file found there too: who placed it may have died
        return placed

    def _write_new(self, final: Path, content: bytes) -> bool:
        """Write a file aside and give it its name; False if the name is taken."""
        aside = final.parent / f".boxkite-{secrets.token_hex(8)}.part"
        try:
            _write(aside, content)
            return self._name(aside, final)
        finally:
            with contextlib.suppress(OSError):  # a stale one is removed by `tidy`
                os.unlink(aside)

    def _name(self, aside: Path, final: Path) -> bool:
        """Give a written file its name; False if the name is taken."""
        try:
            os.link(aside, final)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in {errno.EPERM, errno.EMLINK, *_UNSUPPORTED}:
                raise
            return self._rename(aside, final)
        return True

    def _rename(self, aside: Path, final: Path) -> bool:
        """Do the same where there are no hard links: one process at a time looks and renames."""
        descriptor = os.open(self.folder / ".boxkite-lock", os.O_RDWR | os.O_CREAT, 0o640)
        try:
            _wait_for_lock(descriptor)
            if _exists(final):
                return False
            os.rename(aside, final)
        finally:
            release(descriptor)
        return True

    def read(self, path: str) -> bytes:
        """Return a file's content.

        Raises:
            FileNotFoundError: if there is none.
            OSError: if it cannot be read.
            ValueError: if the path would leave the folder.
        """
        return self._place(path).read_bytes()

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """Yield the files below a folder, sorted by path; nothing if there is no such folder.

        Raises:
            OSError: if a folder cannot be read.
            ValueError: if the path would leave the folder.
        """
        prefix = prefix.strip("/")
        for path in _walk(self._place(prefix) if prefix else self.folder, prefix):
            with contextlib.suppress(FileNotFoundError):
                yield Stored(path, os.lstat(self.folder / path).st_size)

    def remove(self, path: str) -> None:
        """Delete a file; one that is gone already is no error.

        Raises:
            OSError: if it cannot be deleted.
            ValueError: if the path would leave the folder.
        """
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._place(path))

    def tidy(self, prefix: str) -> None:
        """Remove below a folder what killed writers left, and folders without anything in them.

        A writer whose file is taken away under it gets an error, and writes it again.
        """
        start = self._place(prefix)
        before = time.time() - _STALE_SECONDS
        for folder, _, names in os.walk(start, topdown=False):
            for name in filter(_TEMPORARY.fullmatch, names):
                with contextlib.suppress(OSError):
                    aside = Path(folder, name)
                    if aside.lstat().st_mtime < before:
                        aside.unlink()
            if Path(folder) != start:
                with contextlib.suppress(OSError):  # it is not empty
                    os.rmdir(folder)

    def _place(self, path: str) -> Path:
        """Return where a file of a relative path is."""
        return self.folder.joinpath(*parts_of(path))


def _walk(folder: Path, prefix: str) -> Iterator[str]:
    """Yield the paths of the files below a folder, as sorted as the whole paths would be."""
    try:
        with os.scandir(folder) as entries:
            found = [
                entry.name + "/" if entry.is_dir(follow_symlinks=False) else entry.name
                for entry in entries
                if not entry.name.startswith(".") and not entry.is_symlink()
            ]
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in sorted(found):
        path = f"{prefix}/{name}" if prefix else name
        if name.endswith("/"):
            yield from _walk(folder / name, path.removesuffix("/"))
        else:
            yield path


def _exists(path: Path) -> bool:
    """Tell whether a name is taken; unlike `os.path.lexists` it raises where that is not known."""
    try:
        os.lstat(path)
    except FileNotFoundError:
        return False
    return True


def _make_folder(folder: Path) -> None:
    """Make a folder with those above it, and bring them to the disk."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, 0o750)
    _sync_folder(folder.parent)


def _write(path: Path, content: bytes) -> None:
    """Write a new file and bring it to the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    """Bring a folder's entries to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:  # some network file systems have it for files alone
            raise
    finally:
        os.close(descriptor)


def _wait_for_lock(descriptor: int) -> None:
    """Take the lock of an open file.

    Raises:
        TimeoutError: if somebody else holds it for long.
    """
    deadline = time.monotonic() + _LOCK_SECONDS
    while not try_lock(descriptor):
        if time.monotonic() > deadline:
            raise TimeoutError("another process holds the lock .boxkite-lock of the log's folder")
        time.sleep(0.01)
