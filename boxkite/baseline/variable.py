"""The distribution of one variable at training: bins or categories, and what was missing."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.text_writer import format_float
from boxkite.baseline.values import spelled_number
from boxkite.errors import BaselineError

__all__ = [
    "OTHER",
    "UNSEEN",
    "CategoryVariable",
    "NumericVariable",
    "Role",
    "Variable",
    "finite_sum",
    "label_hash",
]

Floats: TypeAlias = NDArray[np.float64]
Counts: TypeAlias = NDArray[np.int64]
Role: TypeAlias = Literal["feature", "output", "outcome"]

OTHER = "__other__"
"""The cell of the categories beyond the commonest."""

UNSEEN = "__unseen__"
"""The cell of the categories that training never saw."""


_MAX_FLOAT32 = float(np.finfo(np.float32).max)


def label_hash(label: str) -> int:
    """Return 32 bits of a category's BLAKE2b, by which a baseline remembers its tail."""
    return int.from_bytes(hashlib.blake2b(label.encode(), digest_size=4).digest())


@dataclass(frozen=True, kw_only=True, eq=False)
class _Distribution:
    """What both kinds of variable share.

    Attributes:
        name: the column's name, any text.
        role: whether it goes into the model or comes out of it.
        position: its place in a positional list of its role, from 0.
        counts: training rows in each cell; the cells are the bins or the categories.
        missing: training rows without a value.
    """

    name: str
    role: Role
    position: int
    counts: Counts
    missing: int

    @property
    def rows(self) -> int:
        """Training rows: those in the cells and those without a value."""
        return int(self.counts.sum()) + self.missing

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(
            _same(getattr(self, each.name), getattr(other, each.name)) for each in fields(self)
        )

    def __hash__(self) -> int:
        return hash((self.role, self.name, self.counts.tobytes()))


