"""Learn how the statistics of quality vary between windows of training."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from boxkite.quality.measure import measure
from boxkite.quality.pairs import Outcomes, StatisticVariation
from boxkite.quality.statistic import QualityStatistic

__all__ = ["MIN_WINDOWS", "learn_statistic_variation"]

MIN_WINDOWS = 8
"""Fewest training windows from which variation is learnt."""

_MIN_ROWS = 50
# The version of a baseline is a digest of its content. Sums differ in their last digits between
# processors, so these digits must not be part of it.
_DIGITS = 9


def learn_statistic_variation(windows: Iterable[Outcomes]) -> tuple[StatisticVariation, ...]:
    """Return the variation between windows of each statistic that boxkite judges.

    A statistic leaves out the windows in which it has fewer than 50 rows.

    Args:
        windows: Paired rows of each window of training.
    """
    found: defaultdict[tuple[str, str], list[QualityStatistic]] = defaultdict(list)
    for outcomes in windows:
        for each in measure(outcomes):
            if each.judged and each.is_defined and each.rows >= _MIN_ROWS:
                found[each.output, each.name].append(each)
    return tuple(_variation(each) for each in found.values() if len(each) >= MIN_WINDOWS)


def _variation(windows: Sequence[QualityStatistic]) -> StatisticVariation:
    first, values = windows[0], np.array([each.value for each in windows])
    deviations = values - values.mean()
    losses = {"higher": -deviations, "lower": deviations, "zero": np.abs(deviations)}
    return StatisticVariation(
        first.output,
        first.name,
        len(windows),
        mean=_rounded(float(values.mean())),
        variance=_rounded(float(values.var(ddof=1))),
        chance=_rounded(float(np.mean([each.interval.error**2 for each in windows]))),
        worst=_rounded(float(losses[first.better].max())),
    )


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
