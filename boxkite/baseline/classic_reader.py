"""Reads a baseline in boxkite 0.0.5's form, where no labelled series stand beside it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from boxkite.baseline.classic import FEATURE_HELP, MISSING_BIN
from boxkite.baseline.text_reader import Sample, damage, parse_float, whole
from boxkite.baseline.variable import (
    UNSEEN,
    CategoryVariable,
    NumericVariable,
    Role,
    Variable,
)

__all__ = ["read_variables"]

_NAME = re.compile(
    r"(?:feature_(?P<position>\d{1,9})|inference)_value_baseline_(?P<part>total|bucket|sum|count)"
)


@dataclass
class _Found:
    """What a file says of one variable, before it is checked."""

    line: int
    name: str
    role: Role
    position: int
    bins: dict[str, int] = field(default_factory=dict)
    buckets: list[tuple[float, int]] = field(default_factory=list)
    sum: float | None = None
    count: int | None = None


def read_variables(samples: Iterable[Sample], documentation: Mapping[str, str]) -> list[Variable]:
    """Read the variables back from classic samples; other samples are passed over, as by 0.0.5.

    Args:
        samples: of the file.
        documentation: the HELP text of each metric, which carries the feature's name.

    Raises:
        BaselineError: naming the line, where the samples of a variable disagree.
    """
    found: dict[tuple[Role, int], _Found] = {}
    for sample in samples:
        if not (match := _NAME.fullmatch(sample.name)):
            continue
        place: tuple[Role, int] = ("output", 0)
        if match["position"] is not None:
            place = ("feature", int(match["position"]))
        if place not in found:
            name = "output" if place[0] == "output" else _feature_name(place[1], documentation)
            found[place] = _Found(sample.line, name, *place)
        _take(found[place], sample, match["part"])
    variables = [_variable(each) for _, each in sorted(found.items())]
    _check_names(variables, found)
    return variables


def _feature_name(position: int, documentation: Mapping[str, str]) -> str:
    metric = f"feature_{position}_value_baseline"
    text = documentation.get(metric, documentation.get(f"{metric}_total", ""))
    prefix = f"Baseline {FEATURE_HELP}"
    return text.removeprefix(prefix) if text.startswith(prefix) else f"feature_{position}"


def _check_names(variables: Iterable[Variable], found: Mapping[tuple[Role, int], _Found]) -> None:
    seen: set[tuple[Role, str]] = set()
    for each in variables:
        if (each.role, each.name) in seen:
            line = found[each.role, each.position].line
            raise damage(line, f"a second {each.role} called {each.name!r}")
        seen.add((each.role, each.name))


def _take(found: _Found, sample: Sample, part: str) -> None:
    """File one sample under its variable."""
    try:
        if part == "total":
            label = sample.labels["bin"]
            if label in found.bins or label == UNSEEN:
                raise damage(sample.line, f"bin {label!r} stands twice, or is reserved")
            found.bins[label] = whole(sample)
        elif part == "bucket":
            found.buckets.append((_bound(sample), whole(sample)))
        elif (found.sum if part == "sum" else found.count) is not None:
            raise damage(sample.line, f"{sample.name} stands twice")
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
        raise damage(sample.line, f"{sample.name}: le is not a number: {text!r}") from None


def _variable(found: _Found) -> Variable:
    """Make a variable of what was found, checking that the parts agree."""
    common = {"name": found.name, "role": found.role, "position": found.position}
    numeric = bool(found.buckets) or found.count is not None or found.sum is not None
    if numeric and found.bins:
        raise damage(found.line, f"{found.name!r} is both a counter and a histogram")
    return _numeric(found, common) if numeric else _category(found, common)


def _numeric(found: _Found, common: dict[str, Any]) -> NumericVariable:
    """Make a numeric variable; 0.0.5 leaves `_sum` and `_count` out where edges are negative."""
    bounds = [bound for bound, _ in found.buckets]
    if bounds[-1:] != [math.inf] or not all(low < high for low, high in pairwise(bounds)):
        raise damage(found.line, f"{found.name!r}: its buckets do not reach to +Inf in order")
    cumulative = [count for _, count in found.buckets]
    counts = [high - low for low, high in pairwise([0, *cumulative])]
    if min(counts) < 0:
        raise damage(found.line, f"{found.name!r}: a bucket counts less than the one below it")
    if found.count not in (None, cumulative[-1]):
        raise damage(found.line, f"{found.name!r}: its count is not that of its last bucket")
    return NumericVariable(
        **common,
        missing=0,
        counts=np.array(counts, dtype=np.int64),
        edges=np.array(bounds[:-1], dtype=np.float64),
        sum=math.nan if found.sum is None else found.sum,
    )


def _category(found: _Found, common: dict[str, Any]) -> CategoryVariable:
    """Make a categorical variable; what was missing is what stands in the bin "nan"."""
    bins = dict(found.bins)
    missing = bins.pop(MISSING_BIN, 0)
    return CategoryVariable(
        **common,
        missing=missing,
        categories=(*bins, UNSEEN),
        counts=np.array([*bins.values(), 0], dtype=np.int64),
    )
