"""Read the predictions of a log, each once, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from boxkite.errors import LogReadError
from boxkite.logs.log_line import LoggedPrediction
from boxkite.logs.partition import endpoint_part
from boxkite.logs.reader.line_files import Damage, read_lines
from boxkite.logs.reader.log_days import LogDay, Period, check_unchanged, log_days, periods
from boxkite.logs.reader.log_files import Interval, LogFile, Moment
from boxkite.logs.stores import open_store
from boxkite.logs.stores.store import Store, StoredFile

if TYPE_CHECKING:
    from boxkite.logs.reader.compacted_rows import CompactedRows

__all__ = ["LogReader", "Predictions"]

_CHUNK_BYTES = 16 * 2**20

# The columns of compacted rows that hold features and outputs.
_VALUES = frozenset({"created_at", "features", "output", "truncated", "shape", "line"})

Predictions: TypeAlias = Iterator[tuple[bytes, LoggedPrediction]]
"""Predictions with their lines."""


@dataclass(frozen=True)
class LogReader:
    """Reads predictions from a log: from compacted days, and from lines that they do not cover.

    Attributes:
        store: the store of the log.
        days: the days to read.
        interval: the times of the predictions to read.
        damage: what happens to damaged lines.
        progress: called with the size of each file after it was read.
    """

    store: Store
    days: Sequence[LogDay]
    interval: Interval = field(default_factory=Interval)
    damage: Damage = field(default_factory=Damage)
    progress: Callable[[int], object] | None = None

    @classmethod
    def open(
        cls,
        url: str,
        endpoint: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        *,
        strict: bool = False,
        report: Callable[[str], object] | None = None,
    ) -> LogReader:
        """Return a reader for a part of a log. This lists the files and reads only manifests.

        Args:
            url: path or URL of the log, as `LOG` has it.
            endpoint: id of the endpoint; None for all.
            since: the first moment to read; None for the beginning.
            until: the first moment not to read; None for the end.
            strict: raise an error for damaged lines; otherwise report them and leave them out.
            report: called with a message for each damaged line or file; by default it warns.

        Raises:
            LogReadError: if there is no log, a manifest is damaged, or `since` or `until` is not a
                time.
            ConfigError: if the URL has a mistake.
            OSError: if the store cannot be reached.
        """
        store, interval = open_store(url), Interval.of(since, until)
        part = None if endpoint is None else endpoint_part(endpoint)
        try:
            days = log_days(store, part, interval)
        except LogReadError as error:
            raise type(error)(f"{url}: {error}") from None
        options: dict[str, Any] = {} if report is None else {"report": report}
        return cls(store, days, interval, Damage(strict, **options))

    @property
    def files(self) -> list[StoredFile]:
        """The files to read."""
        return [file for day in self.days for file in day.files]

    def predictions(self) -> Predictions:
        """Yield each prediction of the interval once, together with its line.

        Raises:
            LogReadError: if a compacted day is damaged, or changes while it is read. If `strict` is
                set, also if a line is damaged. It names file and line.
            OSError: if a file cannot be read.
        """
        for day in self.days:
            for piece in self._pieces_of(day):
                yield from piece if isinstance(piece, Iterator) else piece.predictions()

    def pieces(self, max_rows: int) -> Iterator[CompactedRows | list[LoggedPrediction]]:
        """Yield the predictions as rows of columns, if they are compacted, and in lists otherwise.

        Only their times, features and outputs are read from compacted days.

        Args:
            max_rows: most predictions in a list. Lists have at most 16 MiB of lines.

        Raises:
            LogReadError: see `predictions`.
            OSError: if a file cannot be read.
        """
        for day in self.days:
            for piece in self._pieces_of(day, _VALUES):
                if isinstance(piece, Iterator):
                    yield from _chunked(piece, max_rows)
                else:
                    yield piece

    def chunks(self, max_rows: int) -> Iterator[list[LoggedPrediction]]:
        """Yield the predictions in lists of at most `max_rows` rows and 16 MiB of lines."""
        return _chunked(self.predictions(), max_rows)

    def _pieces_of(
        self, day: LogDay, columns: frozenset[str] | None = None
    ) -> Iterator[CompactedRows | Predictions]:
        """Yield the compacted rows of a day, and between them the lines that come late.

        Args:
            day: the day.
            columns: columns of the rows to read; None for all.
        """
        late = deque(periods(day.lines))
        if day.compacted is None:
            yield self._lines(day, late)
            return
        # Only the command line needs pyarrow, and a log without compacted days does not.
        from boxkite.logs.reader.compacted_rows import read_rows

        if columns is not None and late:
            columns |= {"entity_id"}
        seen: set[str] = set()
        for rows in read_rows(self.store, day, self.interval, self.progress, columns):
            rest = rows
            while late and late[0].end <= rows.last:
                before, rest = rest.before(late[0].end), rest.since(late[0].end)
                if len(before):
                    yield before
                seen |= before.since(late[0].begin).entity_ids()
                yield self._lines(day, [late.popleft()], seen)
                seen = set()
            if late:
                seen |= rest.since(late[0].begin).entity_ids()
            yield rest
        for period in late:
            yield self._lines(day, [period], seen)
            seen = set()

    def _lines(
        self, day: LogDay, of_periods: Iterable[Period], seen: Iterable[str] = ()
    ) -> Predictions:
        """Yield the predictions in files of lines, each once.

        Args:
            day: the day of the files.
            of_periods: the files.
            seen: ids that were read before.
        """
        since, until = self.interval
        period_of: dict[str, Period] = {}
        files: list[LogFile] = []
        for each in of_periods:
            period_of.update((file.path, each) for file in each.files)
            files += each.files

        def gone(_: LogFile) -> None:
            # The file was pruned, or it was compacted and its lines deleted.
            check_unchanged(self.store, day.endpoint, day.day, day.folder)

        ids: set[str] = set(seen)
        current: Period | None = None
        lines = read_lines(self.store, files, self.damage, gone, self.progress)
        for file, line, prediction in lines:
            period = period_of[file.path]
            if current is not None and period is not current:
                ids = set[str]()
            current = period
            # A file holds whole minutes, but the interval may begin or end within one.
            if since <= prediction.created_at < until and prediction.entity_id not in ids:
                ids.add(prediction.entity_id)
                yield line, prediction


def _chunked(predictions: Predictions, max_rows: int) -> Iterator[list[LoggedPrediction]]:
    chunk: list[LoggedPrediction] = []
    size = 0
    for line, prediction in predictions:
        if chunk and (len(chunk) >= max_rows or size + len(line) > _CHUNK_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(prediction)
        size += len(line)
    if chunk:
        yield chunk
