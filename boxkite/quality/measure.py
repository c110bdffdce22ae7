"""Derive all statistics of quality from paired rows."""

from __future__ import annotations

from boxkite.quality.class_quality import class_statistics
from boxkite.quality.number_quality import number_statistics
from boxkite.quality.pairs import OutcomePairs, Outcomes
from boxkite.quality.score_quality import score_statistics
from boxkite.quality.statistic import QualityStatistic

__all__ = ["measure"]

_STATISTICS = {"score": score_statistics, "class": class_statistics, "number": number_statistics}


def measure(outcomes: Outcomes) -> tuple[QualityStatistic, ...]:
    """Return the statistics of all outputs: first those of all rows, then those of single classes.

    Args:
        outcomes: Paired rows.
    """
    found = [each for pairs in outcomes.pairs for each in _of(pairs)]
    return tuple(sorted(found, key=lambda each: bool(each.category)))


def _of(pairs: OutcomePairs) -> list[QualityStatistic]:
    return _STATISTICS[pairs.kind](pairs)
