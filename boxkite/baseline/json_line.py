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
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import msgspec

from boxkite.baseline.baseline_json import Content, check_size, digest_of, dump
from boxkite.baseline.outcome_json import restore_outcomes
from boxkite.baseline.segment_json import restore_segments
from boxkite.baseline.training_distributions import Distributions, Exposition
from boxkite.baseline.variable_json import restore
from boxkite.errors import BaselineError

__all__ = ["JsonLine", "find_json_line", "json_line", "series_digest"]

FORMAT = 1

_HEAD = "# BASELINE "


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
        stored: the distributions, with the variables in the order of the file.
    """

    start: int
    end: int
    number: int
    exposition: Exposition
    series: str
    stored: Distributions


def json_line(stored: Distributions, exposition: Exposition, series: str) -> str:
    """Return the line with its newline.

    Args:
        stored: the distributions.
        exposition: the kind of series that stand above the line.
        series: the text above the line.
    """
    content = stored.content_json()
    head = dump(
        {
            "format": FORMAT,
            "exposition": exposition,
            "model": stored.model,
            "version": stored.version,
            "series": series_digest(series, stored.model, stored.version, exposition),
            "digest": digest_of(content),
        }
    )
    return f'{_HEAD}{head[:-1]},"content":{content}}}\n'


def series_digest(series: str, model: str, version: str, exposition: Exposition) -> str:
    """Return the first 16 hex digits of the SHA-256 of the text above the line, and of the names.

    The names of model and version are in the series as well as in the line. The digest covers
    both, so that a change of either is found.
    """
    # A text that is given to `Baseline.from_text` may hold half of a surrogate pair.
    whole = "\0".join([series, model, version, exposition])
    return hashlib.sha256(whole.encode("utf-8", "backslashreplace")).hexdigest()[:16]


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
        names = line.model, line.version
        check_size(content, names, room=len(text), max_series=max_series)
        variables = restore(content.variables)
        outcomes = restore_outcomes(content.outcomes, variables)
        segments = restore_segments(content.segments, variables)
    except BaselineError as error:
        raise BaselineError(f"line {number}: {error}") from None
    stored = Distributions(*names, content.rows, variables, outcomes, segments)
    return JsonLine(start, end, number, line.exposition, line.series, stored)


def _decode(document: str) -> tuple[_Line, Content]:
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
        content = msgspec.json.decode(line.content, type=Content)
    # msgspec raises RecursionError for thousands of nested brackets.
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BaselineError(f"the JSON of the # BASELINE line is damaged: {error}") from None
    if line.digest != digest_of(bytes(line.content)):
        raise BaselineError(
            f"the # BASELINE line was changed: its digest is {digest_of(bytes(line.content))}, "
            f"and it says {line.digest!r}. Write the file again with Baseline.write"
        )
    return line, content
