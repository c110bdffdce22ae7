"""Drops what an at-least-once log holds twice, with the memory of one minute."""

from __future__ import annotations

from collections.abc import Hashable

__all__ = ["Deduplication"]


class Deduplication:
    """Remembers the ids of one partition, an endpoint's minute, and forgets them at the next.

    That is enough: a prediction is filed under the minute in which it was made, however often and
    however late it is delivered, so all its copies are in files of one minute.
    """

    def __init__(self) -> None:
        self._partition: Hashable = None
        self._seen: set[str] = set()
        self.dropped = 0

    def enter(self, partition: Hashable) -> None:
        """Begin with the files of a partition; nothing is forgotten if it is the same as before."""
        if partition != self._partition:
            self._partition = partition
            self._seen = set()

    def is_new(self, entity_id: str) -> bool:
        """Tell whether the id comes for the first time; if not, it counts as dropped."""
        before = len(self._seen)
        self._seen.add(entity_id)
        if len(self._seen) == before:
            self.dropped += 1
            return False
        return True
