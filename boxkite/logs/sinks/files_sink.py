"""Deliver records as files: one per period and worker, in a store."""

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
from boxkite.logs.partition import SUFFIXES, partition_path, period_of
from boxkite.logs.pruners import Pruner
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
    """The last file of a period. The search for the next free number begins after it."""

    number: int
    digest: int


class FilesSink:
    """Writes the records of each period to a file of their own. Never overwrites a file.

    A period can have a file already: from late records, from another worker with the same names, or
    from a delivery whose outcome was lost. Then the sink takes the next number, unless the file has
    the same content, which means that it was delivered before. So a batch that is delivered twice
    gives the same file, or at worst one more file that holds it.

    If the store may overwrite files, or many numbers are taken, the file gets a random name.

    Args:
        store: where the files go.
        name: label of the sink's series, such as "file" or "s3".
        compression: compression of the files; None for plain text.
        pruner: deletes old files between deliveries; None to keep them.
        whole_minutes: length of a period in minutes, a divisor of 60.

    Raises:
        ConfigError: if the compression is unknown, or the package that it needs is missing.
    """

    def __init__(
        self,
        store: Store,
        name: str,
        compression: Compression | None = None,
        pruner: Pruner | None = None,
        whole_minutes: int = 1,
    ) -> None:
        self.name = name
        self.whole_minutes = whole_minutes
        self._store = store
        self._compress = _compressor(compression)
        self._suffix = SUFFIXES[compression]
        self._pruner = pruner
        self._written: OrderedDict[str, _Written] = OrderedDict()

    def deliver(self, batch: Batch) -> None:
        """Write all records of a batch, or raise. The same batch may come again.

        Raises:
            RejectedError: if some records cannot be written as a line; all others are delivered.
            OSError: if the store cannot be reached or is full. Periods that were written before
                are recognised when the batch comes again.
        """
        periods, rejected = self._lines_by_period(batch)
        for period, lines in periods.items():
            self._write(batch.context, period, self._compress(b"".join(lines)))
        if rejected:
            raise RejectedError(rejected)

    def _lines_by_period(self, batch: Batch) -> tuple[dict[str, list[bytes]], dict[int, str]]:
        """Return the lines of each period, and why some records have none, by index."""
        periods: dict[str, list[bytes]] = {}
        rejected: dict[int, str] = {}
        for index in cooperatively(range(len(batch.records))):
            try:
                period = period_of(batch.minute(index), self.whole_minutes)
                if period not in periods:
                    self._path(batch.context, period)  # raises if the time is not valid
                line = batch.line(index)
            except MemoryError:
                raise
            except Exception as error:  # noqa: BLE001 - values may be of any kind
                rejected[index] = f"{type(error).__name__}: {error}"
            else:
                periods.setdefault(period, []).append(line)
        return periods, rejected

    def _path(self, context: LogContext, period: str, number: int = 1, unique: str = "") -> str:
        """Return the path of a period's file. Text in `unique` joins the worker's id."""
        return partition_path(
            context.endpoint_id,
            period,
            context.logger_id + unique,
            context.replica_id,
            number,
            self._suffix,
            self.whole_minutes,
        )

    def _write(self, context: LogContext, period: str, content: bytes) -> None:
        first = self._path(context, period)
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
                path = self._path(context, period, number)
                if self._store.put_new(path, content) or self._holds(path, content):
                    self._remember(first, _Written(number, digest))
                    return
        path = self._path(context, period, unique=f"_{secrets.token_hex(8)}")
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
        # A forgotten period only costs requests: the search for a free number starts at 1 again.
        self._written.move_to_end(path)
        while len(self._written) > _MAX_REMEMBERED:
            self._written.popitem(last=False)

    def tidy(self) -> None:
        """Delete old files, if there is a pruner."""
        if self._pruner is not None:
            self._pruner.run()

    def close(self) -> None:
        """Do nothing: a store has no connection to close."""


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
