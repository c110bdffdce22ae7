"""Marks of the hours in which a log was pruned, which also show whether the clock can be right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

from boxkite.logs.compaction.manifest import compacted_folder, compacted_folders
from boxkite.logs.partition import endpoint_folder, endpoint_part, parse_path
from boxkite.logs.stores.store import Store

__all__ = ["HourMarks"]

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_NAME = re.compile(r"\d{4}-\d\d-\d\dT(?!24)\d\d", re.ASCII)


class HourMarks:
    """Empty files that are named after the hours in which an endpoint's log was pruned.

    Args:
        store: the store of the log.
        endpoint_id: id of the endpoint.
    """

    def __init__(self, store: Store, endpoint_id: str) -> None:
        self._store = store
        self._endpoint_id = endpoint_id
        self._folder = f"{endpoint_folder(endpoint_id)}/_pruned"

    def put(self, now: datetime) -> bool:
        """Mark the current hour, and remove the marks that are over a day old.

        Returns:
            True for the first worker in this hour. The store lets only one succeed.
        """
        if not self._store.put_new(f"{self._folder}/{now:%Y-%m-%dT%H}", []):
            return False
        for hour in list(self._hours()):
            # The marks of a day stay, because they show how long the clock has run.
            if hour < now - _DAY - 2 * _HOUR:
                self._store.remove(f"{self._folder}/{hour:%Y-%m-%dT%H}")
        return True

    def _hours(self) -> Iterator[datetime]:
        for path, *_ in self._store.list(self._folder):
            name = path.removeprefix(f"{self._folder}/")
            if _NAME.fullmatch(name):
                yield datetime.fromisoformat(f"{name}:00:00+00:00").astimezone(UTC)

    def confirm(self, now: datetime, ttl: timedelta) -> bool:
        """Return whether the log shows that the clock has been near `now` for a while.

        If a clock is ahead by more than `ttl`, every file looks too old to keep, except the files
        that were written since the clock was set. So look for anything that is young enough to
        stay, and at least a day old (or half of `ttl`, if that is shorter).

        Args:
            now: the current time, as the clock has it.
            ttl: age at which files are deleted.
        """
        first, last = now - ttl, now - min(_DAY, ttl / 2)
        if any(first <= hour <= last for hour in self._hours()):
            return True
        return self._has_files(first, last) or self._has_compacted(first, last)

    def _has_files(self, first: datetime, last: datetime) -> bool:
        folder = endpoint_folder(self._endpoint_id)
        for number in range((last.date() - first.date()).days + 1):
            day = first.date() + timedelta(days=number)
            for path, *_ in self._store.list(f"{folder}/{day}"):
                found = parse_path(path)
                if found is not None and first <= found.minute <= last:
                    return True
        return False

    def _has_compacted(self, first: datetime, last: datetime) -> bool:
        folder = compacted_folder(endpoint_part(self._endpoint_id))
        days = [datetime.fromisoformat(day) for _, day in compacted_folders(self._store, folder)]
        return any(
            first <= datetime.combine(day, time.max, UTC) and day.date() <= last.date() - _DAY
            for day in days
        )
