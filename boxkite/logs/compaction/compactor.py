"""Compact the days of a log: write their predictions as Parquet, and delete the lines if wanted.

The steps, in an order in which a killed compaction loses nothing and duplicates nothing:

1. Read the day as any reader does: the rows that are already compacted, and the lines that the
   manifest does not cover. Sort them by time.
2. Write the parts. No reader looks at them, because no manifest names them.
3. Write the manifest under the next number. Only one of several compactions can have that number.
   From now on, readers see the new parts instead of the lines that the manifest names.
4. Delete older manifests, and parts that no manifest needs any more.
5. If wanted, delete the files of lines that the manifest names.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from boxkite.errors import ConfigError, LogReadError
from boxkite.logs.compaction.line_sorter import LineSorter
from boxkite.logs.compaction.manifest import (
    CompactedFolder,
    Manifest,
    Part,
    Source,
    compacted_folder,
    compacted_folders,
    manifest_path,
)
from boxkite.logs.compaction.part_writer import write_parts
from boxkite.logs.compaction.row_layout import LayoutFinder
from boxkite.logs.log_line import LoggedPrediction
from boxkite.logs.partition import endpoint_part
from boxkite.logs.reader.line_files import Damage
from boxkite.logs.reader.log_days import ChangedLogError, LogDay, log_days
from boxkite.logs.reader.log_files import Interval, log_files
from boxkite.logs.reader.log_reader import LogReader
from boxkite.logs.stores.store import Store

__all__ = ["Compacted", "Compactor"]

_MAX_ATTEMPTS = 5
_CHUNK_ROWS = 16_384


class Compacted(NamedTuple):
    """Result of compacting one day of one endpoint.

    Attributes:
        endpoint: id of the endpoint as it is written in paths.
        day: the day, such as `2026-11-23`.
        predictions: number of predictions in the Parquet files.
        files: number of Parquet files.
        bytes: their total size.
        deleted: number of files of lines that were deleted.
    """

    endpoint: str
    day: str
    predictions: int
    files: int
    bytes: int
    deleted: int


@dataclass(frozen=True)
class Compactor:
    """Compacts days of a log.

    Attributes:
        store: the store of the log.
        report: called with a message for each damaged line. The manifest does not cover its file,
            so the file stays.
    """

    store: Store
    report: Callable[[str], object]

    def compact(
        self, day: date, endpoint: str | None = None, *, delete: bool = False
    ) -> Iterator[Compacted]:
        """Compact a day, and yield the result for each endpoint.

        Args:
            day: the day in UTC.
            endpoint: id of the endpoint; None for all.
            delete: delete the lines that are compacted.

        Raises:
            ConfigError: if `delete` is set, but the store may overwrite files.
            LogReadError: if there is no log, or a compacted day is damaged.
            OSError: if the store cannot be reached or is full.
        """
        if delete and not self.store.keeps_existing_files():
            raise ConfigError(
                f"{self.store!r} ignores conditional puts, so two compactions at once could "
                "overwrite each other's manifest. Compact without --delete."
            )
        part = None if endpoint is None else endpoint_part(endpoint)
        for found in self._days(part, day):
            yield self._compact_day(found.endpoint, day, delete)

    def _days(self, endpoint: str | None, day: date) -> list[LogDay]:
        days = log_days(self.store, endpoint, Interval.of(day, day + timedelta(days=1)))
        return [each for each in days if each.day == day.isoformat()]

    def _day(self, endpoint: str, day: date) -> LogDay:
        nothing = LogDay(endpoint, day.isoformat(), [], None, CompactedFolder())
        return next(iter(self._days(endpoint, day)), nothing)

    def _compact_day(self, endpoint: str, day: date, delete: bool) -> Compacted:
        for _ in range(_MAX_ATTEMPTS):
            found = self._day(endpoint, day)
            try:
                if _is_compacted(found) or self._write(found):
                    break
            except ChangedLogError:
                # Another compaction deleted files that this one was reading. Its manifest covers
                # them, so start again from that manifest.
                continue
        else:
            raise LogReadError(
                f"Gave up compacting {day} of {endpoint}, because other compactions of this day "
                f"finished first {_MAX_ATTEMPTS} times. Run one at a time."
            )
        found = self._day(endpoint, day)
        self._clean(found)
        deleted = self._delete_lines(found) if delete else 0
        parts = found.compacted.manifest.parts if found.compacted else ()
        return Compacted(
            endpoint,
            day.isoformat(),
            sum(part.rows for part in parts),
            len(parts),
            sum(part.size for part in parts),
            deleted,
        )

    def _write(self, day: LogDay) -> bool:
        """Write parts and manifest. Return False if another compaction took the manifest's number.

        Raises:
            ChangedLogError: if another compaction deleted what this one reads.
        """
        folder = compacted_folder(day.endpoint, day.day)
        number, run = day.folder.number + 1, secrets.token_hex(4)
        damage = Damage(report=self.report)
        reader = LogReader(self.store, [day], damage=damage)
        if day.lines or day.compacted is None:
            parts = self._write_parts(reader, folder, number, run)
        else:
            parts = list(day.compacted.manifest.parts)
        sources = [
            Source(file.path, file.size, file.etag)
            for file in day.lines
            # A file with damage stays, because its lines may be repaired.
            if file.path not in damage.paths
        ]
        before = day.compacted.manifest.sources if day.compacted else ()
        manifest = Manifest.of(parts, [*before, *sources])
        is_ours = self._put(manifest_path(folder, number), manifest.to_bytes())
        if is_ours and self._number(day) == number:
            return True
        self._withdraw(day, number if is_ours else None, run)
        return False

    def _number(self, day: LogDay) -> int:
        """Return the number of the manifest that counts now.

        A slow compaction can still get a number that faster ones took, because these delete older
        manifests. So getting a number does not prove that its manifest counts.
        """
        return self._folder(day).number

    def _folder(self, day: LogDay) -> CompactedFolder:
        found = compacted_folders(self.store, compacted_folder(day.endpoint, day.day))
        return found.get((day.endpoint, day.day), CompactedFolder())

    def _withdraw(self, day: LogDay, number: int | None, run: str) -> None:
        """Delete what this run wrote, because another compaction was faster."""
        if number is not None:
            self.store.remove(manifest_path(compacted_folder(day.endpoint, day.day), number))
        for part in self._folder(day).parts:
            if f"-{run}-" in part.path:
                self.store.remove(part.path)

    def _clean(self, day: LogDay) -> None:
        """Delete manifests that do not count, and parts that no manifest can name any more.

        Parts that wait for a later manifest stay, because their compaction may still run.
        """
        if day.compacted is None or not self.store.keeps_existing_files():
            return
        named = {part.path for part in day.compacted.manifest.parts}
        for number, file in day.folder.manifests.items():
            if number < day.folder.number:
                self.store.remove(file.path)
        for file, number in day.folder.parts.items():
            if number <= day.folder.number and file.path not in named:
                self.store.remove(file.path)

    def _delete_lines(self, day: LogDay) -> int:
        """Delete the files of lines that the manifest covers, and return their number.

        Raises:
            LogReadError: if the parts are not there.
        """
        if day.compacted is None:
            return 0
        stored = {part.path: part.size for part in day.folder.parts}
        for part in day.compacted.manifest.parts:
            if stored.get(part.path) != part.size:
                raise LogReadError(
                    f"{part.path} is missing or does not have {part.size:,} bytes. The lines are "
                    "not deleted. Restore the file. If all lines of the day are still there, you "
                    f"can instead delete {compacted_folder(day.endpoint, day.day)} and compact the "
                    "day again."
                )
        since = date.fromisoformat(day.day)
        interval = Interval.of(since, since + timedelta(days=1))
        deleted = 0
        for file in list(log_files(self.store, day.endpoint, interval)):
            if day.compacted.covers(file.path, file.size, file.etag):
                self.store.remove(file.path)
                deleted += 1
        return deleted

    def _write_parts(self, reader: LogReader, folder: str, number: int, run: str) -> list[Part]:
        finder = LayoutFinder()
        with LineSorter() as sorter:
            chunk: list[LoggedPrediction] = []
            for line, prediction in reader.predictions():
                sorter.add(prediction.created_at, line if line.endswith(b"\n") else line + b"\n")
                chunk.append(prediction)
                if len(chunk) >= _CHUNK_ROWS:
                    finder.add(chunk)
                    chunk = []
            finder.add(chunk)
            lines = sorter.sorted()
            return list(write_parts(self.store, folder, number, run, lines, finder.layout()))

    def _put(self, path: str, content: bytes) -> bool:
        """Write a manifest. Return False if another one has its number."""
        if self.store.put_new(path, [content]):
            return True
        # A client repeats a put whose answer was lost. The name is then taken by its own put.
        return self.store.read(path) == content


def _is_compacted(day: LogDay) -> bool:
    """Return whether there is nothing to write.

    Parts that wait for the next manifest belong to a compaction that was killed, or that still
    runs. Once a manifest takes that number, nobody can need them.
    """
    waiting = any(number > day.folder.number for number in day.folder.parts.values())
    return not day.lines and not waiting
