"""The distribution of one variable at training: counts in bins or categories, and missing rows."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.ordered_values import OrderedValues
from boxkite.baseline.text_writer import format_float
from boxkite.baseline.unseen_rows import MOST_UNSEEN, unseen_bound
from boxkite.baseline.values import spelled_number
from boxkite.errors import BaselineError
from boxkite.variation import Variation

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
"""The cell of the rare categories, which are counted together."""

UNSEEN = "__unseen__"
"""The cell of categories that training never saw."""


_LEAST_KEPT = 10
"""Fewest training rows of a kept category if unseen labels count in `__other__`."""

_MAX_FLOAT32 = float(np.finfo(np.float32).max)


def label_hash(label: str) -> int:
    """Return 32 bits of the BLAKE2b hash of a category.

    A baseline stores these hashes of its rare categories instead of their names.
    """
    return int.from_bytes(hashlib.blake2b(label.encode(), digest_size=4).digest())


@dataclass(frozen=True, kw_only=True, eq=False)
class _Distribution:
    """The attributes that both kinds of variable have.

    Attributes:
        name: name of the column, any text.
        role: "feature", "output" or "outcome".
        position: index in a positional list of the variables of this role, from 0.
        counts: number of training rows in each cell. The cells are the bins or the categories.
        missing: number of training rows without a value.
        variation: natural variation between windows of training, by the length of the window
            ("1h"). Empty if the training rows had no times.
    """

    name: str
    role: Role
    position: int
    counts: Counts
    missing: int
    variation: Mapping[str, Variation] = field(default_factory=dict[str, Variation], repr=False)

    @property
    def rows(self) -> int:
        """Number of training rows, with and without a value."""
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
        edges: finite upper edges, ascending. There is one fewer than counts.
        sum: sum of the finite values.
        minimum: smallest finite value, NaN if there was none.
        maximum: largest finite value, NaN if there was none.
    """

    kind: ClassVar[Literal["numeric"]] = "numeric"

    edges: Floats
    sum: float
    minimum: float = math.nan
    maximum: float = math.nan

    @classmethod
    def from_ordered(
        cls, ordered: OrderedValues, edges: Floats, *, name: str, role: Role, position: int
    ) -> NumericVariable:
        """Count values into the bins of `edges`.

        Args:
            ordered: the values of the column.
            edges: finite upper edges, ascending.
            name: name of the variable.
            role: role of the variable.
            position: position of the variable.
        """
        finite = len(ordered)
        ends = ordered.below + ordered.rank(edges, "right")
        ranks = np.array([0, finite - 1] if finite else [], dtype=np.int64)
        minimum, maximum = (ordered.at(ranks) + 0.0).tolist() or (math.nan, math.nan)
        return cls(
            name=name,
            role=role,
            position=position,
            counts=np.diff(ends, prepend=0, append=ordered.below + finite + ordered.above),
            missing=ordered.missing,
            edges=edges,
            sum=ordered.sum(),
            minimum=minimum,
            maximum=maximum,
        )

    @property
    def is_ordered(self) -> bool:
        """Whether the cells have an order, so that K-S applies: always."""
        return True

    @cached_property
    def upper_bounds(self) -> tuple[str, ...]:
        """The label `le` of each bin. The last one is `+Inf`."""
        return (*map(format_float, self.edges.tolist()), "+Inf")

    def outside(self, finite: Floats) -> int:
        """Return how many of these finite values are below the minimum or above the maximum.

        None are if the minimum and the maximum are unknown, because no number is below or above
        NaN.
        """
        return int(np.count_nonzero((finite < self.minimum) | (finite > self.maximum)))

    def merge(self, other: Variable) -> NumericVariable:
        """Return the distribution of the rows of both variables.

        Raises:
            BaselineError: if the bins differ.
        """
        if not isinstance(other, NumericVariable) or not np.array_equal(self.edges, other.edges):
            raise BaselineError(
                f"{self.role} {self.name!r} has different bins in the two baselines. Fit the "
                f"second with the edges of the first, bins={{{self.name!r}: edges}}"
            )
        return replace(
            self,
            counts=self.counts + other.counts,
            missing=self.missing + other.missing,
            variation={},  # It belongs to the windows of one training and cannot be added up.
            sum=self.sum + other.sum,
            minimum=float(np.fmin(self.minimum, other.minimum)),
            maximum=float(np.fmax(self.maximum, other.maximum)),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class CategoryVariable(_Distribution):
    """A categorical variable: counts of its most common categories, and of the others together.

    Attributes:
        kind: "ordered" if the categories have an order, such as S, M and L, and "category"
            otherwise.
        categories: names of the cells. The most common category comes first. If there are rarer
            ones, `__other__` follows. Ordered categories are all kept and stand in their order. The
            last cell is always `__unseen__`, whose training count is 0.
        tail: hashes (`label_hash`) of the categories that are counted as `__other__`.
        tail_once: number of these categories that occur in one training row. In a merged baseline
            it is an upper bound. None if there are none, or if the number is unknown.
    """

    kind: Literal["category", "ordered"] = "category"
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
        """Keep the `max_categories` most common labels, and count the others together.

        Ties are kept in alphabetical order. Labels that equal a reserved name, `__other__` or
        `__unseen__`, are counted with the others.

        Args:
            tally: number of rows with each label.
            max_categories: number of labels to keep.
            missing: number of rows without a label.
            name: name of the variable.
            role: role of the variable.
            position: position of the variable.
        """
        labels = [label for label in tally if label not in (OTHER, UNSEEN)]
        # The order must not depend on the order of rows, or equal data would give two versions.
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
        """Index of each category's cell, by category."""
        return {category: cell for cell, category in enumerate(self.categories)}

    @cached_property
    def numbers(self) -> dict[float, int]:
        """Index of the cell of each category that spells a number, by number."""
        # A float32 of 0.1 arrives as 0.10000000149011612 if it was widened to 64 bits. So map the
        # 32-bit neighbour of each number to the same cell.
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
    def is_ordered(self) -> bool:
        """Whether the cells have an order, so that K-S applies."""
        return self.kind == "ordered"

    @cached_property
    def upper_bounds(self) -> tuple[str, ...]:
        """The label `le` of each cell, if the categories are ordered: its rank, 1.0, 2.0, …

        The last one is `+Inf`, for `__unseen__`.
        """
        return (*(format_float(float(rank)) for rank in range(1, len(self.categories))), "+Inf")

    def sum_of_ranks(self, cells: Counts) -> float:
        """Return the sum of the ranks of the rows in these cells, without unseen rows."""
        return float(np.arange(1, len(self.categories)) @ cells[:-1])

    @property
    def has_tail(self) -> bool:
        """Whether rare categories are counted together."""
        return OTHER in self.categories

    @cached_property
    def unseen_bound(self) -> int:
        """Upper bound for the unseen rows among as many rows as training had; see `unseen_bound`.

        It is 0 if unseen labels count in `__other__`.
        """
        return 0 if self.tail_takes_unseen else self._unseen_bound

    @cached_property
    def tail_takes_unseen(self) -> bool:
        """Whether labels that training never saw count in `__other__`.

        Where training missed many labels, `__unseen__` cannot be judged by itself: its rows come by
        chance. Together with the tail they can. But the kept categories must be common. Rare ones
        are kept because chance made them more common at training, and they fall back later.
        """
        kept = self.counts[: len(self.counts) - 1 - self.has_tail]
        too_many = self._unseen_bound > MOST_UNSEEN * int(self.counts.sum())
        return self.has_tail and too_many and len(kept) > 0 and int(kept.min()) >= _LEAST_KEPT

    @cached_property
    def _unseen_bound(self) -> int:
        kept = len(self.counts) - 1 - self.has_tail
        tail_rows = int(self.counts[kept]) if self.has_tail else 0
        return unseen_bound(self.counts[:kept], tail_rows, len(self.tail), self.tail_once)

    def merge(self, other: Variable) -> CategoryVariable:
        """Return the distribution of the rows of both, in the order of this variable's categories.

        Raises:
            BaselineError: if the categories or their orders differ.
        """
        if not isinstance(other, CategoryVariable) or set(self.categories) != set(other.categories):
            raise BaselineError(
                f"{self.role} {self.name!r} has different categories in the two baselines"
            )
        if self.kind != other.kind or (self.is_ordered and self.categories != other.categories):
            raise BaselineError(
                f"{self.role} {self.name!r} has another order of categories in the two baselines. "
                f"Fit both with the same ordered="
            )
        there = [other.index[category] for category in self.categories]
        return replace(
            self,
            counts=self.counts + other.counts[there],
            missing=self.missing + other.missing,
            variation={},  # It belongs to the windows of one training and cannot be added up.
            tail=self.tail | other.tail,
            tail_once=self._once_in_either(other),
        )

    def _once_in_either(self, other: CategoryVariable) -> int | None:
        """Return an upper bound of the tail's categories that occur in one row of both together.

        None if one of the numbers is unknown.
        """
        # A category that occurs once in both together occurs once in one baseline and never in the
        # other. The hashes do not say which categories occur once. So there are two upper bounds:
        # the number that occurs once, and the number that the other baseline lacks.
        if self.tail_once is None or other.tail_once is None:
            return None
        return min(self.tail_once, len(self.tail - other.tail)) + min(
            other.tail_once, len(other.tail - self.tail)
        )


Variable: TypeAlias = NumericVariable | CategoryVariable


def _same(mine: Any, theirs: Any) -> bool:
    if isinstance(mine, float | np.ndarray):
        return np.array_equal(np.asarray(mine), np.asarray(theirs), equal_nan=True)
    return bool(mine == theirs)


def finite_sum(values: Floats) -> float:
    """Return the sum of finite values.

    A partial sum may overflow although the whole sum does not. Then the values are scaled down by
    a power of two before they are added, and the sum is scaled up again.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        total = float(np.sum(values))
        if not math.isfinite(total):
            total = float(np.ldexp(np.sum(np.ldexp(values, -64)), 64))
    return total + 0.0
