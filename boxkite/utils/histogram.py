"""Columns counted into bins."""

from boxkite.classic.column_histogram import fast_histogram, get_bins, is_discrete

__all__ = ["fast_histogram", "get_bins", "is_discrete"]
