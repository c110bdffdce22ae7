"""The Prometheus text format: families of series written, lines read back.

Format: Prometheus exposition 0.0.4 and OpenMetrics 1.0. prometheus-client writes and reads the
same, at 40 microseconds a line read; a baseline of 1,000 variables has 40,000 lines.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from boxkite.errors import BaselineError

__all__ = [
    "Comment",
    "Family",
    "Sample",
    "format_float",
    "format_series",
    "format_series_by",
    "parse",
    "parse_float",
    "render",
    "render_parts",
]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric with all of its series.

    Attributes:
        name: without the suffix that a counter or histogram adds.
        type: counter, gauge, histogram, info or unknown.
        documentation: the HELP text.
        series: each sample's name and labels, as written.
        values: each sample's value, in the same order.
    """

    name: str
    type: str
    documentation: str
    series: Sequence[str]
    values: Sequence[float]

    def only(self, names: Collection[str]) -> Family:
        """Return the family with the samples whose name, or whose family's, is in `names`."""
        if self.name in names:
            return self
        kept = [
            (series, value)
            for series, value in zip(self.series, self.values, strict=True)
            if series.partition("{")[0] in names
        ]
        return replace(self, series=[each for each, _ in kept], values=[value for _, value in kept])


class Sample(NamedTuple):
    """One line read: a sample with the number of its line, from 1."""

    name: str
    labels: dict[str, str]
    value: float
    line: int


@dataclass(frozen=True, slots=True)
class Comment:
    """One line read: `# KEYWORD subject text`, as `# HELP metric documentation`."""

    keyword: str
    subject: str
    text: str
    line: int


def format_float(value: float) -> str:
    """Return a float as Go's `strconv.FormatFloat(value, 'g', -1, 64)` does, but `1.0` for 1.

    This is the form of `le` that Prometheus 3 and OpenMetrics call canonical.
    """
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    text = repr(float(value))
    whole, _, fraction = text.lstrip("-").partition(".")
    if len(whole) <= 6 or "e" in text:
        return text
    digits = (whole + fraction).rstrip("0")
    point = "." if len(digits) > 1 else ""
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[0]}{point}{digits[1:]}e+{len(whole) - 1:02d}"


def parse_float(text: str) -> float:
    """Return the float that `text` spells in Go's form and in nothing else.

    Raises:
        ValueError: for any other text, also such as Python takes: `1_000`, `infinity`, ` 1`.
    """
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"not a number: {text!r}")
    return float(text)


def format_series(name: str, **labels: str) -> str:
    """Return a sample's name with its labels, escaped."""
    if not labels:
        return name
    pairs = ",".join([f'{label}="{_escape(value)}"' for label, value in labels.items()])
    return f"{name}{{{pairs}}}"


def format_series_by(
    name: str, labels: Mapping[str, str], last: str, values: Iterable[str]
) -> list[str]:
    """Return the names of samples that differ in their last label alone, one for each value."""
    start = format_series(name, **labels, **{last: ""}).removesuffix('"}')
    return [f'{start}{_escape(value)}"}}' for value in values]


def render(families: Iterable[Family], *, openmetrics: bool = False) -> str:
    """Return families as text, without the `# EOF` that ends an OpenMetrics answer."""
    return "".join(render_parts(families, openmetrics=openmetrics))


def render_parts(families: Iterable[Family], *, openmetrics: bool = False) -> Iterator[str]:
    """Yield the text of `render` in parts, each the work of less than a millisecond."""
    if openmetrics:
        families = (part for family in families for part in _as_openmetrics(family))
    for family in families:
        if family.series:
            yield _head(family, openmetrics)
            for start in range(0, len(family.series), _PART_LINES):
                part = slice(start, start + _PART_LINES)
                yield _lines(family.series[part], family.values[part])


_PART_LINES = 1000


def _head(family: Family, openmetrics: bool) -> str:
    suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
    kind = "gauge" if family.type == "info" and not openmetrics else family.type
    kind = "untyped" if kind == "unknown" and not openmetrics else kind
    name = family.name if openmetrics else family.name + suffix
    documentation = family.documentation.replace("\\", r"\\").replace("\n", r"\n")
    if openmetrics:
        documentation = documentation.replace('"', r"\"")
    return f"# HELP {name} {documentation}\n# TYPE {name} {kind}\n"


def _lines(series: Sequence[str], values: Sequence[float]) -> str:
    lines = [
        f"{each} {value if type(value) is int else format_float(value)}\n"
        for each, value in zip(series, values, strict=True)
    ]
    return "".join(lines)


