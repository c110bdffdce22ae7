"""Reads a baseline in boxkite 0.0.5's form, from 0.0.5 itself or from this version."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from boxkite.baseline.classic import FEATURE_HELP, MISSING_BIN, SIDE_SERIES
from boxkite.baseline.labelled import PREFIX
from boxkite.baseline.labelled_reader import Tails, damage, whole
from boxkite.baseline.text_format import Sample
from boxkite.baseline.variable import (
    UNSEEN,
    CategoryVariable,
    NumericVariable,
    Role,
    Variable,
)

__all__ = ["is_classic", "read_variables"]

_NAME = re.compile(
    r"(?:feature_(?P<position>\d+)|inference)_value_baseline_(?P<part>total|bucket|sum|count)"
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
    sum: float = math.nan


def is_classic(samples: Iterable[Sample]) -> bool:
    """Tell whether any of the samples is of a classic baseline."""
    return any(_NAME.fullmatch(sample.name) for sample in samples)


def read_variables(
    samples: Iterable[Sample], documentation: Mapping[str, str], tails: Tails
) -> list[Variable]:
    """Read the variables back from classic samples; unknown ones are passed over, as by 0.0.5.

    Args:
        samples: of the file, with the labelled ones that may stand beside the classic.
        documentation: the HELP text of each metric, which carries the feature's name.
        tails: the hashes of the categories in a tail, by role and name.

    Raises:
        BaselineError: naming the line, where the samples of a variable disagree.
    """
    found: dict[tuple[Role, int], _Found] = {}
    side: dict[tuple[str, str], dict[str, float]] = {}
    for sample in samples:
        if sample.name in SIDE_SERIES:
            key = (sample.labels.get("role", ""), sample.labels.get("variable", ""))
            side.setdefault(key, {})[sample.name.removeprefix(f"{PREFIX}_")] = sample.value
        elif match := _NAME.fullmatch(sample.name):
            position = match["position"]
            place: tuple[Role, int] = (
                ("output", 0) if position is None else ("feature", int(position))
            )
            if place not in found:
                name = _feature_name(int(position or 0), documentation)
                found[place] = _Found(sample.line, name, *place)
            _take(found[place], sample, match["part"])
    if ("output", 0) in found:
        found["output", 0].name = next((name for role, name in side if role == "output"), "output")
    return [
        _variable(each, side.get((each.role, each.name), {}), tails)
        for _, each in sorted(found.items())
    ]


def _feature_name(position: int, documentation: Mapping[str, str]) -> str:
    metric = f"feature_{position}_value_baseline"
    text = documentation.get(metric, documentation.get(f"{metric}_total", ""))
    prefix = f"Baseline {FEATURE_HELP}"
    return text.removeprefix(prefix) if text.startswith(prefix) else f"feature_{position}"


def _take(found: _Found, sample: Sample, part: str) -> None:
    """File one sample under its variable."""
    try:
        if part == "total":
            if sample.labels["bin"] in found.bins:
                raise damage(sample.line, f"bin {sample.labels['bin']!r} stands twice")
            found.bins[sample.labels["bin"]] = whole(sample)
        elif part == "bucket":
            found.buckets.append((_bound(sample), whole(sample)))
        elif part == "sum":
            found.sum = sample.value
    except KeyError as error:
        raise damage(sample.line, f"{sample.name} lacks the label {error}") from None


def _bound(sample: Sample) -> float:
    try:
        return float(sample.labels["le"])
    except ValueError:
        text = sample.labels["le"]
        raise damage(sample.line, f"{sample.name}: le is not a number: {text!r}") from None


def _variable(found: _Found, side: Mapping[str, float], tails: Tails) -> Variable:
    """Make a variable of what was found, checking that the parts agree."""
    common = {"name": found.name, "role": found.role, "position": found.position}
    missing = int(side["missing"]) if "missing" in side else None
    if found.buckets:
        return _numeric(found, missing or 0, side, common)
    return _category(found, missing, tails.get((found.role, found.name), frozenset()), common)


def _numeric(
    found: _Found, missing: int, side: Mapping[str, float], common: dict[str, Any]
) -> NumericVariable:
    bounds = [bound for bound, _ in found.buckets]
    if bounds[-1] != math.inf or not all(low < high for low, high in pairwise(bounds)):
        raise damage(found.line, f"{found.name!r}: its buckets do not reach to +Inf in order")
    counts = np.diff([count for _, count in found.buckets], prepend=0)
    counts[-1] -= missing
    if (counts < 0).any():
        raise damage(found.line, f"{found.name!r}: a bucket counts less than the one below it")
    return NumericVariable(
        **common,
        missing=missing,
        counts=counts,
        edges=np.array(bounds[:-1], dtype=np.float64),
        sum=found.sum,
        minimum=side.get("min", math.nan),
        maximum=side.get("max", math.nan),
    )


def _category(
    found: _Found, missing: int | None, tail: frozenset[int], common: dict[str, Any]
) -> CategoryVariable:
    """Make a categorical variable; the missing share their bin with a category called "nan"."""
    bins = dict(found.bins)
    in_missing_bin = bins.get(MISSING_BIN, 0)
    missing = in_missing_bin if missing is None else missing
    if missing > in_missing_bin:
        raise damage(found.line, f"{found.name!r}: more is missing than its bin {MISSING_BIN!r}")
    if in_missing_bin == missing:
        bins.pop(MISSING_BIN, None)
    else:
        bins[MISSING_BIN] -= missing
    return CategoryVariable(
        **common,
        missing=missing,
        categories=(*bins, UNSEEN),
        counts=np.array([*bins.values(), 0], dtype=np.int64),
        tail=tail,
    )
