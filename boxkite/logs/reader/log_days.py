"""Find the days of a log: their files of lines, and what of them is compacted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from boxkite.errors import LogReadError
from boxkite.logs.compaction.manifest import (
    CompactedDay,
    CompactedFolder,
    compacted_folder,
    compacted_folders,
    read_day,
)
from boxkite.logs.partition import ROOT
from boxkite.logs.reader.log_files import Interval, LogFile, has_log_files, log_files
from boxkite.logs.stores.store import Store, StoredFile

__all__ = ["ChangedLogError", "LogDay", "Period", "check_unchanged", "log_days", "periods"]


class ChangedLogError(LogReadError):
    """A day was compacted while it was read, and files that the reader needs are gone."""


@dataclass(frozen=True)
class LogDay:
    """One day of one endpoint.

    Attributes:
        endpoint: id of the endpoint as it is written in paths.
        day: the day, such as `2026-11-23`.
        lines: files of lines to read, in the order of time. Files that `compacted` covers are not
            among them.
        compacted: the compacted predictions, if there are any.
        folder: the files in the folder of the compacted predictions.
    """

    endpoint: str
    day: str
    lines: Sequence[LogFile]
    compacted: CompactedDay | None
    folder: CompactedFolder

    @property
    def files(self) -> Iterator[StoredFile]:
        """The files that hold the day's predictions."""
        yield from (StoredFile(file.path, file.size, file.etag) for file in self.lines)
        if self.compacted is not None:
            for part in self.compacted.manifest.parts:
                yield StoredFile(part.path, part.size, "")


def log_days(store: Store, endpoint: str | None, interval: Interval) -> list[LogDay]:
    """Return the days that overlap an interval, sorted by endpoint and day.

    Args:
        store: the store of the log.
        endpoint: id of the endpoint as it is written in paths; None for all.
        interval: times of the predictions.

    Raises:
        LogReadError: if there is no log at all, or a manifest is damaged.
        OSError: if the store cannot be reached.
    """
    lines: defaultdict[tuple[str, str], list[LogFile]] = defaultdict(list)
    # List lines before manifests. A compaction deletes lines only after its manifest is there, so
    # whatever is deleted from now on, one of the two lists has it.
    for file in log_files(store, endpoint, interval):
        lines[file.partition.endpoint, file.partition.minute.date().isoformat()].append(file)
    folders = compacted_folders(store, compacted_folder(endpoint))
    first, last = interval.since.date().isoformat(), interval.until.date().isoformat()
    compacted = {
        key: folder
        for key, folder in folders.items()
        if folder.manifests and first <= key[1] <= last
    }
    keys = sorted({*lines, *compacted})
    if not keys and not folders and not has_log_files(store):
        raise LogReadError(
            f"There is no log file below {ROOT}. Pass the URL of LOG, or the folder that holds "
            f"{ROOT}."
        )
    return [
        _log_day(store, *key, lines.get(key, []), folders.get(key, CompactedFolder()))
        for key in keys
    ]


def _log_day(
    store: Store, endpoint: str, day: str, lines: Sequence[LogFile], folder: CompactedFolder
) -> LogDay:
    try:
        compacted = read_day(store, folder)
    except FileNotFoundError:
        check_unchanged(store, endpoint, day, folder)
        raise
    if compacted is not None:
        lines = [file for file in lines if not compacted.covers(file.path, file.size, file.etag)]
    return LogDay(endpoint, day, lines, compacted, folder)


def check_unchanged(store: Store, endpoint: str, day: str, folder: CompactedFolder) -> None:
    """Check why a file is missing.

    Args:
        store: the store of the log.
        endpoint: see `LogDay`.
        day: see `LogDay`.
        folder: the folder as it was when the reader opened the log.

    Raises:
        ChangedLogError: if the day was compacted in the meantime, so that reading on would miss
            predictions.
        OSError: if the store cannot be reached.
    """
    found = compacted_folders(store, compacted_folder(endpoint, day))
    now = found.get((endpoint, day), CompactedFolder())
    if now.number > folder.number:
        raise ChangedLogError(
            f"{day} of {endpoint} was compacted while it was read. Read it again."
        )


@dataclass(frozen=True)
class Period:
    """Files of lines whose times overlap, so that copies of one prediction may be among them.

    Attributes:
        begin: the first moment.
        end: the moment after the last.
        files: the files, in the order of their names.
    """

    begin: datetime
    end: datetime
    files: Sequence[LogFile]


def periods(files: Sequence[LogFile]) -> Iterator[Period]:
    """Group the files of one endpoint.

    Delivery is at least once, so a prediction may be in the log several times. A file is named by
    the time of its predictions, not of their delivery. So the files of all copies have the same
    minutes, or overlapping ones if `LOG_FILE_MINUTES` was changed.

    Args:
        files: the files, in the order of time.
    """
    group: list[LogFile] = []
    end = Interval().since
    for file in files:
        if group and file.partition.minute >= end:
            yield Period(group[0].partition.minute, end, group)
            group = []
        group.append(file)
        end = max(end, file.partition.end)
    if group:
        yield Period(group[0].partition.minute, end, group)
