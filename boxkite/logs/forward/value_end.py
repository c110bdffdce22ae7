"""Find the end of a MessagePack value in a stream, which msgspec's decoder does not report.

Format: https://github.com/msgpack/msgpack/blob/master/spec.md
"""

from __future__ import annotations

__all__ = ["value_end"]


def value_end(content: bytes) -> int | None:
    """Return the length of the first value, or None if more bytes are needed to know it."""
    place, values = 0, 1  # values that still have to be passed
    while values:
        if place >= len(content):
            return None
        first = content[place]
        place, values = place + 1, values - 1
        if first in _HEADS:
            # The next bytes hold the length of the value, or the number of values in it.
            width, extra, values_per_item = _HEADS[first]
            number = int.from_bytes(content[place : place + width], "big")
            if place + width > len(content):
                return None
            place += width + extra
            if values_per_item:
                values += number * values_per_item
            else:
                place += number
        elif 0x80 <= first <= 0x8F:  # a map of up to 15 pairs
            values += 2 * (first & 0x0F)
        elif 0x90 <= first <= 0x9F:  # an array of up to 15 values
            values += first & 0x0F
        elif 0xA0 <= first <= 0xBF:  # a text of up to 31 bytes
            place += first & 0x1F
        else:
            place += _FIXED.get(first, 0)  # 0: the value is the byte itself, such as nil
    return place if place <= len(content) else None


# First byte: width of the length, bytes after it (the type of an extension), values per item.
_HEADS = {
    0xC4: (1, 0, 0), 0xC5: (2, 0, 0), 0xC6: (4, 0, 0),  # bin
    0xC7: (1, 1, 0), 0xC8: (2, 1, 0), 0xC9: (4, 1, 0),  # ext
    0xD9: (1, 0, 0), 0xDA: (2, 0, 0), 0xDB: (4, 0, 0),  # str
    0xDC: (2, 0, 1), 0xDD: (4, 0, 1),  # array
    0xDE: (2, 0, 2), 0xDF: (4, 0, 2),  # map
}  # fmt: skip

# First byte: bytes that follow.
_FIXED = {
    0xCA: 4, 0xCB: 8,  # float
    0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8,  # uint
    0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8,  # int
    0xD4: 2, 0xD5: 3, 0xD6: 5, 0xD7: 9, 0xD8: 17,  # fixext
}  # fmt: skip
