"""Names of log files: one per period and worker, in a folder per endpoint and day.

A period is one minute, or the minutes that the setting `LOG_FILE_MINUTES` gives.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

__all__ = [
    "ROOT",
    "SUFFIXES",
    "Partition",
    "endpoint_folder",
    "endpoint_part",
    "parse_path",
    "partition_path",
    "period_of",
]

ROOT = "models/predictions"
"""The folder of the log in a store, which holds only log files."""

SUFFIXES = {None: ".txt", "gzip": ".txt.gz", "zstd": ".txt.zst"}
"""Ends of file names by compression."""

# File systems allow names of 255 bytes, and a name holds two such parts, a number and a suffix.
_MAX_PART = 100
_PART = rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,{_MAX_PART - 1}}}"
_DASHLESS = rf"[A-Za-z0-9][A-Za-z0-9_]{{0,{_MAX_PART - 1}}}"
_REPLACED = re.compile(r"_[0-9a-f]{12}\Z")
# Python 3.14 reads 24:00 as the next day's first minute.
_HOUR = r"(?!24)\d\d"
_MINUTE = re.compile(rf"(\d{{4}}-\d\d-\d\d)T({_HOUR}):(\d\d)", re.ASCII)
_PATH = re.compile(
    rf"{ROOT}/(?P<endpoint>{_PART})/(?P<day>\d{{4}}-\d\d-\d\d)/(?P<minute>{_HOUR}\d\d)"
    rf"(-(?P<last>{_HOUR}\d\d))?_(?P<writer>{_DASHLESS}-{_PART}(-\d{{1,9}})?)(?P<suffix>\.txt(\.gz|\.zst)?)",
    re.ASCII,
)


class Partition(NamedTuple):
    """The parts of a log file's path.

    Attributes:
        endpoint: id of the endpoint, as it is written in paths.
        minute: the first minute of the predictions, in UTC.
        end: the moment after the last minute of the predictions, in UTC.
        writer: ids of worker and replica as they are written in paths, and the file's number.
        suffix: one of `SUFFIXES`.
    """

    endpoint: str
    minute: datetime
    end: datetime
    writer: str
    suffix: str


def endpoint_folder(endpoint_id: str) -> str:
    """Return the folder of one endpoint's files."""
    return f"{ROOT}/{endpoint_part(endpoint_id)}"


def endpoint_part(endpoint_id: str) -> str:
    """Return the id of an endpoint as it is written in paths."""
    return _part(endpoint_id)


def period_of(minute: str, minutes: int) -> str:
    """Return the first minute of a period.

    Args:
        minute: a minute such as `2026-11-23T14:05`.
        minutes: length of each period, a divisor of 60. Periods begin with the hour.
    """
    if minutes == 1:
        return minute
    return f"{minute[:-2]}{int(minute[-2:]) // minutes * minutes:02d}"


def partition_path(
    endpoint_id: str,
    created_at: str,
    logger_id: str,
    replica_id: str,
    number: int = 1,
    suffix: str = ".txt",
    minutes: int = 1,
) -> str:
    """Return the path of a log file.

    The name begins with the time of the period: `1405_` for one minute, `1400-1414_` for a quarter
    of an hour. Readers need the last minute too, because not all files have the same length after a
    change of `LOG_FILE_MINUTES`.

    An id of letters, digits, "_" and "-" is written as it is. In any other id the remaining
    characters are replaced, and a hash is appended so that two ids never share a path.

    Args:
        endpoint_id: id of the endpoint.
        created_at: time of any record in the file, such as `2026-11-23T14:05:59.000001Z`.
        logger_id: id of the worker. A "-" in it is replaced too, because "-" separates the ids.
        replica_id: id of the pod or machine.
        number: 1 for the first file of this period, then 2 and so on.
        suffix: one of `SUFFIXES`.
        minutes: length of the period, a divisor of 60.

    Raises:
        ValueError: if the time is not valid.
    """
    match = _MINUTE.match(created_at)
    if match is None or not _exists(match[0]):
        raise ValueError(f"created_at is {created_at[:40]!r}. Use RFC 3339 in UTC.")
    day, _, time = period_of(match[0], minutes).partition("T")
    hour, minute = time.split(":")
    last = f"-{hour}{int(minute) + minutes - 1:02d}" if minutes > 1 else ""
    writer = f"{_part(logger_id, dashes=False)}-{_part(replica_id)}"
    counted = f"{writer}-{number}" if number > 1 else writer
    return f"{endpoint_folder(endpoint_id)}/{day}/{hour}{minute}{last}_{counted}{suffix}"


def _exists(minute: str) -> bool:
    try:
        datetime.fromisoformat(minute)
    except ValueError:
        return False
    return True


def parse_path(path: str) -> Partition | None:
    """Split the path of a log file, or return None if it is another file."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    try:
        minute, last = (
            datetime.fromisoformat(f"{match['day']}T{each}Z").astimezone(UTC)
            for each in (match["minute"], match["last"] or match["minute"])
        )
    except ValueError:
        return None
    if last < minute:
        return None
    end = last + timedelta(minutes=1)
    return Partition(match["endpoint"], minute, end, match["writer"], match["suffix"])


def _part(text: str, *, dashes: bool = True) -> str:
    """Return an id as a part of a path."""
    plain, others = (_PART, "[^A-Za-z0-9_-]+") if dashes else (_DASHLESS, "[^A-Za-z0-9_]+")
    # Replace an id that already looks like a replacement too. Otherwise a user could choose an id
    # that has the same path as another one.
    if re.fullmatch(plain, text) and not _REPLACED.search(text):
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    rest = re.sub(others, "_", text).strip("_-")[: _MAX_PART - 13]
    return f"{rest or 'id'}_{digest}"
