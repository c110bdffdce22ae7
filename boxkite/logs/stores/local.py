"""Files in a local folder, by the standard library: a file is linked to its name when whole."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from boxkite.logs.stores.paths import parts_of
from boxkite.logs.stores.store import Stored
from boxkite.system.atomic_file import create_file, remove_abandoned, sync_folder

__all__ = ["LocalStore"]

_STALE_SECONDS = 3600.0


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
        file = self._place(path)
        _make_folder(file.parent)
        return create_file(file, content, lock=self.folder / ".boxkite-lock")

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
        for folder, _, _ in os.walk(start, topdown=False):
            remove_abandoned(Path(folder), _STALE_SECONDS)
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


def _make_folder(folder: Path) -> None:
    """Make a folder with those above it, and bring them to the disk."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, 0o750)
    sync_folder(folder.parent)
