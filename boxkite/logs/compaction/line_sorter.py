"""Sort the lines of a day by time, in bounded memory."""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from operator import itemgetter
from types import TracebackType
from typing import IO, TypeAlias

from boxkite.logs.log_line import LoggedPrediction, parse_line

__all__ = ["LineSorter"]

_Timed: TypeAlias = tuple[datetime, bytes, LoggedPrediction | None]

_MAX_RUN_BYTES = 64 * 2**20


class LineSorter:
    """Collects lines and yields them sorted by time. Lines of the same moment keep their order.

    A day may not fit into memory. So whenever the collected lines take 64 MiB, the sorter sorts
    them and writes them to a temporary file. It merges the files in the end. The lines come nearly
    in order, so a merge costs little, and an engine such as DuckDB would not help.

    Args:
        max_run_bytes: bytes of lines to keep in memory.
    """

    def __init__(self, max_run_bytes: int = _MAX_RUN_BYTES) -> None:
        self._max_run_bytes = max_run_bytes
        self._lines: list[tuple[datetime, bytes]] = []
        self._size = 0
        self._runs: list[IO[bytes]] = []
        self._files = ExitStack()

    def __enter__(self) -> LineSorter:
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._files.close()

    def add(self, moment: datetime, line: bytes) -> None:
        """Add a line that ends with its only line feed.

        Raises:
            OSError: if the temporary folder is full.
        """
        self._lines.append((moment, line))
        self._size += len(line)
        if self._size >= self._max_run_bytes:
            self._write_run()

    def _write_run(self) -> None:
        self._lines.sort(key=_moment)
        file = tempfile.TemporaryFile(prefix="boxkite-")  # noqa: SIM115 - closed with the sorter
        self._files.callback(file.close)
        file.writelines(line for _, line in self._lines)
        file.flush()
        self._runs.append(file)
        self._lines, self._size = [], 0

    def sorted(self) -> Iterator[tuple[bytes, LoggedPrediction]]:
        """Yield the lines and their parsed content. Call it once, after all lines were added."""
        self._lines.sort(key=_moment)
        runs = [_read(run) for run in self._runs]
        rest = ((moment, line, parse_line(line)) for moment, line in self._lines)
        # The merge is stable, and runs are in the order in which their lines came.
        for _, line, prediction in heapq.merge(*runs, rest, key=_moment):
            yield line, prediction


_moment = itemgetter(0)


def _read(run: IO[bytes]) -> Iterator[tuple[datetime, bytes, LoggedPrediction]]:
    run.seek(0)
    for line in run:
        prediction = parse_line(line)
        yield prediction.created_at, line, prediction
