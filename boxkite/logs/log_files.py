"""Which files of a log belong to an interval of time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple, TypeAlias

from boxkite.errors import LogReadError
from boxkite.logs.partition import ROOT, Partition, endpoint_folder, parse_path
from boxkite.logs.stores.store import Store

__all__ = ["Interval", "LogFile", "Moment", "log_files"]

Moment: TypeAlias = datetime | date | str
"""A datetime with its time zone, a date (its midnight, UTC), or either as ISO 8601 text."""

_MINUTE = timedelta(minutes=1)

# A day's folder costs a request; a longer interval is listed with all of the endpoint's days.
_MAX_LISTED_APART = timedelta(days=31)


class Interval(NamedTuple):
    """From the one moment on, and before the other.

    Attributes:
        since: the first moment, in UTC.
        until: the first moment after it, in UTC.
    """

    since: datetime = datetime.min.replace(tzinfo=UTC)
    until: datetime = datetime.max.replace(tzinfo=UTC)

    @classmethod
    def of(cls, since: Moment | None = None, until: Moment | None = None) -> Interval:
        """Return an interval, open where an end is None; text without a time zone is UTC.

        Raises:
            LogReadError: if an end is no moment, or a datetime without a time zone, or if they
                are the wrong way round.
        """
        everything = cls()
        interval = cls(
            everything.since if since is None else _to_moment(since),
            everything.until if until is None else _to_moment(until),
        )
        if interval.until < interval.since:
            raise LogReadError(f"until, {until}, is before since, {since}")
        return interval

    def days(self) -> Iterator[str]:
        """Yield its days, as `2026-11-23`."""
        for number in range((self.until.date() - self.since.date()).days + 1):
            yield (self.since.date() + timedelta(days=number)).isoformat()


def _to_moment(value: Moment) -> datetime:
    """Return a moment in UTC."""
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
        raise LogReadError(f"{value!r} is no time: give one as {example}") from None
    raise LogReadError(f"{value!r} has no time zone: give tzinfo=datetime.UTC, or another")


class LogFile(NamedTuple):
    """A file of the log.

    Attributes:
        path: relative to the store.
        size: in bytes.
        partition: what the path says.
    """

    path: str
    size: int
    partition: Partition


def log_files(store: Store, endpoint: str | None, interval: Interval) -> Iterator[LogFile]:
    """Yield the files whose minute the interval touches, by endpoint and time.

    Args:
        store: where the log is.
        endpoint: whose files; None for all.
        interval: of the predictions.

    Raises:
        LogReadError: if the store holds no log at all.
        OSError: if it cannot be reached.
    """
    nothing = True
    for prefix in _prefixes(endpoint, interval):
        for file in _below(store, prefix):
            minute = file.partition.minute
            if minute < interval.until and interval.since - minute < _MINUTE:
                nothing = False
                yield file
    if nothing and not any(_below(store, ROOT)):
        raise LogReadError(f"there is no log: no file of one below {ROOT}")


def _prefixes(endpoint: str | None, interval: Interval) -> Iterator[str]:
    """Yield the folders to list: those of the days where endpoint and days are known."""
    if endpoint is None:
        yield ROOT
        return
    folder = endpoint_folder(endpoint)
    if interval.until - interval.since <= _MAX_LISTED_APART:
        yield from (f"{folder}/{day}" for day in interval.days())
    else:
        yield folder


def _below(store: Store, prefix: str) -> Iterator[LogFile]:
    """Yield the files below a folder that bear a name of the log's."""
    for path, size in store.list(prefix):
        partition = parse_path(path)
        if partition is not None:
            yield LogFile(path, size, partition)
