"""Compacted days of a log: Parquet instead of lines, each prediction once, ordered by time.

Start with `compactor` for how a day is compacted, `manifest` for what a day consists of, and
`row_layout` for how lines become rows and rows become lines again.
"""
