"""Read the predictions in the files of a log, each once, in bounded memory."""

from __future__ import annotations

import functools
import gzip
import importlib
import io
import warnings
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import IO, Any

from boxkite.errors import LogReadError, LogReadWarning
from boxkite.logs.log_line import LoggedPrediction, parse_line
from boxkite.logs.partition import SUFFIXES, Partition
from boxkite.logs.reader.log_files import Interval, LogFile, Moment, log_files
from boxkite.logs.stores import open_store
from boxkite.logs.stores.store import Store

__all__ = ["LogReader"]

# Several files are read ahead, because an object store answers only after tens of milliseconds.
_FILES_AHEAD = 16
_BYTES_AHEAD = 32 * 2**20

_CHUNK_BYTES = 16 * 2**20
# A record has at most 1 MiB by default. A line beyond this limit is damage, and must not fill the
# memory.
_MAX_LINE_BYTES = 64 * 2**20


def _warn(message: str) -> None:
    warnings.warn(message, LogReadWarning, stacklevel=2)


@dataclass(frozen=True)
class LogReader:
    """Reads predictions from log files.

    Attributes:
        store: the store of the log.
        files: the files to read, sorted by endpoint and time.
        interval: the times of the predictions to read.
        strict: raise an error for damage; otherwise report it and leave it out.
        report: called with a message for each damaged line or file.
        progress: called with the size of each file after it was read.
    """

    store: Store
    files: Sequence[LogFile]
    interval: Interval = field(default_factory=Interval)
    strict: bool = False
    report: Callable[[str], object] = _warn
    progress: Callable[[int], object] | None = None

    @classmethod
    def open(
        cls,
        url: str,
        endpoint: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        **options: Any,
    ) -> LogReader:
        """Return a reader for a part of a log. This lists the files and reads none.

        Args:
            url: path or URL of the log, as `LOG` has it.
            endpoint: id of the endpoint; None for all.
            since: the first moment to read; None for the beginning.
            until: the first moment not to read; None for the end.
            **options: other attributes of `LogReader`.

        Raises:
            LogReadError: if there is no log, or `since` or `until` is not a time.
            ConfigError: if the URL has a mistake.
            OSError: if the store cannot be reached.
        """
        store, interval = open_store(url), Interval.of(since, until)
        try:
            files = list(log_files(store, endpoint, interval))
        except LogReadError as error:
            raise LogReadError(f"{url}: {error}") from None
        return cls(store, files, interval, **options)

    def predictions(self) -> Iterator[tuple[bytes, LoggedPrediction]]:
        """Yield each prediction of the interval once, together with its line.

        Raises:
            LogReadError: if `strict` is set and something is damaged. It names file and line.
            OSError: if a file cannot be read.
        """
        since, until = self.interval
        seen = _SeenIds()
        for file, content in self._contents():
            seen.enter(file.partition)
            with content:
                # A file holds whole minutes, but the interval may begin or end within one.
                for line, prediction in self._lines(file, content):
                    in_interval = since <= prediction.created_at < until
                    if in_interval and seen.is_new(prediction.entity_id):
                        yield line, prediction
            if self.progress is not None:
                self.progress(file.size)

    def chunks(self, max_rows: int) -> Iterator[list[LoggedPrediction]]:
        """Yield the predictions in lists of at most `max_rows` rows and 16 MiB of lines."""
        chunk: list[LoggedPrediction] = []
        size = 0
        for line, prediction in self.predictions():
            if chunk and (len(chunk) >= max_rows or size + len(line) > _CHUNK_BYTES):
                yield chunk
                chunk, size = [], 0
            chunk.append(prediction)
            size += len(line)
        if chunk:
            yield chunk

    def _lines(self, file: LogFile, content: IO[bytes]) -> Iterator[tuple[bytes, LoggedPrediction]]:
        """Yield the undamaged lines of a file."""
        number = 0
        try:
            lines = _decompressed(content, file.partition.suffix)
            for line in iter(functools.partial(lines.readline, _MAX_LINE_BYTES + 1), b""):
                number += 1
                try:
                    if len(line) > _MAX_LINE_BYTES:
                        _skip_line(lines, line)
                        raise ValueError(f"the line is longer than {_MAX_LINE_BYTES:,} bytes")
                    prediction = parse_line(line)
                except ValueError as error:
                    self._damaged(f"{file.path}, line {number}: {error}")
                else:
                    yield line, prediction
        except (EOFError, OSError, zlib.error) as error:
            # gzip and zstd raise OSError for damaged content too, but without an error number.
            if isinstance(error, OSError) and error.errno is not None:
                raise
            self._damaged(f"{file.path}, after line {number}: {error}")

    def _damaged(self, message: str) -> None:
        if self.strict:
            raise LogReadError(message)
        self.report(message)

    def _contents(self) -> Iterator[tuple[LogFile, IO[bytes]]]:
        """Yield the files with their contents. Skip a file that was pruned in the meantime."""
        for file, content in _read_ahead(self.store, self.files):
            try:
                yield file, content.result()
            except FileNotFoundError:
                continue


