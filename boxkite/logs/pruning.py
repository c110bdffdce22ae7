"""Deletes files of the log whose time is over, oldest first, and nothing else."""

from __future__ import annotations

import heapq
import math
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from boxkite.logs.partition import ROOT, endpoint_folder, parse_path
from boxkite.logs.stores.local import LocalStore
from boxkite.logs.stores.store import Store

__all__ = ["HourlyPruner", "Pruned", "prune"]

_MINUTE = timedelta(minutes=1)
_SLICE_SECONDS = 5.0
_HOUR = re.compile(r"\d{4}-\d\d-\d\dT\d\d", re.ASCII)


class Pruned(NamedTuple):
    """What was deleted, or would be.

    Attributes:
        files: how many.
        bytes: their size together.
        finished: False if the time was up before all were deleted.
    """

    files: int = 0
    bytes: int = 0
    finished: bool = True


class HourlyPruner:
    """Deletes what is past of one endpoint, for one worker of many: one of them, once an hour.

    The first to put a file named by the hour does it. A store lets only one put it, on whatever
    machines the workers are, and no lock is left behind by one that dies: the next hour has a name
    of its own. Other endpoints in the same store may keep their files for longer.

    Args:
        store: with the log.
        ttl: the age from which files are past.
        endpoint_id: of the service.
        on_error: called with what goes wrong.
        max_bytes: delete the oldest files beyond these, too.
    """

    def __init__(
        self,
        store: Store,
        ttl: timedelta | None,
        endpoint_id: str,
        on_error: Callable[[Exception], object],
        max_bytes: int | None = None,
    ) -> None:
        self._store = store
        self._ttl = ttl
        self._endpoint_id = endpoint_id
        self._on_error = on_error
        self._max_bytes = max_bytes
        self._hour = ""
        self._unfinished = False

    def run(self, now: datetime | None = None) -> Pruned | None:
        """Prune for a few seconds if it is this worker's turn; what is left, at the next call.

        It never raises. It may be called as often as one likes: there is one request an hour.

        Returns:
            what was deleted, or None where there was nothing to do here or it failed.
        """
        now = now.astimezone(UTC) if now else datetime.now(UTC)
        try:
            if not self._unfinished and not self._claim(now):
                return None
            self._unfinished = False
            pruned = prune(
                self._store,
                self._ttl,
                now,
                max_bytes=self._max_bytes,
                endpoint_id=self._endpoint_id,
                seconds=_SLICE_SECONDS,
            )
            self._unfinished = not pruned.finished
        except Exception as error:  # noqa: BLE001 - the shipper goes on whatever happens here
            self._on_error(error)
            return None
        return pruned

    def _claim(self, now: datetime) -> bool:
        """Tell whether this hour is this worker's, and remove the files of hours gone by."""
        hour, last = (f"{each:%Y-%m-%dT%H}" for each in (now, now - timedelta(hours=1)))
        if hour == self._hour:
            return False
        self._hour = hour
        folder = f"{endpoint_folder(self._endpoint_id)}/_pruned"
        if not self._store.put_new(f"{folder}/{hour}", b""):
            return False
        for path, _ in list(self._store.list(folder)):
            name = path.removeprefix(f"{folder}/")
            if _HOUR.fullmatch(name) and name < last:
                self._store.remove(path)
        return True


class _File(NamedTuple):
    minute: datetime
    path: str
    size: int


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
    """Delete files whose whole minute is past, oldest first.

    Only files whose path `parse_path` knows are deleted, and their time is the one in the path. In
    a local folder, what is left of killed writers and folders without files are removed too. Files
    are not held in memory, however many there are.

    Args:
        store: with the log.
        older_than: the age, or the moment, before which a minute must end; None for no limit.
        now: from which the age counts, with its zone; by default the clock's.
        max_bytes: delete the oldest until no more than these are left, though they are not past.
        endpoint_id: of the files; None for those of all endpoints.
        dry_run: delete nothing, only report.
        seconds: after which to stop.

    Raises:
        OSError: if the store cannot be reached, or a file cannot be deleted.
        ValueError: if an age is negative, or a moment has no zone.
    """
    deadline = time.monotonic() + seconds
    before = _before(older_than, now)
    folder = ROOT if endpoint_id is None else endpoint_folder(endpoint_id)
    folders, excess = [folder], 0
    if endpoint_id is None or max_bytes is not None:
        folders, total = _survey(store, folder)
        excess = 0 if max_bytes is None else total - max_bytes
    files, size, finished = 0, 0, True
    for file in heapq.merge(*(_files(store, each) for each in folders)):
        if before - file.minute < _MINUTE and size >= excess:
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
    """Return the moment before which a minute must end."""
    never = datetime.min.replace(tzinfo=UTC)
    if older_than is None:
        return never
    now = now or datetime.now(UTC)
    if isinstance(older_than, timedelta):
        if older_than < timedelta(0):
            raise ValueError(f"an age of {older_than} would delete all; give 0 or more")
        older_than = now - older_than if older_than < now - never else never
    if older_than.tzinfo is None:
        raise ValueError(f"{older_than!r} has no time zone; give tzinfo=datetime.UTC, or another")
    return older_than


def _survey(store: Store, folder: str) -> tuple[list[str], int]:
    """Return the folders of the endpoints below a folder, and the size of all of their files."""
    endpoints = dict[str, None]()
    total = 0
    for path, size in store.list(folder):
        found = parse_path(path)
        if found is not None:
            endpoints[f"{ROOT}/{found.endpoint}"] = None
            total += size
    return list(endpoints), total


def _files(store: Store, folder: str) -> Iterator[_File]:
    """Yield the log's files of one endpoint, oldest first, as their paths sort."""
    for path, size in store.list(folder):
        found = parse_path(path)
        if found is not None:
            yield _File(found.minute, path, size)
