"""The interface of a store of files, and the paths in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO, NamedTuple, Protocol

__all__ = ["Store", "StoredFile", "is_hidden", "parts_of"]


class StoredFile(NamedTuple):
    """One file in a store.

    Attributes:
        path: path relative to the store, with "/" between its parts.
        size: number of bytes.
        etag: text that differs if a file was removed and another one took its name: the entity tag
            of an object store, or the time of a local file's last change.
    """

    path: str
    size: int
    etag: str


class Store(Protocol):
    """Files by path, relative to one root. Several threads may use a store at once."""

    def put_new(self, path: str, pieces: Iterable[bytes]) -> bool:
        """Write a file as a whole, and return True. Return False if the path is taken.

        Args:
            path: path of the file.
            pieces: the content. If iterating over it raises an exception, no file is written.

        Raises:
            OSError: if the store cannot be reached or is full. The file may exist then, but only as
                a whole.
        """
        ...

    def keeps_existing_files(self) -> bool:
        """Return whether `put_new` is known never to overwrite a file.

        Raises:
            OSError: if the store cannot be reached.
        """
        ...

    def read(self, path: str) -> bytes:
        """Return the content of a file.

        Raises:
            FileNotFoundError: if the file does not exist.
            OSError: if it cannot be read.
        """
        ...

    def open(self, path: str) -> IO[bytes]:
        """Open a file for reading it bit by bit.

        Raises:
            FileNotFoundError: if the file does not exist.
            OSError: if it cannot be read, also while it is read.
        """
        ...

    def list(self, prefix: str) -> Iterator[StoredFile]:
        """Yield the files below a folder, sorted by path. Yield nothing if it does not exist.

        Args:
            prefix: path of the folder; "" for the whole store.
        """
        ...

    def remove(self, path: str) -> None:
        """Delete a file. It is not an error if the file does not exist."""


def parts_of(path: str) -> list[str]:
    """Split the path of a file in a store.

    Raises:
        ValueError: if the path is empty or would lead out of the store.
    """
    parts = path.split("/")
    if "\0" in path or any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"{path!r} is not a path of a file in a store.")
    return parts


def is_hidden(path: str) -> bool:
    """Return whether any part of a path begins with a dot."""
    return path.startswith(".") or "/." in path
