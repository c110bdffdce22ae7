"""Writes the Prometheus text format: families of series, as exposition 0.0.4 or OpenMetrics 1.0."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

__all__ = [
    "Family",
    "format_float",
    "format_labels",
    "format_series",
    "format_series_by",
    "render",
    "render_parts",
]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric with all of its series.

    Attributes:
        name: name of the metric, without the suffix of a counter's or histogram's samples.
        type: "counter", "gauge", "histogram", "info" or "unknown".
        documentation: HELP text.
        series: name and labels of each sample, as text.
        values: value of each sample, in the same order.
    """

    name: str
    type: str
    documentation: str
    series: Sequence[str]
    values: Sequence[float]

    def only(self, names: Collection[str]) -> Family:
        """Return the family with only the samples that `names` asks for, by sample or family."""
        if self.name in names:
            return self
        kept = [
            (series, value)
            for series, value in zip(self.series, self.values, strict=True)
            if series.partition("{")[0] in names
        ]
        return replace(self, series=[each for each, _ in kept], values=[value for _, value in kept])


def format_float(value: float) -> str:
    """Return a float in the canonical form that Prometheus 3 and OpenMetrics define for `le`.

    This is what Go's `strconv.FormatFloat(value, 'g', -1, 64)` returns, except that whole numbers
    end in `.0`.
    """
    # Python and Go find the same shortest digits. They differ only in when an exponent is used, and
    # most values need no exponent in either, so the common case returns at once.
    text = repr(float(value))
    if -1e6 < value < 1e6 or "e" in text:
        return text
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    whole, _, fraction = text.lstrip("-").partition(".")
    digits = (whole + fraction).rstrip("0")
    point = "." if len(digits) > 1 else ""
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[0]}{point}{digits[1:]}e+{len(whole) - 1:02d}"


def format_labels(labels: Mapping[str, str]) -> str:
    """Return labels as the text between the braces of a sample, escaped."""
    return ",".join([f'{label}="{_escape(value)}"' for label, value in labels.items()])


def format_series(name: str, **labels: str) -> str:
    """Return the name of a sample with its labels, escaped."""
    return f"{name}{{{format_labels(labels)}}}" if labels else name


def format_series_by(
    name: str, labels: Mapping[str, str], last: str, values: Iterable[str]
) -> list[str]:
    """Return the names of samples that differ only in their last label, one for each value."""
    start = format_labels({**labels, last: ""}).removesuffix('"')
    return [f'{name}{{{start}{_escape(value)}"}}' for value in values]


def render(families: Iterable[Family], *, openmetrics: bool = False) -> str:
    """Return families as text, without the `# EOF` that ends an OpenMetrics response."""
    return "".join(render_parts(families, openmetrics=openmetrics))


def render_parts(families: Iterable[Family], *, openmetrics: bool = False) -> Iterator[str]:
    """Yield the text of `render` in parts of whole lines.

    Each part takes less than a millisecond, so a caller can do other work in between.
    """
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
    # In text 0.0.4, a family has the same name as its samples, and the types "info" and "unknown"
    # do not exist.
    suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
    kind = "gauge" if family.type == "info" and not openmetrics else family.type
    kind = "untyped" if kind == "unknown" and not openmetrics else kind
    name = family.name if openmetrics else family.name + suffix
    documentation = family.documentation.replace("\\", r"\\").replace("\n", r"\n")
    # Only OpenMetrics escapes quotes in a HELP text. Text 0.0.4 would show the backslash.
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
    """Split a histogram with negative values into families without a type.

    OpenMetrics forbids `_sum` and `_count` in a histogram with negative buckets, and a negative
    `_sum`, because a sum that can fall is not a counter. Families without a type keep all series
    under their names.
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


_NEGATIVE_EDGE = re.compile(r'[{,]le="-')


# The series of a histogram are the same at each scrape, so these results are kept.
@lru_cache(maxsize=4)
def _has_negative_edge(series: tuple[str, ...]) -> bool:
    return any(map(_NEGATIVE_EDGE.search, series))


@lru_cache(maxsize=4)
def _by_name(series: tuple[str, ...]) -> list[tuple[str, list[str], list[int]]]:
    """Return the names of the samples in ascending order, with their series and positions."""
    places: dict[str, list[int]] = {}
    for place, each in enumerate(series):
        places.setdefault(each.partition("{")[0], []).append(place)
    return [(name, [series[i] for i in places[name]], places[name]) for name in sorted(places)]


def _escape(text: str) -> str:
    # Most labels need no escape, and the test is faster than three replacements.
    if "\\" in text or '"' in text or "\n" in text:
        return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return text
