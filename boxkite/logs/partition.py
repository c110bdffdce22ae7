"""Names of log files: one file per minute and worker, in a folder per endpoint and day."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import NamedTuple

__all__ = ["ROOT", "SUFFIXES", "Partition", "endpoint_folder", "parse_path", "partition_path"]

ROOT = "models/predictions"
"""The folder of the log in a store, which holds only log files."""

SUFFIXES = {None: ".txt", "gzip": ".txt.gz", "zstd": ".txt.zst"}
"""Ends of file names by compression."""

# File systems allow names of 255 bytes, and a name holds two such parts, a number and a suffix.
_MAX_PART = 100
_PART = rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,{_MAX_PART - 1}}}"
_DASHLESS = rf"[A-Za-z0-9][A-Za-z0-9_]{{0,{_MAX_PART - 1}}}"
_REPLACED = re.compile(r"_[0-9a-f]{12}\Z")
_MINUTE = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d):(\d\d)", re.ASCII)
_PATH = re.compile(
    rf"{ROOT}/(?P<endpoint>{_PART})/(?P<day>\d{{4}}-\d\d-\d\d)/(?P<minute>\d{{4}})"
    rf"_(?P<writer>{_DASHLESS}-{_PART}(-\d{{1,9}})?)(?P<suffix>\.txt(\.gz|\.zst)?)",
    re.ASCII,
)


class Partition(NamedTuple):
    """The parts of a log file's path.

    Attributes:
        endpoint: id of the endpoint, as it is written in paths.
        minute: the minute of the predictions, in UTC.
        writer: ids of worker and replica as they are written in paths, and the file's number.
        suffix: one of `SUFFIXES`.
    """

    endpoint: str
    minute: datetime
    writer: str
    suffix: str


def endpoint_folder(endpoint_id: str) -> str:
    """Return the folder of one endpoint's files."""
    return f"{ROOT}/{_part(endpoint_id)}"


def partition_path(
    endpoint_id: str,
    created_at: str,
    logger_id: str,
    replica_id: str,
    number: int = 1,
    suffix: str = ".txt",
) -> str:
    """Return the path of a log file.

    An id of letters, digits, "_" and "-" is written as it is. In any other id the remaining
    characters are replaced, and a hash is appended so that two ids never share a path.

    Args:
        endpoint_id: id of the endpoint.
        created_at: time of any record in the file, such as `2026-11-23T14:05:59.000001Z`.
        logger_id: id of the worker. A "-" in it is replaced too, because "-" separates the ids.
        replica_id: id of the pod or machine.
        number: 1 for the first file of this minute, then 2 and so on.
        suffix: one of `SUFFIXES`.

    Raises:
        ValueError: if the time is not valid.
    """
    match = _MINUTE.match(created_at)
    if match is None:
        raise ValueError(f"created_at is {created_at[:40]!r}. Use RFC 3339 in UTC.")
    day, hour, minute = match.groups()
    datetime.fromisoformat(match[0])  # raises for a day or hour that does not exist
    writer = f"{_part(logger_id, dashes=False)}-{_part(replica_id)}"
    counted = f"{writer}-{number}" if number > 1 else writer
    return f"{endpoint_folder(endpoint_id)}/{day}/{hour}{minute}_{counted}{suffix}"


def parse_path(path: str) -> Partition | None:
    """Split the path of a log file, or return None if it is another file."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    try:
        minute = datetime.fromisoformat(f"{match['day']}T{match['minute']}Z")
    except ValueError:
        return None
    return Partition(match["endpoint"], minute.astimezone(UTC), match["writer"], match["suffix"])


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
