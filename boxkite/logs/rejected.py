"""A file for records that a sink rejects, so that people can inspect them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from boxkite.logs.log_record import LogRecord

__all__ = ["RejectedFile"]

_MAX_BYTES = 64 << 20


class RejectedPlace(Protocol):
    """Knows where the file is. The state folder does."""

    def open_rejected_file(self) -> Path:
        """Create the folder of the file if it is missing, and return the file's path.

        Raises:
            OSError: if the folder cannot be used.
        """
        ...


class RejectedFile:
    """A file of JSON lines, each with a record and the reason why it was rejected.

    The file does not grow beyond 64 MiB.

    Args:
        place: knows the file. It is asked when a record is rejected, because this process may run
            as another user than at the start.
    """

    def __init__(self, place: RejectedPlace) -> None:
        self._place = place

    def append(self, rejected: Sequence[tuple[LogRecord, str]]) -> None:
        """Add records, each with its reason. They are lost if the file cannot be written."""
        with contextlib.suppress(OSError):
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
            descriptor = os.open(self._place.open_rejected_file(), flags, 0o600)
            try:
                # One write per line: the system appends each as a whole, even if other workers
                # write to the same file.
                for record, reason in rejected:
                    if os.fstat(descriptor).st_size < _MAX_BYTES:
                        os.write(descriptor, _line(record, reason))
            finally:
                os.close(descriptor)


def _line(record: LogRecord, reason: str) -> bytes:
    text = _plain(reason)
    try:
        return msgspec.json.encode({"reason": text, "record": record}) + b"\n"
    except Exception:  # noqa: BLE001 - the sink may have rejected the record for the same reason
        named = {"reason": text, "prediction_id": _plain(record.prediction_id)}
        return msgspec.json.encode(named) + b"\n"


def _plain(text: str) -> str:
    """Return a text without lone surrogates, which UTF-8 cannot encode."""
    return text.encode("utf-8", "backslashreplace").decode()
