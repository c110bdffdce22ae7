"""Judge whether a statistic of quality is worse than at training.

The difference from training has three sources of variance: chance at training, chance now, and the
natural variation between windows. The first two come from the statistics' intervals, as if both had
the less certain rows of the two. The third is the variance between windows of training, minus the
part of it that chance gives.

The threshold is a quantile of Student's t, because the third variance is estimated from few
windows. Satterthwaite's approximation (1946) gives the degrees of freedom. Windows may also have
heavier tails than the normal distribution. So if quality varied at training, a value counts as
worse only if it is worse than in every window of training.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from boxkite.quality.pairs import StatisticVariation
from boxkite.quality.quality_policy import QualityPolicy
from boxkite.quality.statistic import QualityStatistic
from boxkite.quality.students_t import MOST_DEGREES, normal_quantile, students_t

__all__ = [
    "CRITICAL_LOSS",
    "QualityChange",
    "QualitySeverity",
    "QualityVerdict",
    "critical",
    "judge",
    "threshold",
]

QualityVerdict: TypeAlias = Literal["insufficient", "ok", "worse"]
QualitySeverity: TypeAlias = Literal["", "warning", "critical"]

CRITICAL_LOSS = 5.0
"""A loss of more than this many times its floor is critical, as for drift."""


@dataclass(frozen=True)
class QualityChange:
    """One statistic now and at training.

    Attributes:
        now: The statistic now.
        before: The statistic at training; None if training had no outcomes.
        threshold: Change for the worse that chance and natural variation rarely exceed; NaN if it
            is not known.
        floor: Smallest change for the worse that matters.
        verdict: `worse` if the change exceeds both; None for details that are not judged.
        reason: Why there is not enough data; empty otherwise.
    """

    now: QualityStatistic
    before: QualityStatistic | None = None
    threshold: float = math.nan
    floor: float = math.nan
    verdict: QualityVerdict | None = None
    reason: str = ""

    @property
    def difference(self) -> float:
        """Value now minus value at training."""
        return math.nan if self.before is None else self.now.value - self.before.value

    @property
    def loss(self) -> float:
        """How much worse the statistic is than at training; negative if it is better."""
        return math.nan if self.before is None else _loss_from(self.before, self.now.value)

    @property
    def severity(self) -> QualitySeverity:
        """`critical` if the loss is many times its floor; empty if the verdict is not `worse`."""
        if self.verdict != "worse":
            return ""
        return "critical" if self.loss > CRITICAL_LOSS * self.floor else "warning"

    @property
    def finding(self) -> str:
        """The loss, or the reason for too little data, in words; empty if the verdict is `ok`."""
        if self.verdict == "insufficient":
            return self.reason
        if self.verdict != "worse" or self.before is None:
            return ""
        return (
            f"{self.now.value:.4g} now, {self.before.value:.4g} at training: worse by "
            f"{self.loss:.2g}, but only up to {max(self.threshold, self.floor):.2g} is ok"
        )


def judge(
    now: QualityStatistic,
    before: QualityStatistic | None,
    variation: StatisticVariation | None,
    policy: QualityPolicy,
    *,
    share: float,
    scale: float = math.nan,
) -> QualityChange:
    """Compare a statistic with training.

    Args:
        now: The statistic now.
        before: The statistic at training; None if training had no outcomes.
        variation: Its variation between windows of training; None if it is not known.
        policy: Gives the floor, and the rows that a verdict needs.
        share: Chance of a false alarm.
        scale: RMSE at training, for the bias.
    """
    if not now.judged:
        return QualityChange(now, before)
    reason = _too_few(now, before, policy)
    if before is None or reason:
        return QualityChange(now, before, verdict="insufficient", reason=reason)
    limit, floor = threshold(now, before, variation, share), policy.floor(before, scale)
    worse = _loss_from(before, now.value) > max(limit, floor)
    return QualityChange(now, before, limit, floor, "worse" if worse else "ok")


def _too_few(now: QualityStatistic, before: QualityStatistic | None, policy: QualityPolicy) -> str:
    if before is None:
        return "the baseline has no outcomes: fit it with outcome="
    for each, when in ((before, " at training"), (now, "")):
        if not each.is_defined:
            return f"{each.reason}{when}"
        if each.rows < policy.min_rows:
            return f"it has {each.rows:,} rows{when}, but needs {policy.min_rows:,}"
    return ""


def threshold(
    now: QualityStatistic,
    before: QualityStatistic,
    variation: StatisticVariation | None,
    share: float,
) -> float:
    """Return the change that an unchanged model exceeds with probability `share`."""
    chance, normal = _chance(now, before), critical(now, share)
    natural = 0.0 if variation is None else max(0.0, variation.variance - variation.chance)
    if variation is None or not natural:
        return students_t(normal, MOST_DEGREES) * math.sqrt(chance)
    variance = chance + natural * (1 + 1 / variation.windows)
    degrees = (variation.windows - 1) * (variance / variation.variance) ** 2
    # The mean over windows differs from the value of all rows together. For example, F1 can be
    # lower on each of many days with few positives.
    usual = 0.0 if now.better == "zero" else _loss_from(before, variation.mean)
    return usual + max(students_t(normal, degrees) * math.sqrt(variance), variation.worst)


def _chance(now: QualityStatistic, before: QualityStatistic) -> float:
    """Return the variance of the difference that chance explains.

    The error of a statistic depends on its value: 98 of 100 right rows seem to be less uncertain
    than 95. Rows that were lucky at training would therefore call any window worse, most of all a
    window of many rows. If the model is unchanged, the rows of both are equally uncertain, so the
    larger variance of a row applies to both.
    """
    row = max(each.rows * each.interval.error**2 for each in (now, before))
    return row * (1 / now.rows + 1 / before.rows)


def critical(statistic: QualityStatistic, share: float) -> float:
    """Return the quantile of the normal distribution that belongs to a chance of a false alarm."""
    # The bias may leave zero on either side.
    return normal_quantile(share / 2 if statistic.better == "zero" else share)


def _loss_from(before: QualityStatistic, value: float) -> float:
    """Return how much worse a value is than a statistic at training; negative if it is better."""
    difference = value - before.value
    if before.better == "zero":
        # A bias that moved towards zero is no loss, however far it moved.
        return abs(difference) if abs(value) > abs(before.value) else -abs(difference)
    return -difference if before.better == "higher" else difference
