"""Read the lines in files of a log, in bounded memory. Several files are read ahead."""

from __future__ import annotations

import functools
import gzip
import importlib
import io
import warnings
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import IO

from boxkite.errors import LogReadError, LogReadWarning
from boxkite.logs.log_line import LoggedPrediction, parse_line
from boxkite.logs.partition import SUFFIXES
from boxkite.logs.reader.log_files import LogFile
from boxkite.logs.stores.store import Store

__all__ = ["Damage", "read_lines"]

# Several files are read ahead, because an object store answers only after tens of milliseconds.
_FILES_AHEAD = 16
_BYTES_AHEAD = 32 * 2**20

# A record has at most 1 MiB by default. A line beyond this limit is damage, and must not fill the
# memory.
_MAX_LINE_BYTES = 64 * 2**20


def _warn(message: str) -> None:
    warnings.warn(message, LogReadWarning, stacklevel=2)


@dataclass(frozen=True)
class Damage:
    """What happens to damaged lines.

    Attributes:
        strict: raise an error for damage; otherwise report it and leave it out.
        report: called with a message for each damaged line or file.
        paths: gets the path of each damaged file.
    """

    strict: bool = False
    report: Callable[[str], object] = _warn
    paths: set[str] = field(default_factory=set[str])

    def found(self, path: str, where: str, error: Exception) -> None:
        """Report damage, or raise.

        Raises:
            LogReadError: if `strict` is set.
        """
        message = f"{path}, {where}: {error}"
        if self.strict:
            raise LogReadError(message)
        self.paths.add(path)
        self.report(message)


def read_lines(
    store: Store,
    files: Iterable[LogFile],
    damage: Damage,
    gone: Callable[[LogFile], object],
    progress: Callable[[int], object] | None = None,
) -> Iterator[tuple[LogFile, bytes, LoggedPrediction]]:
    """Yield the undamaged lines of files, with what they hold.

    Args:
        store: the store of the log.
        files: the files to read.
        damage: gets damaged lines.
        gone: called with each file that does not exist any more. It raises to stop.
        progress: called with the size of each file after it was read.

    Raises:
        LogReadError: if damage raises it.
        OSError: if a file cannot be read.
    """
    for file, reading in _read_ahead(store, files):
        try:
            content = reading.result()
        except FileNotFoundError:
            gone(file)
            continue
        with content:
            for line, prediction in _lines(file, content, damage):
                yield file, line, prediction
        if progress is not None:
            progress(file.size)


def _lines(
    file: LogFile, content: IO[bytes], damage: Damage
) -> Iterator[tuple[bytes, LoggedPrediction]]:
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
                damage.found(file.path, f"line {number}", error)
            else:
                yield line, prediction
    except (EOFError, OSError, zlib.error) as error:
        # gzip and zstd raise OSError for damaged content too, but without an error number.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        damage.found(file.path, f"after line {number}", error)


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
