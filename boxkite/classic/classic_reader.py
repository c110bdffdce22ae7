"""Reads a `histogram.prom` of boxkite 0.0.5, which has classic series and no JSON line.

`Baseline.from_text` calls this module. It therefore depends only on variables and on text, and
returns variables rather than a baseline.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from boxkite.baseline.category_variable import UNSEEN, CategoryVariable
from boxkite.baseline.distribution import Role
from boxkite.baseline.numeric_variable import NumericVariable
from boxkite.baseline.variable import Variable
from boxkite.classic.classic_series import FEATURE_HELP, MISSING_BIN
from boxkite.classic.text_reader import Sample, damage, lines_of, parse, parse_float, whole
from boxkite.errors import BaselineError

__all__ = ["read_text", "read_variables"]

_NAME = re.compile(
    r"(?:feature_(?P<position>\d{1,9})|inference)_value_baseline_(?P<part>total|bucket|sum|count)"
)


@dataclass
class _Found:
    """The samples of one variable, before they are checked.

    Attributes:
        line: number of the line of the first sample.
        role: "feature" or "output".
        position: position of the variable within its role.
        bins: counts of a counter, by the label `bin`.
        buckets: cumulative counts of a histogram, by upper edge.
        sum: the histogram's `_sum`, if there was one.
        count: the histogram's `_count`, if there was one.
    """

    line: int
    role: Role
    position: int
    bins: dict[str, int] = field(default_factory=dict[str, int])
    buckets: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    sum: float | None = None
    count: int | None = None


def read_text(text: str, max_series: int) -> list[Variable]:
    """Read the variables of a classic file.

    Args:
        text: the content of the file.
        max_series: the most samples that it may have.

    Raises:
        BaselineError: if a line is damaged, with its number, or if there are no classic series.
    """
    documentation: dict[str, str] = {}

    # Do not keep samples and HELP texts of other metrics, so that a page full of them costs no
    # memory.
    def samples() -> Iterator[Sample]:
        for item in parse(lines_of(text), max_series=max_series):
            if isinstance(item, Sample):
                yield item
            elif item.keyword == "HELP" and item.subject.startswith("feature_"):
                documentation[item.subject] = item.text

    return read_variables(samples(), documentation)


def read_variables(samples: Iterable[Sample], documentation: Mapping[str, str]) -> list[Variable]:
    """Make the variables of classic samples. Other samples are ignored, as by 0.0.5.

    Args:
        samples: samples of all metrics.
        documentation: the HELP text of each metric, which holds the feature's name. It is read
            after the last sample.

    Raises:
        BaselineError: if the samples of a variable disagree, with the line, or if no sample is
            classic.
    """
    found: dict[tuple[Role, int], _Found] = {}
    for sample in samples:
        if not (match := _NAME.fullmatch(sample.name)):
            continue
        place: tuple[Role, int] = ("output", 0)
        if match["position"] is not None:
            place = ("feature", int(match["position"]))
        if place not in found:
            found[place] = _Found(sample.line, *place)
        _take(found[place], sample, match["part"])
    if not found:
        raise BaselineError("no baseline series in it, or it is cut short")
    variables = [_variable(each, documentation) for _, each in sorted(found.items())]
    _check_names(variables, found)
    return variables


def _name(role: Role, position: int, documentation: Mapping[str, str]) -> str:
    if role == "output":
        return "output"
    metric = f"feature_{position}_value_baseline"
    text = documentation.get(metric, documentation.get(f"{metric}_total", ""))
    prefix = f"Baseline {FEATURE_HELP}"
    return text.removeprefix(prefix) if text.startswith(prefix) else f"feature_{position}"


def _check_names(variables: Iterable[Variable], found: Mapping[tuple[Role, int], _Found]) -> None:
    seen: set[tuple[Role, str]] = set()
    for each in variables:
        if (each.role, each.name) in seen:
            line = found[each.role, each.position].line
            raise damage(line, f"a second {each.role} is called {each.name!r}")
        seen.add((each.role, each.name))


def _take(found: _Found, sample: Sample, part: str) -> None:
    """Add one sample to its variable."""
    try:
        if part == "total":
            label = sample.labels["bin"]
            if label in found.bins or label == UNSEEN:
                raise damage(sample.line, f"bin {label!r} occurs twice, or is reserved")
            found.bins[label] = whole(sample)
        elif part == "bucket":
            found.buckets.append((_bound(sample), whole(sample)))
        elif (found.sum if part == "sum" else found.count) is not None:
            raise damage(sample.line, f"{sample.name} occurs twice")
        elif part == "sum":
            found.sum = sample.value
        else:
            found.count = whole(sample)
    except KeyError as error:
        raise damage(sample.line, f"{sample.name} lacks the label {error}") from None


def _bound(sample: Sample) -> float:
    try:
        return parse_float(sample.labels["le"])
    except ValueError:
        text = sample.labels["le"]
        problem = f"{sample.name} has an le that is not a number: {text!r}"
        raise damage(sample.line, problem) from None


def _variable(found: _Found, documentation: Mapping[str, str]) -> Variable:
    """Make a variable of its samples, and check that they agree."""
    name = _name(found.role, found.position, documentation)
    common = {"name": name, "role": found.role, "position": found.position}
    numeric = bool(found.buckets) or found.count is not None or found.sum is not None
    if numeric and found.bins:
        raise damage(found.line, f"{name!r} is both a counter and a histogram")
    return _numeric(found, common) if numeric else _category(found, common)


def _numeric(found: _Found, common: dict[str, Any]) -> NumericVariable:
    """Make a numeric variable. 0.0.5 omits `_sum` and `_count` if an edge is negative."""
    name = common["name"]
    bounds = [bound for bound, _ in found.buckets]
    if bounds[-1:] != [math.inf] or not all(low < high for low, high in pairwise(bounds)):
        raise damage(found.line, f"the buckets of {name!r} do not ascend to +Inf")
    cumulative = [count for _, count in found.buckets]
    counts = [high - low for low, high in pairwise([0, *cumulative])]
    if min(counts) < 0:
        raise damage(found.line, f"a bucket of {name!r} counts less than the one before it")
    if found.count not in (None, cumulative[-1]):
        raise damage(found.line, f"the _count of {name!r} differs from its last bucket")
    return NumericVariable(
        **common,
        missing=0,
        counts=np.array(counts, dtype=np.int64),
        edges=np.array(bounds[:-1], dtype=np.float64),
        sum=math.nan if found.sum is None else found.sum,
    )


def _category(found: _Found, common: dict[str, Any]) -> CategoryVariable:
    """Make a categorical variable. The bin "nan" holds the missing values."""
    bins = dict(found.bins)
    missing = bins.pop(MISSING_BIN, 0)
    return CategoryVariable(
        **common,
        missing=missing,
        categories=(*bins, UNSEEN),
        counts=np.array([*bins.values(), 0], dtype=np.int64),
    )
