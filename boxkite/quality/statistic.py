"""One statistic of quality, with its interval and its number of rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from boxkite.quality.intervals import Interval

__all__ = ["Better", "QualityStatistic"]

Better: TypeAlias = Literal["higher", "lower", "zero"]


@dataclass(frozen=True)
class QualityStatistic:
    """A statistic of quality.

    Attributes:
        name: Name of the statistic, such as `accuracy`.
        output: Name of the output variable.
        interval: Value and interval at 95 %; NaN if it is not defined.
        rows: Number of rows that determine it: predicted positives for precision, positives for
            recall, rows of the rarer class for AUC, and all paired rows otherwise.
        better: Whether a higher value, a lower value or a value near zero is better.
        judged: Whether boxkite gives a verdict on it. It only shows the details of one class.
        category: Class that it belongs to; empty for statistics of all rows.
        bound: Greatest difference from the same statistic of the ungrouped rows; 0 if it is exact.
        reason: Why the value is not defined; empty if it is.
    """

    name: str
    output: str
    interval: Interval
    rows: int
    better: Better = "higher"
    judged: bool = True
    category: str = ""
    bound: float = 0.0
    reason: str = ""

    @property
    def value(self) -> float:
        """The value of the statistic."""
        return self.interval.value

    @property
    def is_defined(self) -> bool:
        """Whether there are rows to derive it from."""
        return not math.isnan(self.value)

    @property
    def key(self) -> tuple[str, str, str]:
        """Identifies the statistic among all of a model: output, name and class."""
        return self.output, self.name, self.category
