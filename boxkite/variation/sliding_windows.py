"""Training windows that slide as live windows do."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Sliding", "TrainingWindows"]

Counts: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

_MOST_WINDOWS = 4_000
"""With more sliding windows than this, every second, third, … one is used."""


@dataclass(frozen=True, eq=False)
class Sliding:
    """The slots in which sliding windows begin.

    Attributes:
        starts: Slot in which each window begins.
        length: Slots in a window. Windows that begin fewer slots apart overlap.
        overlap: Number of windows that cover the same moment. For example, if a window of a day
            starts every six hours, four windows overlap. Together, the windows hold only as much
            information as a quarter of their number without overlap.
    """

    starts: Counts
    length: int = 1
    overlap: int = 1

    @property
    def windows(self) -> int:
        """Number of windows that do not overlap."""
        return len(self.starts) // self.overlap


class TrainingWindows(NamedTuple):
    """Training windows of one length, each beside the rest of training.

    Attributes:
        counts: Rows of each cell, shape (windows, cells).
        others: All other training rows, of the same shape.
        sliding: When the windows begin.
    """

    counts: Counts
    others: Counts
    sliding: Sliding

    @classmethod
    def of(cls, counts: Counts, slots: int, least_rows: float) -> TrainingWindows:
        """Return the windows that have enough rows, in an order that depends on counts alone."""
        sums = _sums(counts, slots)
        starts = np.flatnonzero(sums.sum(axis=1) >= max(least_rows, 1))
        step = max(1, math.ceil(len(starts) / _MOST_WINDOWS))
        starts = starts[::step]
        # The simulation draws in the order of the windows. If that were the caller's order, the
        # same counts could give different baselines.
        starts = starts[np.lexsort(sums[starts].T)]
        used = sums[starts]
        overlap = max(1, slots // step)
        return cls(used, counts.sum(axis=0) - used, Sliding(starts, slots, overlap))

    @property
    def rows(self) -> Counts:
        """Rows of each window."""
        return np.asarray(self.counts.sum(axis=1))

    @property
    def chance(self) -> Floats:
        """Variance that chance gives to one coordinate of each window."""
        return np.asarray(1 / self.rows + 1 / self.others.sum(axis=1))

    def growth(self, usual_rows: float) -> Floats:
        """Return the factor by which each window's limit will be raised (`Variation.growth`)."""
        return np.maximum(1.0, usual_rows / self.rows)


def _sums(counts: Counts, slots: int) -> Counts:
    """Return the sums of each `slots` consecutive slots."""
    sums = np.cumsum(np.vstack([np.zeros_like(counts[:1]), counts]), axis=0)
    return np.asarray(sums[slots:] - sums[:-slots])
