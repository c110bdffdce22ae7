"""Find the files of a log that belong to an interval of time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple, TypeAlias

from boxkite.errors import LogReadError
from boxkite.logs.partition import ROOT, Partition, parse_path
from boxkite.logs.stores.store import Store

__all__ = ["Interval", "LogFile", "Moment", "has_log_files", "log_files"]

Moment: TypeAlias = datetime | date | str
"""A datetime with its time zone, a date (its midnight in UTC), or either as ISO 8601 text."""

# Listing one day costs a request. For a longer interval, listing all days costs fewer.
_MAX_LISTED_BY_DAY = timedelta(days=31)


class Interval(NamedTuple):
    """The times from `since`, which belongs to it, to `until`, which does not.

    Attributes:
        since: the first moment, in UTC.
        until: the first moment after the interval, in UTC.
    """

    since: datetime = datetime.min.replace(tzinfo=UTC)
    until: datetime = datetime.max.replace(tzinfo=UTC)

    @classmethod
    def of(cls, since: Moment | None = None, until: Moment | None = None) -> Interval:
        """Return an interval. None leaves an end open, and text without a time zone is UTC.

        Raises:
            LogReadError: if an end is not a time or lacks a time zone, or `until` is before
                `since`.
        """
        everything = cls()
        interval = cls(
            everything.since if since is None else _to_utc(since),
            everything.until if until is None else _to_utc(until),
        )
        if interval.until < interval.since:
            raise LogReadError(f"until={until} is before since={since}.")
        return interval

    def days(self) -> Iterator[str]:
        """Yield the days of the interval, such as `2026-11-23`."""
        for number in range((self.until.date() - self.since.date()).days + 1):
            yield (self.since.date() + timedelta(days=number)).isoformat()


def _to_utc(value: Moment) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        if not isinstance(moment, datetime):
            return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
        if isinstance(value, str) and moment.tzinfo is None:
            return moment.replace(tzinfo=UTC)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        example = "2026-11-23 or 2026-11-23T14:05:00Z"
        raise LogReadError(f"{value!r} is not a time. Write, for example, {example}.") from None
    raise LogReadError(f"{value!r} has no time zone. Add tzinfo=datetime.UTC, or another.")


class LogFile(NamedTuple):
    """A file of the log.

    Attributes:
        path: path relative to the store.
        size: number of bytes.
        etag: see `StoredFile`.
        partition: the parts of the path.
    """

    path: str
    size: int
    etag: str
    partition: Partition


def log_files(store: Store, endpoint: str | None, interval: Interval) -> Iterator[LogFile]:
    """Yield the files whose minutes overlap an interval, sorted by endpoint and time.

    Args:
        store: the store of the log.
        endpoint: id of the endpoint as it is written in paths; None for all.
        interval: times of the predictions.

    Raises:
        OSError: if the store cannot be reached.
    """
    for prefix in _prefixes(endpoint, interval):
        for file in _files_below(store, prefix):
            if file.partition.minute < interval.until and interval.since < file.partition.end:
                yield file


def _prefixes(endpoint: str | None, interval: Interval) -> Iterator[str]:
    """Yield the folders to list."""
    if endpoint is None:
        yield ROOT
        return
    folder = f"{ROOT}/{endpoint}"
    if interval.until - interval.since <= _MAX_LISTED_BY_DAY:
        yield from (f"{folder}/{day}" for day in interval.days())
    else:
        yield folder


def has_log_files(store: Store) -> bool:
    """Return whether a store has any log file."""
    return any(_files_below(store, ROOT))


def _files_below(store: Store, prefix: str) -> Iterator[LogFile]:
    """Yield the files below a folder that have the name of a log file."""
    for file in store.list(prefix):
        partition = parse_path(file.path)
        if partition is not None:
            yield LogFile(*file, partition)
