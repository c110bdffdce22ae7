"""A store of files in a local folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from boxkite.logs.stores.store import StoredFile, parts_of
from boxkite.system.atomic_file import create_file, remove_abandoned, sync_folder

__all__ = ["LocalStore"]

# A writer holds its temporary file for milliseconds, so an old one belongs to a killed writer.
_ABANDONED_SECONDS = 3600.0


class LocalStore:
    """A folder of files. The first file creates it.

    A file appears complete or not at all, even after a kill or a power loss, and is never
    overwritten; see `create_file`. On a file system without hard links, this only holds between
    processes of one machine.

    New folders get the mode 0750 and files 0640, less the umask: the owner writes, the group reads.
    Hidden files and symbolic links are neither listed nor removed, nor is anything below a link. So
    pruning never leaves the store.

    Args:
        folder: the root.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        # Make the path absolute, because the program may change its working directory.
        self.folder = Path(os.path.abspath(folder))

    def __repr__(self) -> str:
        return f"LocalStore({str(self.folder)!r})"

    def put_new(self, path: str, pieces: Iterable[bytes]) -> bool:
        """Write a file as a whole, and return True. Return False if the path is taken.

        Raises:
            OSError: if it cannot be written and synced to the disk. It may exist then, but only as
                a whole.
            ValueError: if the path would lead out of the folder.
        """
        file = Path(self._place(path))
        _make_folder(file.parent)
        # Use one lock file for the whole store. A lock file in a day's folder would keep that
        # folder from ever being empty.
        return create_file(file, pieces, lock=self.folder / ".boxkite-lock")

    def keeps_existing_files(self) -> bool:
        """Return True: `put_new` never overwrites a file."""
        return True

    def read(self, path: str) -> bytes:
        """Return the content of a file.

        Raises:
            FileNotFoundError: if the file does not exist.
            OSError: if it cannot be read.
            ValueError: if the path would lead out of the folder.
        """
        with self.open(path) as file:
            return file.read()

    def open(self, path: str) -> IO[bytes]:
        """Open a file for reading it bit by bit.

        Raises:
            FileNotFoundError: if the file does not exist.
            OSError: if it cannot be read.
            ValueError: if the path would lead out of the folder.
        """
        return open(self._place(path), "rb")

    def list(self, prefix: str = "") -> Iterator[StoredFile]:
        """Yield the files below a folder, sorted by path. Yield nothing if it does not exist.

        Raises:
            OSError: if a folder cannot be read.
            ValueError: if the path would lead out of the folder.
        """
        prefix = prefix.strip("/")
        if self._leads_through_a_link(prefix):
            return
        start = self._place(prefix) if prefix else str(self.folder)
        for path in _walk(start, prefix):
            with contextlib.suppress(FileNotFoundError):  # removed since its folder was listed
                found = os.lstat(os.path.join(self.folder, path))
                yield StoredFile(path, found.st_size, f"{found.st_mtime_ns:x}")

    def remove(self, path: str) -> None:
        """Delete a file. It is not an error if the file does not exist.

        Raises:
            OSError: if it cannot be deleted.
            ValueError: if the path would lead out of the folder.
        """
        if self._leads_through_a_link(path.rpartition("/")[0]):
            raise PermissionError(f"'{path}' is below a symbolic link, so it is not removed.")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._place(path))

    def tidy(self, prefix: str) -> None:
        """Remove temporary files of killed writers and empty folders below a folder.

        A writer whose folder is removed at that moment gets an error, and writes again later.
        """
        start = self._place(prefix)
        if self._leads_through_a_link(prefix):
            return
        for folder, _, _ in os.walk(start, topdown=False):
            remove_abandoned(Path(folder), _ABANDONED_SECONDS)
            if folder != start:
                with contextlib.suppress(OSError):  # the folder is not empty
                    os.rmdir(folder)

    def _leads_through_a_link(self, path: str) -> bool:
        """Return whether a part of a path in the store is a symbolic link."""
        place = self.folder
        for part in filter(None, path.split("/")):
            place /= part
            if place.is_symlink():
                return True
        return False

    def _place(self, path: str) -> str:
        # A `Path` would intern each part. A long log has so many files that the interpreter's table
        # of interned strings would grow by megabytes.
        return os.path.join(self.folder, *parts_of(path))


def _walk(folder: str, prefix: str) -> Iterator[str]:
    """Yield the paths of all files below a folder, in the order that sorting them would give."""
    try:
        with os.scandir(folder) as entries:
            # Names of folders sort with their slash: the path "a/b" sorts behind "a-b", although
            # the name "a" sorts before "a-b".
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
            yield from _walk(os.path.join(folder, name), path.removesuffix("/"))
        else:
            yield path


def _make_folder(folder: Path) -> None:
    """Create a folder and its parents, and sync them: a new file is lost if its folder is lost."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, 0o750)
    sync_folder(folder.parent)
