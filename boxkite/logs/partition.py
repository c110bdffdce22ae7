"""Names of the log's files: one a minute of one worker, in a folder a day of one endpoint."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import NamedTuple

__all__ = ["ROOT", "SUFFIXES", "Partition", "endpoint_folder", "parse_path", "partition_path"]

ROOT = "models/predictions"
"""The folder of the log in a store; nothing else belongs there."""

SUFFIXES = {None: ".txt", "gzip": ".txt.gz", "zstd": ".txt.zst"}
"""Ends of the names, by compression."""

_MAX_PART = 100  # so that a name of two parts and a number stays below 255 bytes
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
    """What a file's path says of it.

    Attributes:
        endpoint: the endpoint's id, as it is written in a path.
        minute: in which its records were made.
        writer: the ids of worker and replica as written in a path, and the file's number.
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
    """Return the path of a file.

    Ids are written as they are where they consist of letters, digits, "_" and "-". Of others the
    rest is replaced and a hash appended, so that no two ids look alike in a path.

    Args:
        endpoint_id: of the service.
        created_at: of any record in it, as `2026-11-23T14:05:59.000001Z`.
        logger_id: of the worker; in it "-" is replaced too, as it stands between the two.
        replica_id: of the pod or machine.
        number: 1 for the first file of this minute, then 2 and so on.
        suffix: one of `SUFFIXES`.

    Raises:
        ValueError: if the time is none.
    """
    match = _MINUTE.match(created_at)
    if match is None:
        raise ValueError(f"created_at is {created_at[:40]!r}; give RFC 3339 in UTC")
    day, hour, minute = match.groups()
    datetime.fromisoformat(match[0])
    writer = f"{_part(logger_id, dashes=False)}-{_part(replica_id)}"
    counted = f"{writer}-{number}" if number > 1 else writer
    return f"{endpoint_folder(endpoint_id)}/{day}/{hour}{minute}_{counted}{suffix}"


def parse_path(path: str) -> Partition | None:
    """Return what a path says, or None if it is not one of the log's files."""
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    try:
        minute = datetime.fromisoformat(f"{match['day']}T{match['minute']}Z")
    except ValueError:
        return None
    return Partition(match["endpoint"], minute.astimezone(UTC), match["writer"], match["suffix"])


def _part(text: str, *, dashes: bool = True) -> str:
    """Return an id as a part of a path; what looks like a replaced one is replaced itself."""
    plain, others = (_PART, "[^A-Za-z0-9_-]+") if dashes else (_DASHLESS, "[^A-Za-z0-9_]+")
    if re.fullmatch(plain, text) and not _REPLACED.search(text):
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    rest = re.sub(others, "_", text).strip("_-")[: _MAX_PART - 13]
    return f"{rest or 'id'}_{digest}"
