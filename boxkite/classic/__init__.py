"""Everything that belongs to boxkite 0.0.5: its series, files, bins, collectors and exporters.

`boxkite.monitoring` and `boxkite.utils` offer these under the names that users of 0.0.5 import.
"""