@dataclass(frozen=True, kw_only=True, eq=False)
class NumericVariable(_Distribution):
    """A numeric variable: counts in the bins (-inf, e0], (e0, e1], … (ek, +inf].

    Attributes:
        edges: the finite upper edges, ascending; one fewer than there are counts.
        sum: the sum of the finite values.
        minimum: the least finite value, NaN where there was none.
        maximum: the greatest.
    """

    kind: ClassVar[Literal["numeric"]] = "numeric"

    edges: Floats
    sum: float
    minimum: float = math.nan
    maximum: float = math.nan

    @classmethod
    def from_sorted(
        cls, ordered: Floats, edges: Floats, *, name: str, role: Role, position: int
    ) -> NumericVariable:
        """Count ascending values (-inf first, then +inf, NaN last) into the bins of `edges`."""
        below = int(np.searchsorted(ordered, -math.inf, side="right"))
        above = int(np.searchsorted(ordered, math.inf, side="left"))
        present = int(np.searchsorted(ordered, math.nan, side="left"))
        finite = ordered[below:above]
        ends = np.searchsorted(ordered[:present], edges, side="right")
        return cls(
            name=name,
            role=role,
            position=position,
            counts=np.diff(ends, prepend=0, append=present).astype(np.int64),
            missing=len(ordered) - present,
            edges=edges,
            sum=finite_sum(finite),
            minimum=float(finite[0]) + 0.0 if len(finite) else math.nan,
            maximum=float(finite[-1]) + 0.0 if len(finite) else math.nan,
        )

    @cached_property
    def upper_bounds(self) -> tuple[str, ...]:
        """The `le` of each bin, the last `+Inf`."""
        return (*map(format_float, self.edges.tolist()), "+Inf")

    def merge(self, other: Variable) -> NumericVariable:
        """Return the distribution of the rows of both.

        Raises:
            BaselineError: if the bins differ.
        """
        if not isinstance(other, NumericVariable) or not np.array_equal(self.edges, other.edges):
            raise BaselineError(
                f"{self.role} {self.name!r}: the two baselines have different bins; fit the "
                f"second with the edges of the first, bins={{{self.name!r}: edges}}"
            )
        return replace(
            self,
            counts=self.counts + other.counts,
            missing=self.missing + other.missing,
            sum=self.sum + other.sum,
            minimum=float(np.fmin(self.minimum, other.minimum)),
            maximum=float(np.fmax(self.maximum, other.maximum)),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class CategoryVariable(_Distribution):
    """A categorical variable: counts of its commonest categories, and of the rest.

    Attributes:
        categories: the cells, commonest first, then `__other__` where there is a tail, and last
            `__unseen__`, whose training count is 0.
        tail: the hashes (`label_hash`) of the categories counted as `__other__`.
        tail_once: how many of these training saw once, or more than that of a merged baseline;
            None where there is no tail, or it is not known.
    """

    kind: ClassVar[Literal["category"]] = "category"

    categories: tuple[str, ...]
    tail: frozenset[int] = field(default=frozenset(), repr=False)
    tail_once: int | None = None

    @classmethod
    def from_tally(
        cls,
        tally: Mapping[str, int],
        max_categories: int,
        *,
        missing: int,
        name: str,
        role: Role,
        position: int,
    ) -> CategoryVariable:
        """Keep the `max_categories` commonest of the counted labels, ties in order of the text.

        Labels that read like a cell of ours, `__other__` and `__unseen__`, go to the tail.
        """
        labels = [label for label in tally if label not in (OTHER, UNSEEN)]
        labels.sort(key=lambda label: (-tally[label], label))
        kept, tail = labels[:max_categories], labels[max_categories:]
        tail += [label for label in (OTHER, UNSEEN) if label in tally]
        cells = [*kept, *([OTHER] if tail else []), UNSEEN]
        counts = [tally[label] for label in kept]
        counts += [sum(tally[label] for label in tail)] if tail else []
        return cls(
            name=name,
            role=role,
            position=position,
            counts=np.array([*counts, 0], dtype=np.int64),
            missing=missing,
            categories=tuple(cells),
            tail=frozenset(map(label_hash, tail)),
            tail_once=sum(tally[label] == 1 for label in tail) if tail else None,
        )

    @cached_property
    def index(self) -> dict[str, int]:
        """The cell of each category by name."""
        return {category: cell for cell, category in enumerate(self.categories)}

    @cached_property
    def numbers(self) -> dict[float, int]:
        """The cell of each category that spells a number, by that number.

        By its neighbours of 32 bits too, as a float32 that was 0.1 comes back as
        0.10000000149011612.
        """
        found: dict[float, int] = {}
        for category, cell in self.index.items():
            number = spelled_number(category)
            if number is None:
                continue
            found.setdefault(number, cell)
            if not number.is_integer() and abs(number) < _MAX_FLOAT32:
                narrow = np.float32(number)
                found.setdefault(float(narrow), cell)
                found.setdefault(float(str(narrow)), cell)
        return found

    @property
    def has_tail(self) -> bool:
        """Whether categories beyond the commonest were counted together."""
        return OTHER in self.categories

    def merge(self, other: Variable) -> CategoryVariable:
        """Return the distribution of the rows of both, in the order of this one's categories.

        Raises:
            BaselineError: if the categories differ.
        """
        if not isinstance(other, CategoryVariable) or set(self.categories) != set(other.categories):
            raise BaselineError(
                f"{self.role} {self.name!r}: the two baselines have different categories"
            )
        there = [other.index[category] for category in self.categories]
        return replace(
            self,
            counts=self.counts + other.counts[there],
            missing=self.missing + other.missing,
            tail=self.tail | other.tail,
            tail_once=self._once_in_either(other),
        )

    def _once_in_either(self, other: CategoryVariable) -> int | None:
        """Return a bound of the tail's categories that stand in one row of both together.

        What stands once in one baseline must be absent from the other. Which those are is not
        known, but no more than are seen once, and than the other's tail lacks.
        """
        if self.tail_once is None or other.tail_once is None:
            return None
        return min(self.tail_once, len(self.tail - other.tail)) + min(
            other.tail_once, len(other.tail - self.tail)
        )


Variable: TypeAlias = NumericVariable | CategoryVariable


def _same(mine: Any, theirs: Any) -> bool:
    if isinstance(mine, float | np.ndarray):
        return np.array_equal(mine, theirs, equal_nan=True)
    return bool(mine == theirs)


def finite_sum(values: Floats) -> float:
    """Return the sum, by way of smaller numbers where a partial sum leaves the float range."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = float(np.sum(values))
        if not math.isfinite(total):
            total = float(np.ldexp(np.sum(np.ldexp(values, -64)), 64))
    return total + 0.0
