"""Counts of bins as metrics."""

from boxkite.classic.frequency import BinToCount, ContinuousVariable, DiscreteVariable, TBin

__all__ = ["BinToCount", "ContinuousVariable", "DiscreteVariable", "TBin"]
