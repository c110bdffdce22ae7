"""A store of files in an object store: S3, Google Cloud Storage or Azure Blob Storage."""

from __future__ import annotations

import contextlib
import errno
import importlib
import io
import os
import re
from collections.abc import Generator, Iterable, Iterator
from datetime import timedelta
from typing import IO, Any

from boxkite.errors import ConfigError
from boxkite.logs.partition import ROOT
from boxkite.logs.stores.clouds import CLOUDS, http_option, parse_bucket_url
from boxkite.logs.stores.store import StoredFile, is_hidden, parts_of

__all__ = ["ObjectStore"]


_CLIENT = {"connect_timeout": timedelta(seconds=5), "timeout": timedelta(seconds=30)}
# Retry only for short failures. The shipper repeats a delivery after pauses that grow.
_RETRIES = {
    "max_retries": 2,
    "retry_timeout": timedelta(seconds=30),
    "backoff": {
        "init_backoff": timedelta(milliseconds=100),
        "max_backoff": timedelta(seconds=2),
        "base": 2,
    },
}
_PAGE = 1000
_STREAM_BYTES = 2**20
_PROBE = f"{ROOT}/.boxkite-probe"

_first_process: int | None = None
"""The process in which obstore started its threads. A fork does not copy threads."""


class ObjectStore:
    """Files in one bucket or container, below a prefix.

    `put_new` is a conditional put: the service writes the object only if its name is free.
    Credentials, region and endpoint come from the environment variables that each cloud's own tools
    read (`AWS_…`, `GOOGLE_…`, `AZURE_STORAGE_…`), or from the machine's identity.

    Args:
        url: `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`.

    Raises:
        ConfigError: if the URL or the environment cannot be used, or obstore is not installed.
    """

    def __init__(self, url: str) -> None:
        scheme, bucket, prefix = parse_bucket_url(url)
        self.url = url
        cloud = CLOUDS[scheme]
        try:
            self._obstore = importlib.import_module("obstore")
            store_class = getattr(importlib.import_module("obstore.store"), cloud.store)
        except ImportError as error:
            raise ConfigError(f"{url} needs obstore: pip install 'boxkite[objects]'") from error
        client = dict(_CLIENT, **http_option(url, cloud))
        try:
            self._store = store_class(
                bucket,
                prefix=prefix or None,
                client_options=client,
                retry_config=_RETRIES,
                **cloud.options,
            )
        except Exception as error:  # noqa: BLE001 - the environment may hold anything
            message = f"Cannot use {url}: {_first_line(error)}. {cloud.advice}."
            raise ConfigError(message) from None
        self._keeps_existing: bool | None = cloud.is_conditional or None
        self._mode = "create"

    def __repr__(self) -> str:
        return f"ObjectStore({self.url!r})"

    def put_new(self, path: str, pieces: Iterable[bytes]) -> bool:
        """Write a file as a whole, and return True. Return False if the path is taken.

        Raises:
            OSError: if the outcome is not known. The file may exist, but only as a whole.
            ValueError: if the path is empty or would lead out of the prefix.
        """
        parts_of(path)
        # The service needs the size first, and the client repeats a put that failed.
        content = b"".join(pieces)
        with self.os_errors():
            try:
                self._obstore.put(self._store, path, content, mode=self._mode)
            except self._obstore.exceptions.AlreadyExistsError:
                return False
        return True

    def keeps_existing_files(self) -> bool:
        """Return whether the service honours conditional puts. The first call finds out.

        It puts an empty object under a fixed hidden name, twice at most. If the service answers
        that the name is taken, it honours conditions. If it accepts the second put too, it ignores
        them. If it answers 501, it does not know them, and later puts are sent without.

        Raises:
            OSError: if the service cannot be reached.
        """
        if self._keeps_existing is None:
            try:
                # The second put only happens if the first one found the name free.
                self._keeps_existing = not (self.put_new(_PROBE, []) and self.put_new(_PROBE, []))
            except PermissionError:
                # The credentials only allow other names, so it is unknown whether conditions work.
                self._keeps_existing = False
            except OSError as error:
                if not _is_not_implemented(error):
                    raise
                self._keeps_existing, self._mode = False, "overwrite"
        return self._keeps_existing

    def read(self, path: str) -> bytes:
        """Return the content of a file.

        Raises:
            FileNotFoundError: if the file does not exist.
            OSError: if it cannot be read.
            ValueError: if the path is empty or would lead out of the prefix.
        """
        parts_of(path)
        with self.os_errors():
            return bytes(self._obstore.get(self._store, path).bytes())

    def open(self, path: str) -> IO[bytes]:
        """Open a file for reading it bit by bit.

        Raises:
            FileNotFoundError: if the file does not exist.
            OSError: if it cannot be read, also while it is read.
            ValueError: if the path is empty or would lead out of the prefix.
        """
        parts_of(path)
        with self.os_errors():
            reader = self._obstore.open_reader(self._store, path)
        return io.BufferedReader(_ObjectStream(self, reader), _STREAM_BYTES)

    def list(self, prefix: str = "") -> Iterator[StoredFile]:
        """Yield the files below a folder, sorted by path. Yield nothing if it does not exist.

        All three services list names in order. Hidden names are left out, as in a local folder.

        Raises:
            OSError: if the service cannot be reached.
        """
        folder = prefix.strip("/")
        with self.os_errors():
            for page in self._obstore.list(self._store, folder or None, chunk_size=_PAGE):
                for found in page:
                    if not is_hidden(found["path"]):
                        yield StoredFile(found["path"], found["size"], found["e_tag"] or "")

    def remove(self, path: str) -> None:
        """Delete a file. It is not an error if the file does not exist.

        Raises:
            OSError: if it cannot be deleted.
            ValueError: if the path is empty or would lead out of the prefix.
        """
        parts_of(path)
        with contextlib.suppress(FileNotFoundError), self.os_errors():
            self._obstore.delete(self._store, path)

    @contextlib.contextmanager
    def os_errors(self) -> Generator[None]:
        """Turn obstore's errors into an `OSError` with one line of text."""
        _check_threads()
        denied = (
            self._obstore.exceptions.PermissionDeniedError,
            self._obstore.exceptions.UnauthenticatedError,
        )
        try:
            yield
        # `from None`, because obstore's own message shows its whole request over many lines.
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{self.url}: {_first_line(error)}") from None
        except denied as error:
            raise PermissionError(f"{self.url}: {_first_line(error)}") from None
        except self._obstore.exceptions.BaseError as error:
            raise OSError(f"{self.url}: {_first_line(error)}") from None


class _ObjectStream(io.RawIOBase):
    """An object as a stream of Python's, which decompressors need."""

    def __init__(self, store: ObjectStore, reader: Any) -> None:
        self._store = store
        self._reader = reader

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            with self._store.os_errors():
                part = memoryview(self._reader.read(len(buffer)))
        except OSError as error:
            # Give the error a number, because decompressors raise OSError without one for damaged
            # content.
            raise OSError(errno.EIO, str(error)) from None
        buffer[: len(part)] = part
        return len(part)


def _check_threads() -> None:
    """Refuse to use obstore after a fork, where it would wait forever for missing threads.

    Raises:
        OSError: in a process that was forked from one that has used obstore.
    """
    global _first_process
    _first_process = _first_process or os.getpid()
    if _first_process != os.getpid():
        raise OSError(
            "The parent of this forked process has already used an object store, and its threads "
            "do not exist here. Use object stores only after the fork."
        )


def _is_not_implemented(error: OSError) -> bool:
    # obstore has no class of its own for this status.
    return "501 Not Implemented" in str(error)


def _first_line(error: BaseException) -> str:
    """Return the first line of an error's text, without queries, which may hold signatures."""
    return re.sub(r"\?\S*", "", str(error).partition("\n")[0]) or type(error).__name__
