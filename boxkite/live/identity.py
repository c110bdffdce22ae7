"""The identity of a prediction: who made it, when, and a random id."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import ClassVar

import msgspec

from boxkite.system.forks import call_after_fork

__all__ = ["Identity"]

_NANOSECONDS = 1_000_000_000
_COUNTED_DIGITS = 12


class Identity(msgspec.Struct, frozen=True, gc=False):
    """The identity of one prediction.

    Attributes:
        server_id: the service that made it.
        created_at: nanoseconds since 1970, UTC.
        entity_id: a random UUID, as text.
    """

    server_id: str
    created_at: int
    entity_id: str

    @classmethod
    def new(cls, server_id: str) -> Identity:
        """Return an identity for a prediction made now."""
        return cls(server_id, time.time_ns(), _uuids.new())

    def rows(self, number: int) -> list[Identity]:
        """Return the identities of several predictions of one request.

        The first is this identity. The others have the same time, and the last 12 digits of their
        UUID count up from it, wrapping around at the greatest number. It stays a UUID of version 4.

        Args:
            number: number of predictions.
        """
        if number < 2:
            first: list[Identity] = [self]
            return first[:number]
        head, digits = self.entity_id[:-_COUNTED_DIGITS], self.entity_id[-_COUNTED_DIGITS:]
        numbers = range(int(digits, 16), int(digits, 16) + number)
        uuids = [f"{head}{each % 16**_COUNTED_DIGITS:0{_COUNTED_DIGITS}x}" for each in numbers]
        return [Identity(self.server_id, self.created_at, uuid) for uuid in uuids]

    @property
    def prediction_id(self) -> str:
        """The id that is returned and logged: `{server_id}/{time to the second}/{entity_id}`."""
        second = self.created_at // _NANOSECONDS
        text = _seconds.get(second) or _format_second(second)
        return f"{self.server_id}/{text}/{self.entity_id}"


class _Uuids:
    """Random UUIDs of version 4 (RFC 9562), as `uuid.uuid4` makes them, but faster.

    One system call draws the random bytes of 256 UUIDs, so less than one prediction in a hundred
    waits for it and the 99th percentile does not see it. Each UUID is formatted only when it is
    taken: formatting all at once would make that prediction ten times slower.
    """

    _DRAWN = 256
    _BYTES = 16
    _VARIANTS: ClassVar = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))

    def __init__(self) -> None:
        self._draws: Iterator[tuple[bytes]] = iter(())
        call_after_fork(self)

    def new(self) -> str:
        """Return a UUID that no other call returns."""
        try:
            # The iterator is written in C, so threads and signal handlers never get the same item.
            (draw,) = next(self._draws)
        except StopIteration:
            draw = self._draw_more()
        digits = draw.hex()
        variant = self._VARIANTS[digits[16]]
        return (
            f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
        )

    def _draw_more(self) -> bytes:
        # Two threads may get here at once. Each uses its own draws, and the rest of one set is
        # lost.
        draws = struct.iter_unpack(f"{self._BYTES}s", os.urandom(self._DRAWN * self._BYTES))
        draw: bytes = next(draws)[0]
        self._draws = draws
        return draw

    def after_fork(self) -> None:
        """In a forked process, forget the draws, because the parent will use them."""
        self._draws = iter(())


_uuids = _Uuids()

_seconds: dict[int, str] = {}
"""The text of the second that was formatted last. Most predictions need the same one."""


def _format_second(second: int) -> str:
    text = datetime.fromtimestamp(second, UTC).replace(tzinfo=None).isoformat()
    _seconds.clear()
    _seconds[second] = text
    return text
