"""The parts of a variable, as the labelled exposition names them, put together and checked."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast, get_args

import numpy as np

from boxkite.baseline.tails import Tail
from boxkite.baseline.text_reader import damage
from boxkite.baseline.variable import (
    OTHER,
    UNSEEN,
    CategoryVariable,
    NumericVariable,
    Role,
    Variable,
)

__all__ = ["Parts", "Tails", "put_together"]

Tails: TypeAlias = Mapping[tuple[str, str], Tail]


@dataclass
class Parts:
    """What a file says of one variable, before it is checked.

    Attributes:
        line: of its first sample, from 1; 0 where it came from no line.
        kind: numeric or category.
        position: its place in a positional list.
        upper: the upper bounds of the bins.
        counts: training rows in each bin.
        categories: training rows of each category.
        scalars: the series of which there is one sample, by name.
    """

    line: int = 0
    kind: str = ""
    position: int = 0
    upper: list[float] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    categories: dict[str, int] = field(default_factory=dict)
    scalars: dict[str, float] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows in the cells and without a value, however many."""
        return sum(self.counts) + sum(self.categories.values()) + int(self.scalars["missing"])


def put_together(
    found: Mapping[tuple[str, str], Parts], rows: int, tails: Tails | None
) -> list[Variable]:
    """Make the variables of a baseline.

    Args:
        found: the parts of each variable, by role and name, with all series of its kind.
        rows: how many rows each variable must have counted.
        tails: what the comments say of the tails, by role and name; None where the source has no
            comments.

    Raises:
        BaselineError: naming the variable whose parts disagree.
    """
    variables: dict[tuple[str, int], Variable] = {}
    for (role, name), parts in found.items():
        what = f"{role} {name!r}"
        if role not in get_args(Role):
            raise damage(parts.line, f"{what}: the role is none of {', '.join(get_args(Role))}")
        if parts.kind == "numeric":
            variable: Variable = _numeric(role, name, parts)
        else:
            tail = None if tails is None else tails.get((role, name), Tail())
            variable = _category(role, name, parts, tail)
        if parts.rows != rows:
            raise damage(parts.line, f"{what}: {parts.rows} rows counted of {rows}")
        if (role, parts.position) in variables:
            raise damage(parts.line, f"{what}: its position {parts.position} is taken")
        variables[role, parts.position] = variable
    return list(variables.values())


def _numeric(role: str, name: str, parts: Parts) -> NumericVariable:
    bounds = [-math.inf, *parts.upper]
    if bounds[-1] != math.inf or not all(map(operator.lt, bounds, parts.upper)):
        what = f"{role} {name!r}: its bins do not reach from -Inf to +Inf in order"
        raise damage(parts.line, what)
    return NumericVariable(
        **_common(role, name, parts),
        counts=np.array(parts.counts, dtype=np.int64),
        edges=np.array(parts.upper[:-1], dtype=np.float64),
        sum=parts.scalars["value_sum"],
        minimum=parts.scalars["min"],
        maximum=parts.scalars["max"],
    )


def _category(role: str, name: str, parts: Parts, tail: Tail | None) -> CategoryVariable:
    categories = tuple(parts.categories)
    if categories[-1:] != (UNSEEN,) or OTHER in categories[:-2]:
        what = f"{role} {name!r}: its categories do not end in {UNSEEN}"
        raise damage(parts.line, what)
    once = parts.scalars.get("tail_once")
    whole = tail is None or ((OTHER in categories) == bool(tail.hashes) and once == tail.once)
    if not whole or (once is not None and once > parts.categories.get(OTHER, -1)):
        what = f"{role} {name!r}: {OTHER} and its # TAIL comment go together"
        raise damage(parts.line, what)
    return CategoryVariable(
        **_common(role, name, parts),
        counts=np.array(list(parts.categories.values()), dtype=np.int64),
        categories=categories,
        tail=tail.hashes if tail is not None else frozenset(),
        tail_once=None if once is None else int(once),
    )


def _common(role: str, name: str, parts: Parts) -> dict[str, Any]:
    return {
        "name": name,
        "role": cast("Role", role),
        "position": parts.position,
        "missing": int(parts.scalars["missing"]),
    }