def _as_openmetrics(family: Family) -> Iterable[Family]:
    """Split a histogram of negative values into untyped families.

    OpenMetrics forbids `_sum` and `_count` beside negative buckets, and a negative `_sum`, as a sum
    that can fall is no counter. As families of no type the series stay, under their names.
    """
    if family.type != "histogram":
        return [family]
    series = tuple(family.series)
    if not _has_negative_edge(series) and not any(value < 0 for value in family.values):
        return [family]
    return [
        Family(name, "unknown", family.documentation, part, [family.values[i] for i in places])
        for name, part, places in _by_name(series)
    ]


# Of series that stay the same from scrape to scrape.
@lru_cache(maxsize=4)
def _has_negative_edge(series: tuple[str, ...]) -> bool:
    return any(map(_NEGATIVE_EDGE.search, series))


@lru_cache(maxsize=4)
def _by_name(series: tuple[str, ...]) -> list[tuple[str, list[str], list[int]]]:
    """Return the names of the samples, ascending, each with its series and their places."""
    places: dict[str, list[int]] = {}
    for place, each in enumerate(series):
        places.setdefault(each.partition("{")[0], []).append(place)
    return [(name, [series[i] for i in places[name]], places[name]) for name in sorted(places)]


def parse(lines: Iterable[str], *, max_series: int) -> Iterator[Sample | Comment]:
    """Read samples and comments from lines without their newline.

    Raises:
        BaselineError: with the number of the line, from 1, that is not of the format or is one
            sample too many.
    """
    count = 0
    starts: dict[str, _Start | None] = {}
    for number, line in enumerate(lines, 1):
        if line.startswith("#"):
            words = [*line.split(" ", 3), "", "", ""]
            yield Comment(words[1], words[2], _unescape(words[3]), number)
        elif line.strip():
            count += 1
            if count > max_series:
                raise BaselineError(f"line {number}: more than {max_series:,} series")
            start = starts.get(line.partition("{")[0])
            sample = _continued(start, line, number) if start else None
            if sample is None:
                sample = _parse_sample(line, number)
                starts[sample.name] = _start(sample, line)
            yield sample


class _Start(NamedTuple):
    """What the samples of a metric begin with: the text, its name and all labels but the last two.

    Those of one variable differ in the last two at most, so that most of a line is read once.
    """

    text: str
    name: str
    labels: dict[str, str]


def _start(sample: Sample, line: str) -> _Start | None:
    """Return what a sample begins with; None if it has no more than two labels."""
    if len(sample.labels) < 3:
        return None
    matches = _LABEL.finditer(line, line.index("{") + 1, line.rindex("}"))
    ends = [match.end() for match in matches]
    kept = list(sample.labels.items())[:-2]
    return _Start(line[: ends[-3]], sample.name, dict(kept))


def _continued(start: _Start, line: str, number: int) -> Sample | None:
    """Return the sample of a line with that start; None if it is not of the plainest form."""
    if not line.startswith(start.text):
        return None
    match = _PLAIN_END.fullmatch(line, len(start.text))
    if match is None:
        return None
    one, its_value, other, others_value, value = match.groups()
    if one in start.labels or other in start.labels or one == other:
        return None
    labels = {**start.labels, one: its_value, other: others_value}
    return Sample(start.name, labels, float(value), number)


_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|Inf|NaN)")
_NEGATIVE_EDGE = re.compile(r'[{,]le="-')
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"(?:,|$)')


_PLAIN_END = re.compile(
    r'([a-zA-Z_][a-zA-Z0-9_]*)="([^"\\]*)",([a-zA-Z_][a-zA-Z0-9_]*)="([^"\\]*)"\} '
    rf"({_NUMBER.pattern})"
)


def _parse_sample(line: str, number: int) -> Sample:
    name, brace, rest = line.partition("{")
    labels: dict[str, str] = {}
    if brace:
        text, closing, value = rest.rpartition("}")
        end = 0
        for match in _LABEL.finditer(text):
            if match.start() != end or match[1] in labels:
                break
            labels[match[1]] = _unescape(match[2])
            end = match.end()
        if not closing or end != len(text):
            raise BaselineError(f"line {number}: not a list of labels: {{{rest[:80]}")
    else:
        name, _, value = line.partition(" ")
        value = f" {value}"
    if not _NAME.fullmatch(name):
        raise BaselineError(f"line {number}: not a sample: {line[:80]!r}")
    try:
        if value[:1] not in " \t":
            raise ValueError(value)
        return Sample(name, labels, parse_float(value.strip(" \t\r")), number)
    except ValueError:
        raise BaselineError(f"line {number}: not a value: {value[:80]!r}") from None


def _escape(text: str) -> str:
    if "\\" in text or '"' in text or "\n" in text:
        return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return text


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], text)