class _SeenIds:
    """The ids that were read in files of one endpoint whose periods overlap.

    Delivery is at least once, so a prediction may be in the log several times. A file is named by
    the time of its predictions, not of their delivery. So the files of all copies have the same
    period, or overlapping ones if `LOG_FILE_MINUTES` was changed. The ids of these files are
    enough, and memory does not grow with the log.
    """

    def __init__(self) -> None:
        self._endpoint = ""
        self._end = Interval().since
        self._ids: set[str] = set()

    def enter(self, partition: Partition) -> None:
        """Forget all ids if a file does not overlap the files before it."""
        if partition.endpoint != self._endpoint or partition.minute >= self._end:
            self._ids = set()
            self._endpoint, self._end = partition.endpoint, partition.end
        self._end = max(self._end, partition.end)

    def is_new(self, entity_id: str) -> bool:
        """Return whether an id comes for the first time."""
        before = len(self._ids)
        self._ids.add(entity_id)
        return len(self._ids) > before


def _decompressed(content: IO[bytes], suffix: str) -> IO[bytes] | gzip.GzipFile:
    """Return a stream of the lines in a file.

    Raises:
        ModuleNotFoundError: if the file is compressed with zstd and pyarrow is not installed.
    """
    if suffix == SUFFIXES["gzip"]:
        return gzip.GzipFile(fileobj=content)
    if suffix == SUFFIXES["zstd"]:
        arrow = importlib.import_module("pyarrow")
        return io.BufferedReader(arrow.CompressedInputStream(content, "zstd"))
    return content


def _skip_line(lines: IO[bytes] | gzip.GzipFile, begin: bytes) -> None:
    """Read to the end of a line without keeping it."""
    part = begin
    while part and not part.endswith(b"\n"):
        part = lines.readline(2**20)


def _open(store: Store, file: LogFile) -> IO[bytes]:
    """Read a file as a whole. Only a very large one is streamed, which costs more requests."""
    if file.size > _BYTES_AHEAD:
        return store.open(file.path)
    return io.BytesIO(store.read(file.path))


def _read_ahead(
    store: Store, files: Iterable[LogFile]
) -> Iterator[tuple[LogFile, Future[IO[bytes]]]]:
    """Yield the files in their order, while threads read the next ones."""
    waiting: deque[tuple[LogFile, Future[IO[bytes]]]] = deque()
    size = 0
    pool = ThreadPoolExecutor(_FILES_AHEAD, thread_name_prefix="boxkite-read")
    try:
        for file in files:
            # Waiting for the oldest file first keeps the order, and bounds files and bytes.
            while waiting and (len(waiting) >= _FILES_AHEAD or size + file.size > _BYTES_AHEAD):
                size -= waiting[0][0].size
                yield waiting.popleft()
            waiting.append((file, pool.submit(_open, store, file)))
            size += file.size
        while waiting:
            yield waiting.popleft()
    finally:
        pool.shutdown(cancel_futures=True)
