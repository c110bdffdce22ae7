"""The allowed number of false alarms about quality, and the smallest loss that matters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from boxkite.number_range import ABOVE_0, FRACTION, NOT_NEGATIVE, check_windows
from boxkite.quality.statistic import QualityStatistic

__all__ = ["QualityPolicy", "parts_of_false_alarms"]

_HOURS_A_MONTH = 720

# The test is one-sided, so no quantile exists from 0.5 on.
_MOST_SHARE = 0.25

# Alarms that start per length of a sliding window, divided by the chance that one evaluation is
# above the threshold. Consecutive evaluations overlap, so the ratio exceeds 1. It is the ratio of
# drift (`boxkite.drift.policy`); benchmarks/quality measures the resulting rate.
_ALARMS_A_WINDOW = 2.5


def parts_of_false_alarms(segments: int, *, whole: bool) -> int:
    """Return into how many parts the false alarms are divided, of which some rows get one.

    All rows get half of the false alarms, and the segments share the other half evenly. Without
    segments, all rows get everything.

    Args:
        segments: Number of segments of the model.
        whole: Whether the rows are all rows, or those of one segment.
    """
    if not segments:
        return 1
    return 2 if whole else 2 * segments


@dataclass(frozen=True)
class QualityPolicy:
    """Determines when quality counts as worse than at training.

    Attributes:
        false_alarms_per_month: Expected number of false alarms in 30 days for one model whose
            quality does not change, over all its statistics. In Prometheus, also over all windows.
        min_drop: Smallest drop of accuracy, precision, recall, F1 or AUC that matters.
        min_increase: Smallest increase of a loss (log loss, Brier score, MAE, RMSE) that matters,
            as a fraction of the loss at training. For the bias, as a fraction of RMSE at training.
        min_rows: Fewest rows for a verdict on a statistic, both now and at training.
        windows: Length of each window in which Prometheus judges quality, in hours, by name. A
            label counts in the windows after its arrival.

    Raises:
        ConfigError: If a value is out of range. The message names it.
    """

    false_alarms_per_month: float = 1.0
    min_drop: float = 0.01
    min_increase: float = 0.05
    min_rows: int = 50
    windows: Mapping[str, float] = field(default_factory=lambda: {"1d": 24.0, "7d": 168.0})

    def __post_init__(self) -> None:
        ABOVE_0.check("`false_alarms_per_month`", self.false_alarms_per_month)
        FRACTION.check("`min_drop`", self.min_drop)
        NOT_NEGATIVE.check("`min_increase`", self.min_increase)
        NOT_NEGATIVE.check("`min_rows`", self.min_rows)
        check_windows(self.windows)

    def part(self, segment: str, segments: int) -> QualityPolicy:
        """Return the policy for all rows of a model, or for those of one of its segments.

        Args:
            segment: Label of the segment; empty for all rows.
            segments: Number of the model's segments.
        """
        parts = parts_of_false_alarms(segments, whole=not segment)
        return replace(self, false_alarms_per_month=self.false_alarms_per_month / parts)

    def share(self, hours: float, statistics: float) -> float:
        """Return the chance that one statistic is called worse although nothing changed.

        The allowed false alarms are divided evenly among the windows of a month and the judged
        statistics. That bound assumes nothing about how the statistics depend on each other.

        Args:
            hours: Length of a window in hours.
            statistics: Number of judged statistics.
        """
        windows = _HOURS_A_MONTH / hours
        return min(self.false_alarms_per_month / windows / max(statistics, 1), _MOST_SHARE)

    def sliding_share(self, window: str, statistics: int, parts: int = 1) -> float:
        """Return the chance that one statistic is called worse at one moment of a sliding window.

        Prometheus judges each window every few minutes. The allowed false alarms are divided evenly
        among the windows, and then by the number of alarms that could start in a month.

        Args:
            window: Name of a window of the policy.
            statistics: Number of judged statistics.
            parts: The rows get one of so many equal parts of the false alarms; see
                `parts_of_false_alarms`.
        """
        alarms = _ALARMS_A_WINDOW * len(self.windows) * parts
        return self.share(self.windows[window], statistics * alarms)

    def floor(self, before: QualityStatistic, scale: float) -> float:
        """Return the smallest change for the worse that matters.

        Args:
            before: The statistic at training.
            scale: RMSE at training, for the bias.
        """
        if before.better == "higher":
            return self.min_drop
        return self.min_increase * (scale if before.better == "zero" else before.value)
