"""Counts of bins as metrics."""

from boxkite.classic.frequency import (
    BinToCount,
    ContinuousVariable,
    DiscreteVariable,
    FrequencyMetric,
    TBin,
)

__all__ = ["BinToCount", "ContinuousVariable", "DiscreteVariable", "FrequencyMetric", "TBin"]
