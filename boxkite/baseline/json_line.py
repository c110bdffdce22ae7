"""The comment line that ends `histogram.prom` and holds the whole baseline as JSON.

Prometheus reads the series above it and ignores the line. `Baseline.read` reads the line and does
not have to assemble a baseline from tens of thousands of samples:

    # BASELINE {"format":1,"exposition":"labelled","model":"flights","version":"2f6b1c0d",
                "series":"9c41d0e7a5b3f268","digest":"2f6b1c0d",
                "content":{"rows":327346,"variables":[...]}}

(All on one line; wrapped here.) `series` is the digest of the text above the line and of the names
of model and version, and `digest` covers `content`, so a change anywhere is found. Because of the
digest, a later version can read the file even if it renders a series or a HELP text differently. A
float that JSON cannot hold is written as Prometheus spells it: "NaN", "+Inf" or "-Inf".

To store more about the whole baseline, give `_Content` a field with a default. A default is not
written, so the files and digests of baselines that do not use the field stay the same. Raise
`FORMAT` if an older boxkite must not read the new files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import msgspec

from boxkite.baseline.outcome_json import (
    StoredOutcomes,
    pair_series,
    restore_outcomes,
    store_outcomes,
)
from boxkite.baseline.segment_column import SegmentColumn, segment_label
from boxkite.baseline.segment_json import (
    StoredColumn,
    StoredSegment,
    restore_segments,
    store_segments,
)
from boxkite.baseline.text_checks import check_labels
from boxkite.baseline.variable import Variable
from boxkite.baseline.variable_json import (
    Count,
    StoredCategory,
    StoredNumeric,
    restore,
    store,
)
from boxkite.errors import BaselineError
from boxkite.quality import Outcomes

__all__ = [
    "Exposition",
    "JsonLine",
    "content_json",
    "digest_of",
    "find_json_line",
    "json_line",
    "series_digest",
]

Exposition: TypeAlias = Literal["labelled", "classic"]

FORMAT = 1

_HEAD = "# BASELINE "

# The shortest series name is longer than this, without the texts of its labels.
_SHORTEST_SERIES = 60


class _Content(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The distributions: all of a baseline except the names of the model and the version."""

    rows: Count
    variables: list[StoredNumeric | StoredCategory]
    outcomes: StoredOutcomes | None = None
    segments: list[StoredColumn] = []


class _Format(msgspec.Struct):
    """The one field that every format has."""

    format: int


class _Line(msgspec.Struct):
    """The whole line. `content` stays raw, because the digest covers its bytes as written."""

    exposition: Exposition
    model: str
    version: str
    series: str
    digest: str
    content: msgspec.Raw


@dataclass(frozen=True)
class JsonLine:
    """A line that was found in a file, and the baseline that it holds.

    Attributes:
        start: offset of the line in the text of the file.
        end: offset of the newline after it, or the length of the text.
        number: number of the line, from 1.
        exposition: the series that stand above the line.
        series: digest that the text above the line had when the file was written.
        model: name of the model.
        version: version of the baseline.
        rows: number of training rows.
        variables: the variables in the order of the file.
        outcomes: the outcomes of training; None if there were none.
        segments: the columns whose values are monitored separately.
    """

    start: int
    end: int
    number: int
    exposition: Exposition
    series: str
    model: str
    version: str
    rows: int
    variables: tuple[Variable, ...]
    outcomes: Outcomes | None
    segments: tuple[SegmentColumn, ...]


def json_line(model: str, version: str, content: str, exposition: Exposition, series: str) -> str:
    """Return the line with its newline.

    Args:
        model: name of the model.
        version: version of the baseline.
        content: the result of `content_json`.
        exposition: the kind of series that stand above the line.
        series: the text above the line.
    """
    head = _dump(
        {
            "format": FORMAT,
            "exposition": exposition,
            "model": model,
            "version": version,
            "series": series_digest(series, model, version, exposition),
            "digest": digest_of(content),
        }
    )
    return f'{_HEAD}{head[:-1]},"content":{content}}}\n'


def content_json(
    rows: int,
    variables: Iterable[Variable],
    outcomes: Outcomes | None = None,
    segments: Iterable[SegmentColumn] = (),
) -> str:
    """Return the distributions as JSON. Equal distributions give equal text."""
    stored = None if outcomes is None else store_outcomes(outcomes)
    content = _Content(rows, [store(each) for each in variables], stored, store_segments(segments))
    return _dump(msgspec.to_builtins(content))


