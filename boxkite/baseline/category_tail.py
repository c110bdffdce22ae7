"""The rare categories of a variable, which are counted together and known only by their hashes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Tail", "label_hash"]


def label_hash(label: str) -> int:
    """Return 32 bits of the BLAKE2b hash of a category.

    A baseline stores these hashes of its rare categories instead of their names.
    """
    return int.from_bytes(hashlib.blake2b(label.encode(), digest_size=4).digest())


@dataclass(frozen=True)
class Tail:
    """The rare categories of one variable.

    Attributes:
        rows: number of rows that have one of them.
        hashes: their hashes.
        once: hashes that occur in one row; None if unknown, as in older files.
        most_once: number of categories that occur in one row, or an upper bound if `once` is
            unknown; None if that is unknown too.
    """

    rows: int
    hashes: frozenset[int]
    once: frozenset[int] | None
    most_once: int | None

    @classmethod
    def of(cls, tally: Mapping[str, int]) -> Tail:
        """Return the tail of these categories, each with its number of rows."""
        # Count by hash and not by category, so that a collision of two hashes counts the same in
        # merged parts, which know hashes only.
        rows: Counter[int] = Counter()
        for label, count in tally.items():
            rows[label_hash(label)] += count
        once = frozenset(each for each, count in rows.items() if count == 1)
        return cls(rows.total(), frozenset(rows), once, len(once))

    def merge(self, other: Tail) -> Tail:
        """Return the tail of the rows of both."""
        hashes = self.hashes | other.hashes
        once = None
        most_once = self._most_once_in_either(other)
        if self.once is not None and other.once is not None:
            # A category that occurs once in both together occurs once in one, never in the other.
            once = (self.once - other.hashes) | (other.once - self.hashes)
            most_once = len(once)
        return Tail(self.rows + other.rows, hashes, once, most_once)

    def _most_once_in_either(self, other: Tail) -> int | None:
        """Return an upper bound of the categories that occur in one row of both together."""
        # There are two bounds on either side: the number that occurs once, and the number that the
        # other side lacks.
        if self.most_once is None or other.most_once is None:
            return None
        return min(self.most_once, len(self.hashes - other.hashes)) + min(
            other.most_once, len(other.hashes - self.hashes)
        )
