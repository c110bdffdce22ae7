"""Training: counts columns into distributions, and stores them in `histogram.prom`."""

from boxkite.baseline.baseline import Baseline, Exposition
from boxkite.baseline.category_variable import CategoryVariable
from boxkite.baseline.counted_columns import Bins
from boxkite.baseline.distribution import Role
from boxkite.baseline.numeric_variable import NumericVariable
from boxkite.baseline.segment_column import Segment, SegmentColumn
from boxkite.baseline.variable import Variable

__all__ = [
    "Baseline",
    "Bins",
    "CategoryVariable",
    "Exposition",
    "NumericVariable",
    "Role",
    "Segment",
    "SegmentColumn",
    "Variable",
]