def digest_of(content: str | bytes) -> str:
    """Return the first 8 hex digits of the SHA-256 of the distributions as JSON."""
    raw = content.encode() if isinstance(content, str) else content
    return hashlib.sha256(raw).hexdigest()[:8]


def series_digest(series: str, model: str, version: str, exposition: Exposition) -> str:
    """Return the first 16 hex digits of the SHA-256 of the text above the line, and of the names.

    The names of model and version are in the series as well as in the line. The digest covers
    both, so that a change of either is found.
    """
    # A text that is given to `Baseline.from_text` may hold half of a surrogate pair.
    whole = "\0".join([series, model, version, exposition])
    return hashlib.sha256(whole.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def _dump(value: Any) -> str:
    # The digest depends on every byte, and Python's json always writes floats as repr does. msgspec
    # is faster, but may spell floats differently in another version.
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def find_json_line(text: str, max_series: int) -> JsonLine | None:
    """Find the JSON line of a text and decode it. Return None if there is none.

    Args:
        text: the content of a `histogram.prom`.
        max_series: the most series that the baseline may have.

    Raises:
        BaselineError: if the line is damaged, with its number.
    """
    # No label or HELP text can contain such a line, because their newlines are escaped.
    start = 0 if text.startswith(_HEAD) else text.rfind(f"\n{_HEAD}") + 1
    if start == 0 and not text.startswith(_HEAD):
        return None
    end = text.find("\n", start)
    end = len(text) if end < 0 else end
    number = text.count("\n", 0, start) + 1
    try:
        line, content = _decode(text[start + len(_HEAD) : end])
        _check_size(line, content, room=len(text), max_series=max_series)
        variables = restore(content.variables)
        outcomes = restore_outcomes(content.outcomes, variables)
        segments = restore_segments(content.segments, variables)
    except BaselineError as error:
        raise BaselineError(f"line {number}: {error}") from None
    names = line.exposition, line.series, line.model, line.version
    return JsonLine(start, end, number, *names, content.rows, variables, outcomes, segments)


def _decode(document: str) -> tuple[_Line, _Content]:
    """Decode the JSON and check its digest."""
    try:
        raw = document.encode()
        found = msgspec.json.decode(raw, type=_Format).format
        if found != FORMAT:
            raise BaselineError(
                f"the # BASELINE line has format {found}, but this version of boxkite reads format "
                f"{FORMAT}. Upgrade boxkite, or write the file again with this version"
            )
        # The format comes first, because a later one may have other fields.
        line = msgspec.json.decode(raw, type=_Line)
        content = msgspec.json.decode(line.content, type=_Content)
    # msgspec raises RecursionError for thousands of nested brackets.
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BaselineError(f"the JSON of the # BASELINE line is damaged: {error}") from None
    if line.digest != digest_of(bytes(line.content)):
        raise BaselineError(
            f"the # BASELINE line was changed: its digest is {digest_of(bytes(line.content))}, "
            f"and it says {line.digest!r}. Write the file again with Baseline.write"
        )
    return line, content


def _check_size(line: _Line, content: _Content, *, room: int, max_series: int) -> None:
    """Check that the described series cannot be longer than the file.

    Each series repeats the name of its variable. A hostile line of a few megabytes can give a
    variable a name of a megabyte and a million bins, and its series would take a terabyte. So the
    length is estimated before the series are rendered for the comparison.
    """
    check_labels((line.model, line.version))
    series, size = _series_of(line, content)
    for column in content.segments:
        check_labels(segment_label(column.name, value) for value in column.values)
        for value, each in zip(column.values, column.segments, strict=False):
            its_series, its_size = _series_of(line, each)
            series += its_series
            size += its_size + its_series * len(segment_label(column.name, value))
    if series > max_series:
        raise BaselineError(f"the # BASELINE line describes more than {max_series:,} series")
    if size > room:
        raise BaselineError(
            f"the # BASELINE line describes {series:,} series, more than the file has room for. "
            f"Write the file again with Baseline.write"
        )


def _series_of(line: _Line, content: _Content | StoredSegment) -> tuple[int, int]:
    """Return the least number of series of variables and outcomes, and of their characters."""
    series = size = 0
    names = len(line.model) + len(line.version) + _SHORTEST_SERIES
    for each in content.variables:
        check_labels((each.name,))
        check_labels(each.categories if isinstance(each, StoredCategory) else ())
        cells = len(each.counts) * (2 if isinstance(each, StoredNumeric) else 1)
        series += cells
        size += cells * (names + len(each.name))
    for output, pairs in pair_series(content.outcomes).items():
        check_labels((output,))
        series += pairs
        size += pairs * (names + len(output))
    return series, size
