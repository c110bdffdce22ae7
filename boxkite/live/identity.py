"""What tells one prediction from all others."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime

import msgspec

__all__ = ["Identity"]

_DRAWN = 64
_DIGITS = 32
_COUNTED = 12
_NANOSECONDS = 1_000_000_000


class Identity(msgspec.Struct, frozen=True, gc=False):
    """Names one prediction.

    Attributes:
        server_id: of the service that made it.
        created_at: nanoseconds since 1970, UTC.
        entity_id: a random UUID, as text.
    """

    server_id: str
    created_at: int
    entity_id: str

    @classmethod
    def new(cls, server_id: str) -> Identity:
        """Return an identity for a prediction made now."""
        try:
            entity_id = _drawn.pop()
        except IndexError:
            entity_id = _drawn_anew()
        return cls(server_id, time.time_ns(), entity_id)

    def rows(self, number: int) -> list[Identity]:
        """Return the identities of several predictions made at once.

        The first is this one. In the others the last 12 digits of the UUID count up from its own,
        beginning anew at 0 after the greatest: it stays one of version 4.

        Args:
            number: of the predictions.
        """
        if number < 2:
            return [self][:number]
        head, digits = self.entity_id[:-_COUNTED], self.entity_id[-_COUNTED:]
        numbers = range(int(digits, 16), int(digits, 16) + number)
        uuids = [f"{head}{each % 16**_COUNTED:0{_COUNTED}x}" for each in numbers]
        return [Identity(self.server_id, self.created_at, uuid) for uuid in uuids]

    @property
    def prediction_id(self) -> str:
        """The id that is returned and logged: `{server_id}/{time to the second}/{entity_id}`."""
        second = self.created_at // _NANOSECONDS
        text = _seconds.get(second) or _remembered(second)
        return f"{self.server_id}/{text}/{self.entity_id}"


_drawn: list[str] = []
"""UUIDs not yet used. Only ever popped and extended: safe over threads."""

_VARIANT = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))


def _drawn_anew() -> str:
    """Return a UUID of version 4 (RFC 9562), as `uuid.uuid4` but with a system call for 64."""
    fresh = os.urandom(_DRAWN * _DIGITS // 2).hex()
    first, *rest = [_uuid(fresh[i : i + _DIGITS]) for i in range(0, len(fresh), _DIGITS)]
    _drawn.extend(rest)
    return first


def _uuid(digits: str) -> str:
    variant = _VARIANT[digits[16]]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


# A forked process must not draw what its parent draws.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_drawn.clear)


_seconds: dict[int, str] = {}
"""The text of the last second that was asked for."""


def _remembered(second: int) -> str:
    text = datetime.fromtimestamp(second, UTC).replace(tzinfo=None).isoformat()
    _seconds.clear()
    _seconds[second] = text
    return text
