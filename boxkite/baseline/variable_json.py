"""Converts variables to and from the structs that become JSON in `histogram.prom`.

To store more about a variable, give its struct a field with a default. A default is not written, so
the files and digests of variables that do not use the field stay the same.
"""

from __future__ import annotations

import base64
import math
import operator
import struct
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal, TypeAlias

import msgspec
import numpy as np

from boxkite.baseline.category_variable import OTHER, UNSEEN, CategoryVariable
from boxkite.baseline.distribution import Counts, Role
from boxkite.baseline.exact_sum import LOWEST, PIECES, ExactSum
from boxkite.baseline.numeric_variable import NumericVariable
from boxkite.baseline.ordered_values import ValueType
from boxkite.baseline.variable import Variable
from boxkite.baseline.variation_json import StoredVariation, restore_variation, store_variation
from boxkite.errors import BaselineError

__all__ = [
    "Count",
    "StoredCategory",
    "StoredFloat",
    "StoredNumeric",
    "restore",
    "spelled",
    "store",
]

# A count must fit numpy's int64. A position has at most nine digits, also in a classic file.
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Position: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=10**9)]
_HIGHEST = 31  # the place of the first piece of the greatest float
StoredFloat: TypeAlias = float | Literal["NaN", "+Inf", "-Inf"]


class _Stored(msgspec.Struct, tag_field="kind", forbid_unknown_fields=True, omit_defaults=True):
    """The msgspec options of both kinds of variable."""


class StoredNumeric(_Stored, tag="numeric"):
    """A `NumericVariable` as JSON, with the same field names.

    `sum_pieces` holds `top` and then the pieces of `exact_sum`.
    """

    role: Role
    name: str
    position: _Position
    missing: Count
    counts: list[Count]
    edges: list[float]
    sum: StoredFloat
    minimum: StoredFloat
    maximum: StoredFloat
    variation: dict[str, StoredVariation] = {}
    sum_pieces: list[int] = []
    value_type: ValueType = "number"


class StoredCategory(_Stored, tag="category"):
    """A `CategoryVariable` as JSON.

    `tail` is the base64 of ascending 32-bit big-endian hashes. `once` is the base64 of a bit for
    each of them, in the same order from the highest bit of the first byte on.
    """

    role: Role
    name: str
    position: _Position
    missing: Count
    counts: list[Count]
    categories: list[str]
    tail: str = ""
    tail_once: Count | None = None
    variation: dict[str, StoredVariation] = {}
    ordered: bool = False
    once: str | None = None


def store(variable: Variable) -> StoredNumeric | StoredCategory:
    """Return a variable in the form that becomes JSON."""
    common = (variable.role, variable.name, variable.position, variable.missing)
    variation = {window: store_variation(each) for window, each in variable.variation.items()}
    if isinstance(variable, NumericVariable):
        return StoredNumeric(
            *common,
            counts=variable.counts.tolist(),
            edges=variable.edges.tolist(),
            sum=spelled(variable.sum),
            minimum=spelled(variable.minimum),
            maximum=spelled(variable.maximum),
            variation=variation,
            sum_pieces=_sum_pieces(variable.exact_sum),
            value_type=variable.value_type,
        )
    ascending = sorted(variable.tail)
    hashes = struct.pack(f">{len(ascending)}I", *ascending)
    return StoredCategory(
        *common,
        counts=variable.counts.tolist(),
        categories=list(variable.categories),
        tail=base64.b64encode(hashes).decode(),
        tail_once=variable.tail_once,
        variation=variation,
        ordered=variable.is_ordered,
        once=_once_bits(variable.once, ascending),
    )


def _sum_pieces(exact: ExactSum | None) -> list[int]:
    return [] if exact is None else [exact.top, *exact.pieces]


def _once_bits(once: frozenset[int] | None, ascending: Sequence[int]) -> str | None:
    if once is None:
        return None
    flags = np.array([each in once for each in ascending], dtype=bool)
    return base64.b64encode(np.packbits(flags).tobytes()).decode()


def spelled(number: float) -> StoredFloat:
    """Return a float as JSON holds it: one that is not finite as Prometheus spells it."""
    if math.isfinite(number):
        return float(number)
    return "NaN" if math.isnan(number) else "+Inf" if number > 0 else "-Inf"


