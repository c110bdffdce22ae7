"""Adds floats so that the sum depends neither on their order nor on how the rows are split.

Adding floats rounds at each step, so two orders give two sums, and files of equal rows would differ
in their last digits. Here, each value is cut at fixed places of the binary number, every 32 bits:

    value = p0 * 2**(32 * top) + p1 * 2**(32 * (top - 1)) + ...

Each piece is a whole number below 2**32, so adding pieces is exact. The first four pieces are kept,
counted from the greatest value (`top`). What is cut off behind them is less than 2**-96 of that
value. Demmel and Nguyen, "Parallel Reproducible Summation" (2015), add floats in the same way.

A data engine finds the same pieces. It multiplies all values by 2**(-32 * top), so that the
greatest is below 2**32. For each piece it cuts off the fraction towards zero, adds the whole parts
as 64-bit integers, and multiplies the fractions by 2**32 for the next piece.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["BITS", "LOWEST", "PIECES", "ExactSum", "top_of"]

Floats: TypeAlias = NDArray[np.float64]

BITS = 32
"""Bits of a piece."""

PIECES = 4
"""Number of pieces that are kept."""

LOWEST = -34
"""Place of the last bit of the smallest float, 2**-1074."""

# The pieces of up to 2**21 values add up to less than 2**53, so their sum as floats is exact. Small
# chunks stay in the processor's cache.
_CHUNK = 2**14


def top_of(largest: float) -> int:
    """Return the place of the first piece of values up to this absolute value."""
    return max(LOWEST, (math.frexp(largest)[1] - 1) // BITS) if largest else LOWEST


@dataclass(frozen=True)
class ExactSum:
    """A sum of finite values.

    Attributes:
        top: place of the first piece, which follows from the greatest absolute value.
        pieces: sum of each piece over all values, without zeros at the end.
    """

    top: int
    pieces: tuple[int, ...]

    @classmethod
    def of(cls, values: Floats) -> ExactSum:
        """Add up finite values, in any order."""
        top = top_of(max(abs(float(values.min())), abs(float(values.max()))) if len(values) else 0)
        sums = [0] * PIECES
        for start in range(0, len(values), _CHUNK):
            rest = np.ldexp(values[start : start + _CHUNK], -BITS * top)
            for number in range(PIECES):
                whole = np.trunc(rest)
                sums[number] += int(whole.sum())
                rest -= whole
                if not rest.any():
                    break
                rest *= 2.0**BITS
        return cls.of_pieces(top, sums)

    @classmethod
    def of_pieces(cls, top: int, sums: Sequence[int]) -> ExactSum:
        """Return the sum whose pieces add up to these numbers, from the first piece on."""
        last = max((number for number, each in enumerate(sums, 1) if each), default=0)
        return cls(top, tuple(sums[:last]))

    def __add__(self, other: ExactSum) -> ExactSum:
        """Return the sum of the values of both."""
        top = max(self.top, other.top)
        places = range(top, top - PIECES, -1)
        return ExactSum.of_pieces(top, [self._at(place) + other._at(place) for place in places])

    def _at(self, place: int) -> int:
        number = self.top - place
        return self.pieces[number] if 0 <= number < len(self.pieces) else 0

    def __float__(self) -> float:
        """Return the nearest float, or an infinity if the sum exceeds all floats."""
        total = sum(
            piece * Fraction(2) ** (BITS * (self.top - number))
            for number, piece in enumerate(self.pieces)
        )
        try:
            return float(total)
        except OverflowError:
            return math.inf if total > 0 else -math.inf
