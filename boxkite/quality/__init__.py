"""Measure the quality of a model from counts of its outputs and their true outcomes."""

from boxkite.quality.estimate import EstimatedStatistic, estimate
from boxkite.quality.measure import measure
from boxkite.quality.pairs import LossSums, OutcomePairs, Outcomes, StatisticVariation
from boxkite.quality.quality_comparison import Quality, compare_outcomes
from boxkite.quality.quality_policy import QualityPolicy
from boxkite.quality.quality_verdict import QualityChange, QualityVerdict
from boxkite.quality.statistic import QualityStatistic
from boxkite.quality.window_variation import learn_statistic_variation

__all__ = [
    "EstimatedStatistic",
    "LossSums",
    "OutcomePairs",
    "Outcomes",
    "Quality",
    "QualityChange",
    "QualityPolicy",
    "QualityStatistic",
    "QualityVerdict",
    "StatisticVariation",
    "compare_outcomes",
    "estimate",
    "learn_statistic_variation",
    "measure",
]