def restore(stored: Sequence[StoredNumeric | StoredCategory]) -> tuple[Variable, ...]:
    """Return the variables of stored ones, after checking what the rest of boxkite relies on.

    Raises:
        BaselineError: if no baseline can have these values.
    """
    variables = tuple(_restored(each) for each in stored)
    _check_order(variables)
    return variables


def _restored(stored: StoredNumeric | StoredCategory) -> Variable:
    name = f"{stored.role} {stored.name!r}"
    # Python's integers do not overflow. Once the sum fits, numpy's sums of these counts fit too.
    if sum(stored.counts) + stored.missing >= 2**63:
        raise BaselineError(f"{name} counts more rows than 64 bits hold")
    counts = np.array(stored.counts, dtype=np.int64)
    if isinstance(stored, StoredNumeric):
        return _numeric(stored, counts, name)
    return _category(stored, counts, name)


def _numeric(stored: StoredNumeric, counts: Counts, name: str) -> NumericVariable:
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
        exact_sum=_exact_sum(stored.sum_pieces, name),
        value_type=stored.value_type,
        variation=restore_variation(stored.variation, len(stored.counts), name),
    )


def _exact_sum(pieces: Sequence[int], name: str) -> ExactSum | None:
    if not pieces:
        return None
    if not LOWEST <= pieces[0] <= _HIGHEST or len(pieces) > 1 + PIECES or pieces[1:][-1:] == [0]:
        raise BaselineError(f"the pieces of the sum of {name} cannot be those of a sum")
    return ExactSum(pieces[0], tuple(pieces[1:]))


def _category(stored: StoredCategory, counts: Counts, name: str) -> CategoryVariable:
    categories = tuple(stored.categories)
    if len(counts) != len(categories):
        raise BaselineError(
            f"{name} has {len(categories)} categories and {len(counts)} counts; there must be one "
            f"count for each"
        )
    if categories[-1:] != (UNSEEN,) or len(set(categories)) != len(categories):
        raise BaselineError(f"the categories of {name} repeat, or do not end in {UNSEEN}")
    # A label of the tail is counted as `__other__`, so a tail needs that cell.
    tail = _hashes(stored.tail, name)
    other_rows = stored.counts[categories.index(OTHER)] if OTHER in categories else -1
    if (tail and other_rows < 0) or (stored.tail_once or 0) > max(other_rows, 0):
        raise BaselineError(f"the tail of {name} has more categories than {OTHER} has rows")
    if stored.ordered and OTHER in categories:
        raise BaselineError(f"{name} is ordered, but {OTHER} has no place in an order")
    return CategoryVariable(
        kind="ordered" if stored.ordered else "category",
        role=stored.role,
        name=stored.name,
        position=stored.position,
        missing=stored.missing,
        counts=counts,
        categories=categories,
        tail=tail,
        tail_once=stored.tail_once,
        once=_once(stored, tail, name),
        variation=restore_variation(stored.variation, len(stored.counts), name),
    )


def _hashes(encoded: str, name: str) -> frozenset[int]:
    try:
        raw = base64.b64decode(encoded, validate=True)
        return frozenset(struct.unpack(f">{len(raw) // 4}I", raw))
    except (ValueError, struct.error):
        raise BaselineError(f"the tail of {name} is not the base64 of 32-bit hashes") from None


def _once(stored: StoredCategory, tail: frozenset[int], name: str) -> frozenset[int] | None:
    if stored.once is None:
        return None
    ascending = sorted(tail)
    try:
        raw = np.frombuffer(base64.b64decode(stored.once, validate=True), dtype=np.uint8)
    except ValueError:
        raw = np.zeros(0, dtype=np.uint8)
    flags = np.unpackbits(raw)[: len(ascending)].tolist()
    once = frozenset(each for each, flag in zip(ascending, flags, strict=False) if flag)
    if len(raw) != -(-len(ascending) // 8) or len(once) != stored.tail_once:
        raise BaselineError(f"the tail of {name} does not have a bit for each of its hashes")
    return once


def _check_order(variables: Sequence[Variable]) -> None:
    """Check that names and positions are unique, and that positions ascend within a role."""
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
