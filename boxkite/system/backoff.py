"""Pauses between attempts: longer after each failure, and random, so that clients spread out."""

from __future__ import annotations

import random

__all__ = ["Backoff"]


class Backoff:
    """Pauses that double from one failure to the next.

    Args:
        first: the first pause, in seconds.
        longest: the longest pause, in seconds.
    """

    def __init__(self, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._pause = 0.0

    def reset(self) -> None:
        """Start with the first pause again, after a success."""
        self._pause = 0.0

    def next_pause(self, at_most: float | None = None) -> float:
        """Return how many seconds to wait after a failure.

        Args:
            at_most: a limit for this pause, from which the next pauses start.
        """
        self._pause = min(self._pause * 2, self._longest) or self._first
        if at_most is not None:
            self._pause = min(self._pause, at_most)
        # If a sink fails, all replicas notice at once. Random pauses keep them from all coming back
        # at once.
        return self._pause * random.uniform(0.5, 1.0)
