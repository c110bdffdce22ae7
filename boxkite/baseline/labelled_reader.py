"""Reads the labelled exposition of a baseline back, and finds what is damaged in it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

from boxkite.baseline.labelled import PREFIX
from boxkite.baseline.parts import Parts, Tails, put_together
from boxkite.baseline.text_reader import Sample, damage, parse_float, whole
from boxkite.baseline.variable import Variable

__all__ = ["Header", "read_header", "read_variables"]

_SCALARS = {
    "numeric": {"missing", "min", "max", "value_sum", "value_count"},
    "category": {"missing"},
}
"""The series of which each kind of variable has exactly one sample."""

_OPTIONAL = {"numeric": set[str](), "category": {"tail_once"}}
"""Those of which it has one or none: files of before have none."""


class Header(NamedTuple):
    """What a file says of the whole baseline."""

    model: str
    version: str
    rows: int


@dataclass
class _Found(Parts):
    """The parts of a variable, with what the file says a second time."""

    lower: list[float] = field(default_factory=list)
    buckets: list[tuple[float, int]] = field(default_factory=list)


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
    return sample.labels.get("model_name", ""), sample.labels.get("model_version", "")


def read_variables(samples: Iterable[Sample], rows: int, tails: Tails | None) -> list[Variable]:
    """Read the variables back from `boxkite_baseline_…` samples.

    Args:
        samples: of the whole baseline.
        rows: how many rows each variable must have counted.
        tails: what the comments say of the tails, by role and name; None where the source has
            no comments.

    Raises:
        BaselineError: naming the line, where the samples do not make up a whole baseline.
    """
    found: dict[tuple[str, str], _Found] = {}
    for sample in samples:
        if sample.name == f"{PREFIX}_rows":
            continue
        key = (sample.labels.get("variable_role", ""), sample.labels.get("variable", ""))
        variable_found = found.get(key)
        if variable_found is None:
            variable_found = found[key] = _Found(sample.line)
        try:
            _take(variable_found, sample)
        except KeyError as error:
            raise damage(sample.line, f"{sample.name} lacks the label {error}") from None
    for (role, name), each in found.items():
        _check(each, f"{role} {name!r}")
    return put_together(found, rows, tails)


def _take(found: _Found, sample: Sample) -> None:
    """File one sample under its variable."""
    labels = sample.labels
    name = sample.name.removeprefix(f"{PREFIX}_")
    if name in found.scalars or labels.get("category") in found.categories:
        raise damage(sample.line, f"{sample.name} stands twice")
    if name == "bin":
        found.lower.append(_bound(sample, "gt"))
        found.upper.append(_bound(sample, "le"))
        found.counts.append(whole(sample))
    elif name == "value_bucket":
        found.buckets.append((_bound(sample, "le"), whole(sample)))
    elif name == "category":
        found.categories[labels["category"]] = whole(sample)
    elif name == "variable_info":
        if found.kind:
            raise damage(sample.line, f"{sample.name} stands twice")
        found.kind = labels["variable_kind"]
        found.position = _position(sample)
    elif name in ("min", "max", "value_sum"):
        found.scalars[name] = sample.value
    elif name in ("missing", "value_count", "tail_once"):
        found.scalars[name] = whole(sample)
    else:
        raise damage(sample.line, f"unknown series {sample.name}")


def _check(found: _Found, what: str) -> None:
    """Check that all series of the variable's kind are there, none of the other's, and agree."""
    if found.kind not in _SCALARS:
        raise damage(found.line, f"{what}: no kind in {PREFIX}_variable_info")
    for name in sorted(_SCALARS[found.kind] - found.scalars.keys()):
        raise damage(found.line, f"{what}: no {PREFIX}_{name}")
    foreign = found.categories if found.kind == "numeric" else [*found.upper, *found.buckets]
    if foreign or found.scalars.keys() - _SCALARS[found.kind] - _OPTIONAL[found.kind]:
        raise damage(found.line, f"{what}: is {found.kind}, but has series of the other kind")
    if found.kind == "numeric":
        _check_bins(found, what)


def _check_bins(found: _Found, what: str) -> None:
    if found.lower != [-math.inf, *found.upper][:-1]:
        raise damage(found.line, f"{what}: its bins do not reach from -Inf to +Inf in order")
    cumulative = list(accumulate(found.counts))
    expected = list(zip(found.upper, cumulative, strict=True))
    if found.buckets != expected or found.scalars["value_count"] != sum(found.counts):
        raise damage(found.line, f"{what}: its bins and its buckets disagree")


def _bound(sample: Sample, label: str) -> float:
    try:
        return parse_float(sample.labels[label])
    except ValueError:
        text = sample.labels[label]
        raise damage(sample.line, f"{sample.name}: {label} is not a number: {text!r}") from None


def _position(sample: Sample) -> int:
    text = sample.labels["position"]
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise damage(sample.line, f"{sample.name}: position is not a whole number: {text!r}")
    return int(text)
