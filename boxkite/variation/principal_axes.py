"""The principal axes of points: the directions along which they scatter most."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["effective_rank", "principal_axes"]

Floats: TypeAlias = NDArray[np.float64]

_CLIP = 3.0


def principal_axes(points: Floats, chance: Floats) -> tuple[Floats, Floats]:
    """Return the eigenvalues, greatest first, and the unit eigenvectors of the points' scatter.

    Small windows are scaled down to the noise of a typical one, and long points to three times the
    median length. Otherwise a few windows could determine the axes.
    """
    scaled = points * np.sqrt(np.minimum(1.0, np.median(chance) / chance))[:, np.newaxis]
    lengths = np.linalg.norm(scaled, axis=1)
    most = _CLIP * np.median(lengths)
    scaled *= np.minimum(1.0, most / np.maximum(lengths, 1e-300))[:, np.newaxis]
    values, columns = np.linalg.eigh(scaled.T @ scaled / len(points))
    axes = columns[:, ::-1].T
    # The sign of an axis is arbitrary. Fix it, so that every machine writes the same baseline.
    greatest = np.abs(axes).argmax(axis=1)
    signs = np.sign(axes[np.arange(len(axes)), greatest])
    return values[::-1], axes * signs[:, np.newaxis]


def effective_rank(points: Floats) -> float:
    """Return the number of axes that would scatter as much if all scattered alike.

    With few points it is too low on average, because chance makes the sample's axes differ.
    """
    scatter = points.T @ points
    return float(np.trace(scatter) ** 2 / max(float((scatter**2).sum()), 1e-300))
