"""What pages show of a comparison of quality, and which statistic is the worst."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Protocol

from boxkite.quality.estimate import EstimatedStatistic
from boxkite.quality.pairs import Outcomes
from boxkite.quality.quality_verdict import QualityChange, QualityVerdict

__all__ = ["DayOfQuality", "ShownQuality", "relative_loss", "worst_change"]


class ShownQuality(Protocol):
    """A comparison with training, as far as it is shown. `Quality` is one."""

    @property
    def rows(self) -> int:
        """Number of predictions with a valid output and outcome."""
        ...

    @property
    def estimated(self) -> Sequence[EstimatedStatistic]:
        """Estimates from the scores alone."""
        ...

    @property
    def outcomes(self) -> Outcomes | None:
        """The paired rows; None if they are not known."""
        ...

    @property
    def verdict(self) -> QualityVerdict:
        """The verdict on all statistics."""
        ...

    def __iter__(self) -> Iterator[QualityChange]: ...


class DayOfQuality(Protocol):
    """The quality of the predictions of one day."""

    @property
    def day(self) -> date:
        """The day in UTC."""
        ...

    @property
    def coverage(self) -> float:
        """Share of the predictions that have a label."""
        ...

    @property
    def quality(self) -> ShownQuality:
        """The quality of the predictions with a label."""
        ...


def worst_change(quality: ShownQuality) -> QualityChange | None:
    """Return the judged statistic that lost most, relative to its threshold."""
    judged = [each for each in quality if each.verdict is not None and each.now.is_defined]
    return max(judged, key=relative_loss, default=None)


def relative_loss(change: QualityChange) -> float:
    """Return the loss as a multiple of what chance explains and what matters."""
    limit = max(change.threshold, change.floor)
    return change.loss / limit if limit > 0 and change.loss == change.loss else -math.inf
