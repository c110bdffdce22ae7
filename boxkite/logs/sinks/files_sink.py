"""Deliver records as files: one per period and worker, in a store."""

from __future__ import annotations

import contextlib
import secrets
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from boxkite.live.journal_slice import RecordsGoneError
from boxkite.live.log_context import LogContext
from boxkite.logs.partition import SUFFIXES, partition_path, period_of
from boxkite.logs.pruners import Pruner
from boxkite.logs.sink import Batch, RejectedError
from boxkite.logs.sinks.compression import Compress, Compression, compressor
from boxkite.logs.stores.store import Store
from boxkite.system.cooperation import cooperatively

__all__ = ["FilesSink"]

_PIECE_BYTES = 1 << 16
_MAX_REMEMBERED = 100
_MAX_TAKEN_NAMES = 20


class _Written(NamedTuple):
    """The last file of a period. The search for the next free number begins after it.

    Attributes:
        number: number of the file.
        records: number of its records, and id and time of the first one. A batch that comes again
            has the same.
        rejected: why some of the records have no line, by index.
    """

    number: int
    records: tuple[int, str, str]
    rejected: dict[int, str]


class _NothingToWriteError(Exception):
    """All records of a period are rejected."""


class _Content:
    """The content of a period's file. It is made again each time it is iterated over.

    So neither the records nor the lines of a period are in memory as a whole.

    Args:
        batch: the records.
        indices: which of the records belong to the period.
        compress: compresses the content.

    Attributes:
        rejected: why some of the records have no line, by index.
    """

    def __init__(self, batch: Batch, indices: Sequence[int], compress: Compress) -> None:
        self._batch = batch
        self._indices = indices
        self._compress = compress
        self.rejected: dict[int, str] = {}

    def __iter__(self) -> Iterator[bytes]:
        return self._compress(self._pieces())

    def _pieces(self) -> Iterator[bytes]:
        lines: list[bytes] = []
        size = total = 0
        for line in self._lines():
            lines.append(line)
            size += len(line)
            if size >= _PIECE_BYTES:
                yield b"".join(lines)
                total += size
                lines, size = [], 0
        if not total + size:
            # This keeps the store from writing an empty file.
            raise _NothingToWriteError
        yield b"".join(lines)

    def _lines(self) -> Iterator[bytes]:
        for index in cooperatively(self._indices):
            try:
                line = self._batch.line(index)
            except (MemoryError, RecordsGoneError):
                raise
            except Exception as error:  # noqa: BLE001 - values may be of any kind
                self.rejected[index] = f"{type(error).__name__}: {error}"
            else:
                yield line


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
        self._compress = compressor(compression)
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
        rejected: dict[int, str] = {}
        for period, indices in self._periods(batch, rejected).items():
            rejected |= self._write(batch, period, indices)
        if rejected:
            raise RejectedError(rejected)

    def _periods(self, batch: Batch, rejected: dict[int, str]) -> dict[str, array[int]]:
        """Return which records belong to each period. Note why some belong to none, by index."""
        periods: dict[str, array[int]] = {}
        for index in cooperatively(range(len(batch.records))):
            period = period_of(batch.minute(index), self.whole_minutes)
            if period not in periods:
                try:
                    self._path(batch.context, period)
                except ValueError as error:  # the time is not valid
                    rejected[index] = f"{type(error).__name__}: {error}"
                    continue
                periods[period] = array("L")
            periods[period].append(index)
        return periods

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

    def _write(self, batch: Batch, period: str, indices: Sequence[int]) -> dict[int, str]:
        """Write the file of a period. Return why some records are not in it, by index."""
        path = self._path(batch.context, period)
        first = batch.records[indices[0]]
        records = len(indices), first.entity_id, first.created_at
        last = self._written.get(path)
        if last is not None and records == last.records:
            return last.rejected
        content = _Content(batch, indices, self._compress)
        with contextlib.suppress(_NothingToWriteError):
            number = self._put(batch.context, period, last.number if last else 0, content)
            self._remember(path, _Written(number, records, content.rejected))
        return content.rejected

    def _put(self, context: LogContext, period: str, number: int, content: _Content) -> int:
        """Write a file under the next free number after a given one, and return its number."""
        if self._store.keeps_existing_files():
            # Limit the attempts, because a store may report every name as taken.
            for _ in range(_MAX_TAKEN_NAMES):
                number += 1
                path = self._path(context, period, number)
                if self._store.put_new(path, content) or self._holds(path, content):
                    return number
        path = self._path(context, period, unique=f"_{secrets.token_hex(8)}")
        if not self._store.put_new(path, content):
            raise OSError(f"{self._store!r} refuses the new name '{path}' because it is taken.")
        return max(number, 1)

    def _holds(self, path: str, content: Iterable[bytes]) -> bool:
        try:
            held = self._store.read(path)
        except FileNotFoundError:  # it was pruned in the meantime
            return False
        except PermissionError:
            # The credentials only allow writing. So it is unknown whether the content is the same,
            # and a duplicate is better than a lost batch.
            return False
        end = 0
        for piece in content:
            begin, end = end, end + len(piece)
            if held[begin:end] != piece:  # usually the first piece
                return False
        return end == len(held)

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
