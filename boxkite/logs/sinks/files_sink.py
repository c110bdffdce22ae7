"""Deliver records as files: one per minute and worker, in a store."""

from __future__ import annotations

import functools
import gzip
import importlib
import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import Literal, NamedTuple

from boxkite.errors import ConfigError
from boxkite.live.log_context import LogContext
from boxkite.logs.partition import SUFFIXES, partition_path
from boxkite.logs.pruning import Pruner
from boxkite.logs.sink import Batch, RejectedError
from boxkite.logs.stores.store import Store
from boxkite.system.cooperation import cooperatively

__all__ = ["Compression", "FilesSink"]

Compression = Literal["gzip", "zstd"]

_GZIP_LEVEL = 6
_ZSTD_LEVEL = 3
_MAX_REMEMBERED = 100
_MAX_TAKEN_NAMES = 20


class _Written(NamedTuple):
    """The last file of a minute. The search for the next free number begins after it."""

    number: int
    digest: int


class FilesSink:
    """Writes the records of each minute to a file of their own. Never overwrites a file.

    A minute can have a file already: from late records, from another worker with the same names, or
    from a delivery whose outcome was lost. Then the sink takes the next number, unless the file has
    the same content, which means that it was delivered before. So a batch that is delivered twice
    gives the same file, or at worst one more file that holds it.

    If the store may overwrite files, or many numbers are taken, the file gets a random name.

    Args:
        store: where the files go.
        name: label of the sink's series, such as "file" or "s3".
        compression: compression of the files; None for plain text.
        pruner: deletes old files between deliveries; None to keep them.

    Raises:
        ConfigError: if the compression is unknown, or the package that it needs is missing.
    """

    whole_minutes = True

    def __init__(
        self,
        store: Store,
        name: str,
        compression: Compression | None = None,
        pruner: Pruner | None = None,
    ) -> None:
        self.name = name
        self._store = store
        self._compress = _compressor(compression)
        self._suffix = SUFFIXES[compression]
        self._pruner = pruner
        self._written: OrderedDict[str, _Written] = OrderedDict()

    def deliver(self, batch: Batch) -> None:
        """Write all records of a batch, or raise. The same batch may come again.

        Raises:
            RejectedError: if some records cannot be written as a line; all others are delivered.
            OSError: if the store cannot be reached or is full. Minutes that were written before
                are recognised when the batch comes again.
        """
        minutes, rejected = _lines_by_minute(batch)
        for minute, lines in minutes.items():
            self._write(batch.context, minute, self._compress(b"".join(lines)))
        if rejected:
            raise RejectedError(rejected)

    def _write(self, context: LogContext, minute: str, content: bytes) -> None:
        first = _path(context, minute, suffix=self._suffix)
        last = self._written.get(first, _Written(0, 0))
        # Python's own hash is fast and keyed per process, and only this process compares it.
        digest = hash(content)
        if last.number and digest == last.digest:
            return
        number = last.number
        if self._store.keeps_existing_files():
            # Limit the attempts, because a store may report every name as taken.
            for _ in range(_MAX_TAKEN_NAMES):
                number += 1
                path = _path(context, minute, number, self._suffix)
                if self._store.put_new(path, content) or self._holds(path, content):
                    self._remember(first, _Written(number, digest))
                    return
        path = _random_path(context, minute, self._suffix)
        if not self._store.put_new(path, content):
            raise OSError(f"{self._store!r} refuses the new name '{path}' because it is taken.")
        self._remember(first, _Written(max(number, 1), digest))

    def _holds(self, path: str, content: bytes) -> bool:
        try:
            return self._store.read(path) == content
        except FileNotFoundError:  # it was pruned in the meantime
            return False
        except PermissionError:
            # The credentials only allow writing. So it is unknown whether the content is the same,
            # and a duplicate is better than a lost batch.
            return False

    def _remember(self, path: str, written: _Written) -> None:
        self._written[path] = written
        # A forgotten minute only costs requests: the search for a free number starts at 1 again.
        self._written.move_to_end(path)
        while len(self._written) > _MAX_REMEMBERED:
            self._written.popitem(last=False)

    def tidy(self) -> None:
        """Delete old files, if there is a pruner."""
        if self._pruner is not None:
            self._pruner.run()

    def close(self) -> None:
        """Do nothing: a store has no connection to close."""


def _lines_by_minute(batch: Batch) -> tuple[dict[str, list[bytes]], dict[int, str]]:
    """Return the lines of each minute, and the reasons why some records have none, by index."""
    minutes: dict[str, list[bytes]] = {}
    rejected: dict[int, str] = {}
    for index in cooperatively(range(len(batch.records))):
        minute = batch.minute(index)
        try:
            if minute not in minutes:
                _path(batch.context, minute)  # raises if the time is not valid
            line = batch.line(index)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - values may be of any kind
            rejected[index] = f"{type(error).__name__}: {error}"
        else:
            minutes.setdefault(minute, []).append(line)
    return minutes, rejected


def _path(context: LogContext, minute: str, number: int = 1, suffix: str = ".txt") -> str:
    ids = context.logger_id, context.replica_id
    return partition_path(context.endpoint_id, minute, *ids, number, suffix)


def _random_path(context: LogContext, minute: str, suffix: str) -> str:
    logger_id = f"{context.logger_id}_{secrets.token_hex(8)}"
    return partition_path(context.endpoint_id, minute, logger_id, context.replica_id, 1, suffix)


def _compressor(compression: Compression | None) -> Callable[[bytes], bytes]:
    """Return a function that compresses equal files to equal bytes, so that they compare equal.

    Raises:
        ConfigError: if the compression is unknown, or the package that it needs is missing.
    """
    if compression is None:
        return bytes
    if compression == "gzip":
        # Without mtime=0, the header would hold the current time.
        return functools.partial(gzip.compress, compresslevel=_GZIP_LEVEL, mtime=0)
    if compression != "zstd":
        raise ConfigError(f"Unknown log compression {compression!r}. Use gzip, zstd or none.")
    try:
        zstandard = importlib.import_module("zstandard")
    except ImportError as error:
        raise ConfigError(
            "The log compression zstd needs zstandard: pip install 'boxkite[zstd]'"
        ) from error
    compress: Callable[[bytes], bytes] = zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress
    return compress
