"""Columns counted into bins."""

from boxkite.baseline.classic_histogram import fast_histogram, get_bins, is_discrete

__all__ = ["fast_histogram", "get_bins", "is_discrete"]
