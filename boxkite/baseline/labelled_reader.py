"""Reads the labelled exposition of a baseline back, and finds what is damaged in it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias, cast, get_args

import numpy as np

from boxkite.baseline.labelled import PREFIX
from boxkite.baseline.text_reader import Sample, parse_float
from boxkite.baseline.variable import (
    OTHER,
    UNSEEN,
    CategoryVariable,
    NumericVariable,
    Role,
    Variable,
)
from boxkite.errors import BaselineError

__all__ = ["Header", "Tails", "damage", "read_header", "read_variables", "whole"]

Tails: TypeAlias = Mapping[tuple[str, str], frozenset[int]]

_SCALARS = {
    "numeric": {"missing", "min", "max", "value_sum", "value_count"},
    "category": {"missing"},
}
"""The series of which each kind of variable has exactly one sample."""


class Header(NamedTuple):
    """What a file says of the whole baseline."""

    model: str
    version: str
    rows: int


@dataclass
class _Found:
    """What a file says of one variable, before it is checked."""

    line: int
    kind: str = ""
    position: int = 0
    bins: list[tuple[float, float, int]] = field(default_factory=list)
    buckets: list[tuple[float, int]] = field(default_factory=list)
    categories: dict[str, int] = field(default_factory=dict)
    scalars: dict[str, float] = field(default_factory=dict)


def read_header(samples: Sequence[Sample]) -> Header:
    """Read model, version and rows off the `boxkite_baseline_…` samples, one at least.

    Raises:
        BaselineError: where a second model or version begins, or without exactly one count of
            rows.
    """
    first = _model_and_version(samples[0])
    for sample in samples:
        if _model_and_version(sample) != first:
            raise damage(sample.line, "a second model or version; a file holds one baseline")
    counts = [sample for sample in samples if sample.name == f"{PREFIX}_rows"]
    if len(counts) != 1:
        line = counts[1].line if counts else samples[0].line
        raise damage(line, f"{PREFIX}_rows stands {len(counts)} times, not once")
    return Header(*first, rows=whole(counts[0]))


def _model_and_version(sample: Sample) -> tuple[str, str]:
    return sample.labels.get("model", ""), sample.labels.get("version", "")


def read_variables(samples: Iterable[Sample], rows: int, tails: Tails | None) -> list[Variable]:
    """Read the variables back from `boxkite_baseline_…` samples.

    Args:
        samples: of the whole baseline.
        rows: how many rows each variable must have counted.
        tails: the hashes of the categories in a tail, by role and name; None where the source
            has no comments to keep them in.

    Raises:
        BaselineError: naming the line, where the samples do not make up a whole baseline.
    """
    found: dict[tuple[str, str], _Found] = {}
    for sample in samples:
        if sample.name == f"{PREFIX}_rows":
            continue
        key = (sample.labels.get("role", ""), sample.labels.get("variable", ""))
        variable_found = found.get(key)
        if variable_found is None:
            variable_found = found[key] = _Found(sample.line)
        try:
            _take(variable_found, sample)
        except KeyError as error:
            raise damage(sample.line, f"{sample.name} lacks the label {error}") from None
    variables: dict[tuple[str, int], Variable] = {}
    for (role, name), each in found.items():
        what = f"{role} {name!r}"
        if role not in get_args(Role):
            raise damage(each.line, f"{what}: the role is none of {', '.join(get_args(Role))}")
        variable = _variable(role, name, each, tails)
        if variable.rows != rows:
            raise damage(each.line, f"{what}: {variable.rows} rows counted of {rows}")
        if (role, variable.position) in variables:
            raise damage(each.line, f"{what}: its position {variable.position} is taken")
        variables[role, variable.position] = variable
    return list(variables.values())


def _take(found: _Found, sample: Sample) -> None:
    """File one sample under its variable."""
    labels = sample.labels
    name = sample.name.removeprefix(f"{PREFIX}_")
    if name in found.scalars or labels.get("category") in found.categories:
        raise damage(sample.line, f"{sample.name} stands twice")
    if name == "bin":
        found.bins.append((_bound(sample, "gt"), _bound(sample, "le"), whole(sample)))
    elif name == "value_bucket":
        found.buckets.append((_bound(sample, "le"), whole(sample)))
    elif name == "category":
        found.categories[labels["category"]] = whole(sample)
    elif name == "variable_info":
        if found.kind:
            raise damage(sample.line, f"{sample.name} stands twice")
        found.kind = labels["kind"]
        found.position = _position(sample)
    elif name in ("min", "max", "value_sum"):
        found.scalars[name] = sample.value
    elif name in ("missing", "value_count"):
        found.scalars[name] = whole(sample)
    else:
        raise damage(sample.line, f"unknown series {sample.name}")


def _variable(role: str, name: str, found: _Found, tails: Tails | None) -> Variable:
    """Make a variable of what was found, checking that the parts are there and agree."""
    what = f"{role} {name!r}"
    _check_parts(found, what)
    common: dict[str, Any] = {
        "name": name,
        "role": cast("Role", role),
        "position": found.position,
        "missing": int(found.scalars["missing"]),
    }
    if found.kind == "numeric":
        _check_bins(found, what)
        return NumericVariable(
            **common,
            counts=np.array([count for _, _, count in found.bins], dtype=np.int64),
            edges=np.array([le for _, le, _ in found.bins[:-1]], dtype=np.float64),
            sum=found.scalars["value_sum"],
            minimum=found.scalars["min"],
            maximum=found.scalars["max"],
        )
    categories = tuple(found.categories)
    if categories[-1:] != (UNSEEN,) or OTHER in categories[:-2]:
        raise damage(found.line, f"{what}: its categories do not end in {UNSEEN}")
    tail = (tails or {}).get((role, name), frozenset())
    if tails is not None and (OTHER in categories) != bool(tail):
        raise damage(found.line, f"{what}: {OTHER} and its # TAIL comment go together")
    return CategoryVariable(
        **common,
        counts=np.array(list(found.categories.values()), dtype=np.int64),
        categories=categories,
        tail=tail,
    )


def _check_parts(found: _Found, what: str) -> None:
    """Check that there are all the series of the variable's kind and none of the other's."""
    if found.kind not in _SCALARS:
        raise damage(found.line, f"{what}: no kind in {PREFIX}_variable_info")
    for name in sorted(_SCALARS[found.kind] - found.scalars.keys()):
        raise damage(found.line, f"{what}: no {PREFIX}_{name}")
    foreign = found.categories if found.kind == "numeric" else [*found.bins, *found.buckets]
    if foreign or found.scalars.keys() - _SCALARS[found.kind]:
        raise damage(found.line, f"{what}: is {found.kind}, but has series of the other kind")


def _check_bins(found: _Found, what: str) -> None:
    bounds = [-math.inf, *(le for _, le, _ in found.bins)]
    ascending = all(low < high for low, high in pairwise(bounds))
    chained = all(gt == low for (gt, _, _), low in zip(found.bins, bounds, strict=False))
    if not (ascending and chained and bounds[-1] == math.inf):
        raise damage(found.line, f"{what}: its bins do not reach from -Inf to +Inf in order")
    cumulative = np.cumsum([count for _, _, count in found.bins]).tolist()
    expected = list(zip(bounds[1:], cumulative, strict=True))
    if found.buckets != expected or found.scalars.get("value_count") != cumulative[-1]:
        raise damage(found.line, f"{what}: its bins and its buckets disagree")


# A bound stands in two lines that follow each other, as the end of one bin and start of the next.
_parse_bound = lru_cache(maxsize=8)(parse_float)


def _bound(sample: Sample, label: str) -> float:
    try:
        return _parse_bound(sample.labels[label])
    except ValueError:
        text = sample.labels[label]
        raise damage(sample.line, f"{sample.name}: {label} is not a number: {text!r}") from None


def _position(sample: Sample) -> int:
    text = sample.labels["position"]
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise damage(sample.line, f"{sample.name}: position is not a whole number: {text!r}")
    return int(text)


def whole(sample: Sample) -> int:
    """Return a sample's value as a count.

    Raises:
        BaselineError: if it is negative, fractional or too large.
    """
    if not (sample.value >= 0 and sample.value.is_integer() and sample.value < 2**63):
        raise damage(sample.line, f"{sample.name} is {sample.value}, not a count")
    return int(sample.value)


def damage(line: int, what: str) -> BaselineError:
    """Return the error for a line, from 1; 0 is for samples that came from no file."""
    return BaselineError(f"line {line}: {what}" if line else what)
