"""The predictions in the files of a log, each once, in bounded memory."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from boxkite.errors import LogReadError, LogReadWarning
from boxkite.logs.decompression import DECOMPRESSION_ERRORS, open_lines
from boxkite.logs.deduplication import Deduplication
from boxkite.logs.log_files import Interval, LogFile
from boxkite.logs.logged import Logged, decode_line
from boxkite.logs.stores.store import Store

__all__ = ["LogReader"]

# What is read ahead, so that the latency of an object store is waited for once, not for each file.
_FILES_AHEAD = 16
_BYTES_AHEAD = 32 * 2**20

_CHUNK_BYTES = 16 * 2**20


def _warn(message: str) -> None:
    warnings.warn(message, LogReadWarning, stacklevel=2)


@dataclass(frozen=True)
class LogReader:
    """Reads predictions from files.

    Attributes:
        store: where the log is.
        files: to read, those of one endpoint's minute after each other.
        interval: of the predictions to read.
        strict: raise for what is damaged, which is reported and left out otherwise.
        report: called with a message for each damaged line or file.
        progress: called with the size of each file that was read.
    """

    store: Store
    files: Sequence[LogFile]
    interval: Interval = field(default_factory=Interval)
    strict: bool = False
    report: Callable[[str], object] = _warn
    progress: Callable[[int], object] | None = None

    def predictions(self) -> Iterator[tuple[bytes, Logged]]:
        """Yield each prediction of the interval once, with its line.

        Raises:
            LogReadError: naming file and line, if it is damaged and reading is strict.
            OSError: if a file cannot be read.
        """
        since, until = self.interval
        unique = Deduplication()
        for file, content in self._contents():
            unique.enter((file.partition.endpoint, file.partition.minute))
            for line, record in self._lines(file, content):
                if since <= record.created_at < until and unique.is_new(record.entity_id):
                    yield line, record
            if self.progress is not None:
                self.progress(file.size)

    def chunks(self, rows: int) -> Iterator[list[Logged]]:
        """Yield the predictions in lists of so many at most, of 16 MiB of lines each at most."""
        chunk: list[Logged] = []
        size = 0
        for line, record in self.predictions():
            if chunk and (len(chunk) >= rows or size + len(line) > _CHUNK_BYTES):
                yield chunk
                chunk, size = [], 0
            chunk.append(record)
            size += len(line)
        if chunk:
            yield chunk

    def _lines(self, file: LogFile, content: bytes) -> Iterator[tuple[bytes, Logged]]:
        """Yield the sound lines of a file."""
        number = 0
        try:
            for line in open_lines(content, file.partition.suffix):
                number += 1
                try:
                    record = decode_line(line)
                except ValueError as error:
                    self._damaged(f"{file.path}, line {number}: {error}")
                else:
                    yield line, record
        except DECOMPRESSION_ERRORS as error:
            self._damaged(f"{file.path}, after line {number}: {error}")

    def _damaged(self, message: str) -> None:
        if self.strict:
            raise LogReadError(message)
        self.report(message)

    def _contents(self) -> Iterator[tuple[LogFile, bytes]]:
        """Yield the files with their contents; one that was pruned meanwhile is passed over."""
        for file, content in _read_ahead(self.store, self.files):
            try:
                yield file, content.result()
            except FileNotFoundError:
                continue


def _read_ahead(store: Store, files: Iterable[LogFile]) -> Iterator[tuple[LogFile, Future[bytes]]]:
    """Yield the files in their order, while some further ones are read in threads."""
    waiting: deque[tuple[LogFile, Future[bytes]]] = deque()
    size = 0
    pool = ThreadPoolExecutor(_FILES_AHEAD, thread_name_prefix="boxkite-read")
    try:
        for file in files:
            while waiting and (len(waiting) >= _FILES_AHEAD or size + file.size > _BYTES_AHEAD):
                size -= waiting[0][0].size
                yield waiting.popleft()
            waiting.append((file, pool.submit(store.read, file.path)))
            size += file.size
        while waiting:
            yield waiting.popleft()
    finally:
        pool.shutdown(cancel_futures=True)
