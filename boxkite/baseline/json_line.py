"""The comment line that ends `histogram.prom` and holds the whole baseline as JSON.

Prometheus reads the series above it and ignores the line. `Baseline.read` reads the line and does
not have to assemble a baseline from tens of thousands of samples:

    # BASELINE {"format":1,"exposition":"labelled","model":"flights","version":"2f6b1c0d",
                "digest":"2f6b1c0d","content":{"rows":327346,"variables":[...]}}

(All on one line; wrapped here.) The digest covers `content`, so a change inside the line is found
too. A float that JSON cannot hold is written as Prometheus spells it: "NaN", "+Inf" or "-Inf".

To store more, give one of the structs below a field with a default. A default is not written, so
files and digests of baselines that do not use the field stay the same. Raise `FORMAT` if an older
boxkite must not read the new files.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import operator
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
import numpy as np

from boxkite.baseline.variable import (
    OTHER,
    UNSEEN,
    CategoryVariable,
    NumericVariable,
    Role,
    Variable,
)
from boxkite.errors import BaselineError

__all__ = ["Exposition", "JsonLine", "content_json", "digest_of", "find_json_line", "json_line"]

Exposition: TypeAlias = Literal["labelled", "classic"]

FORMAT = 1

_HEAD = "# BASELINE "

# The largest count and position that fit every place that holds them.
_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Position: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=10**9)]
_Number: TypeAlias = float | Literal["NaN", "+Inf", "-Inf"]

# The shortest series name is longer than this, without the texts of its labels.
_SHORTEST_SERIES = 60


class _Struct(msgspec.Struct, tag_field="kind", forbid_unknown_fields=True, omit_defaults=True):
    """Settings that both kinds of variable share."""


class _Numeric(_Struct, tag="numeric"):
    """A `NumericVariable` as JSON, with the same field names."""

    role: Role
    name: str
    position: _Position
    missing: _Count
    counts: list[_Count]
    edges: list[float]
    sum: _Number
    minimum: _Number
    maximum: _Number


class _Category(_Struct, tag="category"):
    """A `CategoryVariable` as JSON; `tail` is the base64 of ascending 32-bit big-endian hashes."""

    role: Role
    name: str
    position: _Position
    missing: _Count
    counts: list[_Count]
    categories: list[str]
    tail: str = ""
    tail_once: _Count | None = None


class _Content(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The training data's distributions, without the names that a baseline was given."""

    rows: _Count
    variables: list[_Numeric | _Category]


class _Format(msgspec.Struct):
    """The one field that every format has."""

    format: int


