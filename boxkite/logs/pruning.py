"""Delete old files of the log, and only these, the oldest first."""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from boxkite.logs.compaction.manifest import compacted_folder, compacted_folders
from boxkite.logs.partition import ROOT, endpoint_part, parse_path
from boxkite.logs.stores.local_store import LocalStore
from boxkite.logs.stores.store import Store

__all__ = ["Pruned", "prune"]

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)


class Pruned(NamedTuple):
    """The files that were deleted, or would be.

    Attributes:
        files: number of files.
        bytes: their total size.
        finished: False if the time was up before all of them were deleted.
    """

    files: int = 0
    bytes: int = 0
    finished: bool = True


class _Prunable(NamedTuple):
    """A file of lines, or the files of a compacted day, which go together.

    Attributes:
        minute: the minute by which the oldest is found.
        paths: the paths of the files, in the order in which they must be deleted.
        size: their total size.
        end: the moment after the last prediction.
    """

    minute: datetime
    paths: tuple[str, ...]
    size: int
    end: datetime


def prune(
    store: Store,
    older_than: timedelta | datetime | None,
    now: datetime | None = None,
    *,
    max_bytes: int | None = None,
    endpoint_id: str | None = None,
    dry_run: bool = False,
    seconds: float = math.inf,
) -> Pruned:
    """Delete files whose last minute is old enough, the oldest first.

    Only files with a name of the log's form are deleted, and the time in the name counts. A
    compacted day is deleted as a whole, when all of it is old enough. In a local folder, temporary
    files of killed writers and empty folders are removed too. Memory does not grow with the number
    of files.

    Args:
        store: the store of the log.
        older_than: the age, or the moment, before which a file's last minute must have ended; None
            for no limit.
        now: the current time, from which the age counts; by default the clock's.
        max_bytes: delete the oldest files until no more than this is left, even if they are not old
            enough.
        endpoint_id: delete the files of this endpoint only; None for all endpoints.
        dry_run: delete nothing, only count.
        seconds: when to stop.

    Raises:
        OSError: if the store cannot be reached, or a file cannot be deleted.
        ValueError: if the age is negative, or the moment has no time zone.
    """
    deadline = time.monotonic() + seconds
    before = _before(older_than, now)
    part = None if endpoint_id is None else endpoint_part(endpoint_id)
    endpoints, excess = [part or ""], 0
    if part is None or max_bytes is not None:
        endpoints, total = _survey(store, part)
        excess = 0 if max_bytes is None else total - max_bytes
    files, size, finished = 0, 0, True
    # Each endpoint lists its files in the order of time. Merging these lists yields the oldest
    # files first, without all names in memory.
    of_endpoints = [each(store, name) for name in endpoints for each in (_files, _days)]
    for found in heapq.merge(*of_endpoints):
        # They come in the order of time, so all others are newer.
        if found.end > before and size >= excess:
            break
        if time.monotonic() > deadline:
            finished = False
            break
        for path in found.paths if not dry_run else ():
            store.remove(path)
        files += len(found.paths)
        size += found.size
    if isinstance(store, LocalStore) and finished and not dry_run:
        store.tidy(ROOT if part is None else f"{ROOT}/{part}")
        store.tidy(compacted_folder(part))
    return Pruned(files, size, finished)


def _before(older_than: timedelta | datetime | None, now: datetime | None) -> datetime:
    """Return the moment before which a minute must have ended."""
    never = datetime.min.replace(tzinfo=UTC)
    if older_than is None:
        return never
    now = now or datetime.now(UTC)
    if isinstance(older_than, timedelta):
        if older_than < timedelta(0):
            raise ValueError(f"The age {older_than} is negative and would delete all files.")
        older_than = now - older_than if older_than < now - never else never
    if older_than.tzinfo is None:
        raise ValueError(f"{older_than!r} has no time zone. Add tzinfo=datetime.UTC, or another.")
    return older_than


def _survey(store: Store, endpoint: str | None) -> tuple[list[str], int]:
    """Return the endpoints of a log, and the total size of its files.

    Args:
        store: the store of the log.
        endpoint: the only endpoint to look at, as it is written in paths; None for all.
    """
    endpoints = dict[str, None]()
    total = 0
    for path, size, *_ in store.list(ROOT if endpoint is None else f"{ROOT}/{endpoint}"):
        found = parse_path(path)
        if found is not None:
            endpoints[found.endpoint] = None
            total += size
    for (name, _), folder in compacted_folders(store, compacted_folder(endpoint)).items():
        endpoints[name] = None
        total += sum(file.size for file in folder.files)
    return list(endpoints), total


def _files(store: Store, endpoint: str) -> Iterator[_Prunable]:
    """Yield the files of lines of one endpoint, the oldest first, which is the order of paths."""
    for path, size, *_ in store.list(f"{ROOT}/{endpoint}"):
        found = parse_path(path)
        if found is not None:
            yield _Prunable(found.minute, (path,), size, found.end)


def _days(store: Store, endpoint: str) -> Iterator[_Prunable]:
    """Yield the compacted days of one endpoint, the oldest first.

    A day comes after its lines, which are no loss if they are compacted.
    """
    folders = compacted_folders(store, compacted_folder(endpoint))
    for (_, day), folder in sorted(folders.items(), key=lambda item: item[0]):
        end = datetime.fromisoformat(f"{day}T00:00:00+00:00") + _DAY
        files = list(folder.files)
        paths = tuple(file.path for file in files)
        yield _Prunable(end - _MINUTE, paths, sum(file.size for file in files), end)
