"""Converts the distributions of a baseline to JSON, and limits the size of what is converted back.

To store more about the whole baseline, give `Content` a field with a default. A default is not
written, so the files and digests of baselines that do not use the field stay the same. Raise
`FORMAT` in `json_line.py` if an older boxkite must not read the new files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from boxkite.baseline.outcome_json import StoredOutcomes, pair_series, store_outcomes
from boxkite.baseline.segment_column import SegmentColumn, segment_label
from boxkite.baseline.segment_json import StoredColumn, StoredSegment, store_segments
from boxkite.baseline.text_checks import check_labels
from boxkite.baseline.variable import Variable
from boxkite.baseline.variable_json import Count, StoredCategory, StoredNumeric, store
from boxkite.errors import BaselineError
from boxkite.quality import Outcomes

__all__ = ["Content", "check_size", "content_json", "digest_of", "dump"]

# The shortest series name is longer than this, without the texts of its labels.
_SHORTEST_SERIES = 60


class Content(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The distributions: all of a baseline except the names of the model and the version."""

    rows: Count
    variables: list[StoredNumeric | StoredCategory]
    outcomes: StoredOutcomes | None = None
    segments: list[StoredColumn] = []


def content_json(
    rows: int,
    variables: Iterable[Variable],
    outcomes: Outcomes | None,
    segments: Iterable[SegmentColumn],
) -> str:
    """Return the distributions as JSON. Equal distributions give equal text."""
    stored = None if outcomes is None else store_outcomes(outcomes)
    content = Content(rows, [store(each) for each in variables], stored, store_segments(segments))
    return dump(msgspec.to_builtins(content))


def digest_of(content: str | bytes) -> str:
    """Return the first 8 hex digits of the SHA-256 of the distributions as JSON."""
    raw = content.encode() if isinstance(content, str) else content
    return hashlib.sha256(raw).hexdigest()[:8]


def dump(value: Any) -> str:
    """Return a value as JSON."""
    # The digest depends on every byte, and Python's json always writes floats as repr does. msgspec
    # is faster, but may spell floats differently in another version.
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def check_size(content: Content, names: Sequence[str], *, room: int, max_series: int) -> None:
    """Check that the described series cannot be longer than the file.

    Each series repeats the name of its variable. A hostile line of a few megabytes can give a
    variable a name of a megabyte and a million bins, and its series would take a terabyte. So the
    length is estimated before the series are rendered for the comparison.

    Args:
        content: the distributions.
        names: names of the model and the version.
        room: length of the file in characters.
        max_series: the most series that the baseline may have.
    """
    check_labels(names)
    each_name = sum(map(len, names)) + _SHORTEST_SERIES
    series, size = _series_of(content, each_name)
    for column in content.segments:
        check_labels(segment_label(column.name, value) for value in column.values)
        for value, each in zip(column.values, column.segments, strict=False):
            its_series, its_size = _series_of(each, each_name)
            series += its_series
            size += its_size + its_series * len(segment_label(column.name, value))
    if series > max_series:
        raise BaselineError(f"the # BASELINE line describes more than {max_series:,} series")
    if size > room:
        raise BaselineError(
            f"the # BASELINE line describes {series:,} series, more than the file has room for. "
            f"Write the file again with Baseline.write"
        )


def _series_of(content: Content | StoredSegment, each_name: int) -> tuple[int, int]:
    """Return the least number of series of variables and outcomes, and of their characters."""
    series = size = 0
    for each in content.variables:
        check_labels((each.name,))
        check_labels(each.categories if isinstance(each, StoredCategory) else ())
        cells = len(each.counts) * (2 if isinstance(each, StoredNumeric) else 1)
        series += cells
        size += cells * (each_name + len(each.name))
    for output, pairs in pair_series(content.outcomes).items():
        check_labels((output,))
        series += pairs
        size += pairs * (each_name + len(output))
    return series, size
