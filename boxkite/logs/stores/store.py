"""What a store of files is, local or remote: four verbs, of which one never overwrites."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

__all__ = ["Store", "Stored"]


class Stored(NamedTuple):
    """One file.

    Attributes:
        path: relative to the store, parts separated by "/".
        size: in bytes.
    """

    path: str
    size: int


class Store(Protocol):
    """Files by path relative to one root. Threads may use one at the same time."""

    def put_new(self, path: str, content: bytes) -> bool:
        """Write a file, whole or not at all; False if there is one of that path already.

        Raises:
            OSError: if the store cannot be reached or is full; the file may be there, and whole.
        """

    def read(self, path: str) -> bytes:
        """Return a file's content.

        Raises:
            FileNotFoundError: if there is none.
            OSError: if it cannot be read.
        """

    def list(self, prefix: str) -> Iterator[Stored]:
        """Yield the files below a folder, sorted by path; nothing if there is no such folder.

        Args:
            prefix: a folder's path, "" for all.
        """

    def remove(self, path: str) -> None:
        """Delete a file; one that is gone already is no error."""
