"""Delivers records as files, one a minute of one worker, to a store."""

from __future__ import annotations

import functools
import gzip
import importlib
import itertools
from collections import OrderedDict
from collections.abc import Callable
from typing import Literal, NamedTuple

from boxkite.errors import ConfigError
from boxkite.logs.partition import SUFFIXES, partition_path
from boxkite.logs.sink import Batch, RejectedError
from boxkite.logs.stores.store import Store
from boxkite.logs.terms import LogTerms
from boxkite.system.cooperation import cooperatively

__all__ = ["Compression", "FilesSink"]

Compression = Literal["gzip", "zstd"]

_GZIP_LEVEL = 6
_ZSTD_LEVEL = 3
_REMEMBERED = 100


class _Placed(NamedTuple):
    """The last file that was placed for a minute: where the search for a free number begins."""

    number: int
    digest: int


class FilesSink:
    """Writes the records of each minute to a file of their own.

    Where the minute has a file already, of late records, of another worker of the same names or of
    a delivery whose outcome was not known, the next number is taken, unless the content is the
    same: then it was delivered. So nothing is overwritten, and what comes again is either the same
    file or one more that holds it.

    Args:
        store: where to.
        name: label of the sink's series, as "file" or "s3".
        compression: of the files; None for plain text.

    Raises:
        ConfigError: if the compression is unknown, or what it needs is not installed.
    """

    whole_minutes = True

    def __init__(self, store: Store, name: str, compression: Compression | None = None) -> None:
        self.name = name
        self._store = store
        self._compress = _compressor(compression)
        self._suffix = SUFFIXES[compression]
        self._placed: OrderedDict[str, _Placed] = OrderedDict()

    def deliver(self, batch: Batch) -> None:
        """Write all records of a batch, or raise. The same batch may come again.

        Raises:
            RejectedError: if some cannot be written as a line; all others are delivered.
            OSError: if the store cannot be reached or is full; minutes written before that are
                known when the batch comes again.
        """
        minutes, refused = _minutes(batch)
        for minute, lines in minutes.items():
            self._place(batch.terms, minute, self._compress(b"".join(lines)))
        if refused:
            raise RejectedError(refused)

    def _place(self, terms: LogTerms, minute: str, content: bytes) -> None:
        """Put a minute's content under the first name that is free, or has the same content."""

        first = _path(terms, minute, 1, self._suffix)
        last = self._placed.get(first, _Placed(0, 0))
        digest = hash(content)
        if last.number and digest == last.digest:
            return
        for number in itertools.count(last.number + 1):
            path = _path(terms, minute, number, self._suffix)
            if self._store.put_new(path, content) or self._holds(path, content):
                self._remember(first, _Placed(number, digest))
                return

    def _holds(self, path: str, content: bytes) -> bool:
        try:
            return self._store.read(path) == content
        except FileNotFoundError:  # pruned since
            return False

    def _remember(self, path: str, placed: _Placed) -> None:
        self._placed[path] = placed
        self._placed.move_to_end(path)
        while len(self._placed) > _REMEMBERED:
            self._placed.popitem(last=False)

    def close(self) -> None:
        """Do nothing: the store keeps no connection that must be closed."""


def _minutes(batch: Batch) -> tuple[dict[str, list[bytes]], dict[int, str]]:
    """Return the lines of each minute, and by its index why a record has none."""
    minutes: dict[str, list[bytes]] = {}
    refused: dict[int, str] = {}
    for index in cooperatively(range(len(batch.records))):
        minute = batch.minute(index)
        try:
            if minute not in minutes:
                _path(batch.terms, minute)
            line = batch.line(index)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - what cannot be a line now never can
            refused[index] = f"{type(error).__name__}: {error}"
        else:
            minutes.setdefault(minute, []).append(line)
    return minutes, refused


def _path(terms: LogTerms, minute: str, number: int = 1, suffix: str = ".txt") -> str:
    ids = terms.logger_id, terms.replica_id
    return partition_path(terms.endpoint_id, minute, *ids, number, suffix)


def _compressor(compression: Compression | None) -> Callable[[bytes], bytes]:
    """Return what compresses a file, to the same bytes each time.

    Raises:
        ConfigError: if there is no such compression here.
    """
    if compression is None:
        return bytes
    if compression == "gzip":
        return functools.partial(gzip.compress, compresslevel=_GZIP_LEVEL, mtime=0)
    if compression != "zstd":
        raise ConfigError(f"the log's compression is {compression!r}; give gzip or zstd, or none")
    try:
        zstandard = importlib.import_module("zstandard")
    except ImportError as error:
        raise ConfigError(
            "the log's compression zstd needs zstandard: pip install 'boxkite[zstd]'"
        ) from error
    compress: Callable[[bytes], bytes] = zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress
    return compress
