"""The mark that replaces a value in the journal, and keeps where the value counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec

__all__ = ["Mark", "extended"]


@dataclass(frozen=True, slots=True)
class Mark:
    """Replaces a value that must not be written, and keeps where it counts.

    Attributes:
        cell: index of the variable's cell, or `Mark.MISSING` or `Mark.INVALID`.
        outside: whether the value is a finite number outside the range of training.
    """

    cell: int
    outside: bool = False

    MISSING: ClassVar[int] = -1
    INVALID: ClassVar[int] = -2

    def extension(self) -> msgspec.msgpack.Ext:
        """Return the mark as an extension of MessagePack, which no client can imitate."""
        cell = self.cell.to_bytes(_CELL_BYTES, "little", signed=True)
        return msgspec.msgpack.Ext(_MARK, cell + b"\1" * self.outside)


_MARK = 1
_CELL_BYTES = 4


def extended(code: int, content: memoryview) -> Any:
    """Return the object that an extension of MessagePack stands for. A hook of the decoder."""
    if code == _MARK:
        cell = int.from_bytes(content[:_CELL_BYTES], "little", signed=True)
        return Mark(cell, outside=len(content) > _CELL_BYTES)
    return msgspec.msgpack.Ext(code, bytes(content))