class _Line(msgspec.Struct):
    """The whole line. `content` stays raw, because its digest is that of the bytes as written."""

    exposition: Exposition
    model: str
    version: str
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
        model: name of the model.
        version: version of the baseline.
        rows: number of training rows.
        variables: the variables in the order of the file.
    """

    start: int
    end: int
    number: int
    exposition: Exposition
    model: str
    version: str
    rows: int
    variables: tuple[Variable, ...]


def json_line(model: str, version: str, content: str, exposition: Exposition) -> str:
    """Return the line with its newline.

    Args:
        model: name of the model.
        version: version of the baseline.
        content: the result of `content_json`.
        exposition: the series that stand above the line.
    """
    head = _dump(
        {
            "format": FORMAT,
            "exposition": exposition,
            "model": model,
            "version": version,
            "digest": digest_of(content),
        }
    )
    return f'{_HEAD}{head[:-1]},"content":{content}}}\n'


def content_json(rows: int, variables: Iterable[Variable]) -> str:
    """Return the distributions as JSON: the same text for the same distributions, always."""
    return _dump(msgspec.to_builtins(_Content(rows, [_stored(each) for each in variables])))


def digest_of(content: str | bytes) -> str:
    """Return the first 8 hex digits of the SHA-256 of the distributions as JSON."""
    raw = content.encode() if isinstance(content, str) else content
    return hashlib.sha256(raw).hexdigest()[:8]


def _dump(value: Any) -> str:
    # The digest depends on each byte. Python's json writes floats as repr does, which is fixed;
    # msgspec encodes faster, but does not promise the spelling of a float.
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _stored(variable: Variable) -> _Numeric | _Category:
    common = (variable.role, variable.name, variable.position, variable.missing)
    if isinstance(variable, NumericVariable):
        return _Numeric(
            *common,
            counts=variable.counts.tolist(),
            edges=variable.edges.tolist(),
            sum=_spelled(variable.sum),
            minimum=_spelled(variable.minimum),
            maximum=_spelled(variable.maximum),
        )
    hashes = struct.pack(f">{len(variable.tail)}I", *sorted(variable.tail))
    return _Category(
        *common,
        counts=variable.counts.tolist(),
        categories=list(variable.categories),
        tail=base64.b64encode(hashes).decode(),
        tail_once=variable.tail_once,
    )


def _spelled(number: float) -> _Number:
    if math.isfinite(number):
        return float(number)
    return "NaN" if math.isnan(number) else "+Inf" if number > 0 else "-Inf"


def find_json_line(text: str, max_series: int) -> JsonLine | None:
    """Find the last JSON line of a text and decode it; return None if there is none.

    Args:
        text: the content of a `histogram.prom`.
        max_series: the most series that the baseline may have.

    Raises:
        BaselineError: if the line is damaged, with its number.
    """
    # A series line cannot hold this text: a newline in a label or a HELP text is escaped.
    start = 0 if text.startswith(_HEAD) else text.rfind(f"\n{_HEAD}") + 1
    if start == 0 and not text.startswith(_HEAD):
        return None
    end = text.find("\n", start)
    end = len(text) if end < 0 else end
    number = text.count("\n", 0, start) + 1
    try:
        line, content = _decode(text[start + len(_HEAD) : end])
        _check_size(line, content, room=len(text), max_series=max_series)
        variables = tuple(_variable(each) for each in content.variables)
        _check_order(variables)
    except BaselineError as error:
        raise BaselineError(f"line {number}: {error}") from None
    return JsonLine(
        start, end, number, line.exposition, line.model, line.version, content.rows, variables
    )


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
        line = msgspec.json.decode(raw, type=_Line)
        content = msgspec.json.decode(line.content, type=_Content)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BaselineError(f"the JSON of the # BASELINE line is damaged: {error}") from None
    if line.digest != digest_of(bytes(line.content)):
        raise BaselineError(
            f"the # BASELINE line was changed: its digest is {digest_of(bytes(line.content))}, "
            f"and it says {line.digest!r}. Write the file again with Baseline.write"
        )
    return line, content


def _check_size(line: _Line, content: _Content, *, room: int, max_series: int) -> None:
    """Refuse a small line that describes huge series, before any of them is built.

    A hostile file can give a name of a megabyte to a variable of a million bins in a few
    megabytes. The series repeat the name a million times, so they must stand in the file in full.
    """
    series = size = 0
    names = len(line.model) + len(line.version) + _SHORTEST_SERIES
    for each in content.variables:
        cells = len(each.counts) * (2 if isinstance(each, _Numeric) else 1)
        series += cells
        size += cells * (names + len(each.name))
    if series > max_series:
        raise BaselineError(f"the # BASELINE line describes more than {max_series:,} series")
    if size > room:
        raise BaselineError(
            f"the # BASELINE line describes {series:,} series, more than the file holds. The file "
            f"was cut: write it again with Baseline.write"
        )


def _variable(stored: _Numeric | _Category) -> Variable:
    """Make a variable of its JSON, and check what the rest of boxkite relies on.

    Raises:
        BaselineError: if its cells cannot be those of a variable.
    """
    name = f"{stored.role} {stored.name!r}"
    if sum(stored.counts) + stored.missing >= 2**63:
        raise BaselineError(f"{name} counts more rows than 64 bits hold")
    counts = np.array(stored.counts, dtype=np.int64)
    if isinstance(stored, _Numeric):
        return _numeric(stored, counts, name)
    return _category(stored, counts, name)


def _numeric(stored: _Numeric, counts: Any, name: str) -> NumericVariable:
    if len(counts) != len(stored.edges) + 1:
        raise BaselineError(
            f"{name} has {len(stored.edges)} edges and {len(counts)} counts; there must be one "
            f"count more than edges"
        )
    if not all(map(operator.lt, stored.edges, stored.edges[1:])):
        raise BaselineError(f"the edges of {name} do not ascend")
    return NumericVariable(
        role=stored.role,
        name=stored.name,
        position=stored.position,
        missing=stored.missing,
        counts=counts,
        edges=np.array(stored.edges, dtype=np.float64),
        sum=float(stored.sum),
        minimum=float(stored.minimum),
        maximum=float(stored.maximum),
    )


def _category(stored: _Category, counts: Any, name: str) -> CategoryVariable:
    categories = tuple(stored.categories)
    if len(counts) != len(categories):
        raise BaselineError(
            f"{name} has {len(categories)} categories and {len(counts)} counts; there must be one "
            f"count for each"
        )
    if categories[-1:] != (UNSEEN,) or len(set(categories)) != len(categories):
        raise BaselineError(f"the categories of {name} repeat, or do not end in {UNSEEN}")
    tail = _hashes(stored.tail, name)
    other_rows = stored.counts[categories.index(OTHER)] if OTHER in categories else -1
    if (tail and other_rows < 0) or (stored.tail_once or 0) > max(other_rows, 0):
        raise BaselineError(f"the tail of {name} has more categories than {OTHER} has rows")
    return CategoryVariable(
        role=stored.role,
        name=stored.name,
        position=stored.position,
        missing=stored.missing,
        counts=counts,
        categories=categories,
        tail=tail,
        tail_once=stored.tail_once,
    )


def _hashes(encoded: str, name: str) -> frozenset[int]:
    try:
        raw = base64.b64decode(encoded, validate=True)
        return frozenset(struct.unpack(f">{len(raw) // 4}I", raw))
    except (ValueError, struct.error):
        raise BaselineError(f"the tail of {name} is not the base64 of 32-bit hashes") from None


def _check_order(variables: Sequence[Variable]) -> None:
    """Check that the variables have names and places of their own, in ascending order."""
    places = [(each.role, each.position) for each in variables]
    for variable, (one, other) in zip(variables[1:], pairwise(places), strict=False):
        if one >= other:
            raise BaselineError(
                f"{variable.role} {variable.name!r} has position {variable.position}, but comes "
                f"after {one[0]} {one[1]}"
            )
    names = {(each.role, each.name) for each in variables}
    if len(names) < len(variables):
        raise BaselineError("two variables have the same role and name")
    if not variables:
        raise BaselineError("the # BASELINE line has no variables")
