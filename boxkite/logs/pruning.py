"""Delete old files of the log, and only these, the oldest first."""

from __future__ import annotations

import heapq
import math
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

from boxkite.error_reporter import ErrorReporter
from boxkite.logs.partition import ROOT, endpoint_folder, parse_path
from boxkite.logs.stores.local_store import LocalStore
from boxkite.logs.stores.store import Store

__all__ = ["HourlyPruner", "Pruned", "Pruner", "SizePruner", "prune"]

# The shipper delivers nothing while a pruner runs, so each run is short.
_HOURLY_SLICE_SECONDS = 5.0
_SIZE_SLICE_SECONDS = 2.0
_HOUR = re.compile(r"\d{4}-\d\d-\d\dT\d\d", re.ASCII)


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


class Pruner(Protocol):
    """Deletes old files. The shipper runs it about once a minute."""

    def run(self) -> object:
        """Delete what is due. Report errors, and never raise them."""


class HourlyPruner:
    """Deletes old files of one endpoint. Once an hour, one of its workers does it.

    Workers try to put a file that is named after the hour. The store lets only the first one
    succeed, even if workers run on different machines, and this worker takes the turn. A killed
    worker cannot block the others, because the next hour has a file of its own. Other endpoints in
    the store are left alone, because they may keep their files for longer.

    Args:
        store: the store of the log.
        ttl: age at which files are deleted; None keeps them.
        endpoint_id: id of the endpoint.
        reporter: reports failures.
    """

    def __init__(
        self, store: Store, ttl: timedelta | None, endpoint_id: str, reporter: ErrorReporter
    ) -> None:
        self._store = store
        self._ttl = ttl
        self._endpoint_id = endpoint_id
        self._reporter = reporter
        self._hour = ""
        self._unfinished = False

    def run(self, now: datetime | None = None) -> Pruned | None:
        """Delete old files for a few seconds, if it is this worker's turn.

        If the time is up, the next call continues. Most calls do nothing, because a worker asks the
        store only once an hour.

        Args:
            now: the current time; by default the clock's.

        Returns:
            The deleted files, or None if there was nothing to do or it failed.
        """
        now = now.astimezone(UTC) if now else datetime.now(UTC)
        try:
            if not self._unfinished and not self._takes_turn(now):
                return None
            self._unfinished = False
            pruned = prune(
                self._store,
                self._ttl,
                now,
                endpoint_id=self._endpoint_id,
                seconds=_HOURLY_SLICE_SECONDS,
            )
            self._unfinished = not pruned.finished
        except Exception as error:  # noqa: BLE001 - deliveries must continue after any failure
            self._reporter.count("log", error, "deleting old files")
            return None
        return pruned

    def _takes_turn(self, now: datetime) -> bool:
        """Return whether this worker prunes in this hour, and remove the marks of past hours."""
        hour, last = (f"{each:%Y-%m-%dT%H}" for each in (now, now - timedelta(hours=1)))
        if hour == self._hour:
            return False
        # Set this before the put. If the store is down, the next attempt is then in an hour and not
        # in a minute.
        self._hour = hour
        folder = f"{endpoint_folder(self._endpoint_id)}/_pruned"
        if not self._store.put_new(f"{folder}/{hour}", b""):
            return False
        for path, *_ in list(self._store.list(folder)):
            name = path.removeprefix(f"{folder}/")
            # The mark of the last hour stays, for workers whose clock is a little behind.
            if _HOUR.fullmatch(name) and name < last:
                self._store.remove(path)
        return True


class SizePruner:
    """Keeps the files of one endpoint below a total size, and deletes old ones.

    Unlike with `HourlyPruner`, every worker deletes files at every run, because a busy service can
    fill a disk within an hour. Use it for a local folder, where listing is cheap.

    Args:
        store: the store of the log.
        ttl: age at which files are deleted; None for no limit.
        endpoint_id: id of the endpoint.
        reporter: reports failures.
        max_bytes: total size above which the oldest files are deleted.
    """

    def __init__(
        self,
        store: Store,
        ttl: timedelta | None,
        endpoint_id: str,
        reporter: ErrorReporter,
        *,
        max_bytes: int,
    ) -> None:
        self._store = store
        self._ttl = ttl
        self._endpoint_id = endpoint_id
        self._reporter = reporter
        self._max_bytes = max_bytes

    def run(self) -> None:
        """Delete files for up to two seconds. The next run continues."""
        try:
            prune(
                self._store,
                self._ttl,
                max_bytes=self._max_bytes,
                endpoint_id=self._endpoint_id,
                seconds=_SIZE_SLICE_SECONDS,
            )
        except Exception as error:  # noqa: BLE001 - deliveries must continue after any failure
            self._reporter.count("log", error, "deleting old files")


class _File(NamedTuple):
    minute: datetime
    path: str
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

    Only files with a name of the log's form are deleted, and the time in the name counts. In a
    local folder, temporary files of killed writers and empty folders are removed too. Memory does
    not grow with the number of files.

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
    folder = ROOT if endpoint_id is None else endpoint_folder(endpoint_id)
    folders, excess = [folder], 0
    if endpoint_id is None or max_bytes is not None:
        folders, total = _survey(store, folder)
        excess = 0 if max_bytes is None else total - max_bytes
    files, size, finished = 0, 0, True
    # Each endpoint lists its files in the order of time. Merging these lists yields the oldest
    # files first, without all names in memory.
    for file in heapq.merge(*(_files(store, each) for each in folders)):
        # Files come in the order of time, so all others are newer.
        if file.end > before and size >= excess:
            break
        if time.monotonic() > deadline:
            finished = False
            break
        if not dry_run:
            store.remove(file.path)
        files += 1
        size += file.size
    if isinstance(store, LocalStore) and finished and not dry_run:
        store.tidy(folder)
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


def _survey(store: Store, folder: str) -> tuple[list[str], int]:
    """Return the folders of the endpoints below a folder, and the total size of their files."""
    endpoints = dict[str, None]()
    total = 0
    for path, size, *_ in store.list(folder):
        found = parse_path(path)
        if found is not None:
            endpoints[f"{ROOT}/{found.endpoint}"] = None
            total += size
    return list(endpoints), total


def _files(store: Store, folder: str) -> Iterator[_File]:
    """Yield the log files of one endpoint, the oldest first, which is the order of their paths."""
    for path, size, *_ in store.list(folder):
        found = parse_path(path)
        if found is not None:
            yield _File(found.minute, path, size, found.end)
