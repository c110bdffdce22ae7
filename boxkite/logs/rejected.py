"""Records that a sink refuses for good, set aside where somebody can look at them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from boxkite.logs.log_record import LogRecord

__all__ = ["RejectedFile"]

_MAX_BYTES = 64 << 20


class RejectedFile:
    """A file of JSON lines, each with the reason and the record; it takes no more than 64 MiB.

    Args:
        path: of the file, made when it is first needed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, refused: Sequence[tuple[LogRecord, str]]) -> None:
        """Add records with the reason of each; where that cannot be done they are lost.

        A write of its own a line: other workers add to the same file.
        """
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            descriptor = os.open(self.path, flags, 0o600)
            try:
                for record, reason in refused:
                    if os.fstat(descriptor).st_size < _MAX_BYTES:
                        os.write(descriptor, _line(record, reason))
            finally:
                os.close(descriptor)


def _line(record: LogRecord, reason: str) -> bytes:
    said = _plain(reason)
    try:
        return msgspec.json.encode({"reason": said, "record": record}) + b"\n"
    except Exception:  # noqa: BLE001 - it may be this that the sink refused it for
        named = {"reason": said, "prediction_id": _plain(record.prediction_id)}
        return msgspec.json.encode(named) + b"\n"


def _plain(text: str) -> str:
    """Return a text that can be encoded: half of a surrogate pair alone cannot."""
    return text.encode("utf-8", "backslashreplace").decode()
