"""The distribution of one variable at training: counts in bins or categories, and missing rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.category_tail import Tail
from boxkite.baseline.exact_sum import ExactSum
from boxkite.baseline.ordered_values import OrderedValues, ValueType
from boxkite.baseline.text_writer import format_float
from boxkite.baseline.unseen_rows import MOST_UNSEEN, unseen_bound
from boxkite.baseline.values import spelled_number
from boxkite.variation import Variation

__all__ = [
    "OTHER",
    "UNSEEN",
    "CategoryVariable",
    "NumericVariable",
    "Role",
    "Variable",
    "finite_sum",
    "range_of",
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
        segment: label of the segment that the rows belong to, such as "carrier=UA"; empty for all
            rows.
    """

    name: str
    role: Role
    position: int
    counts: Counts
    missing: int
    variation: Mapping[str, Variation] = field(default_factory=dict[str, Variation], repr=False)
    segment: str = ""

    @property
    def labels(self) -> dict[str, str]:
        """The labels that identify the variable among all variables of its model."""
        own = {"variable_role": self.role, "variable": self.name}
        return {**own, "segment": self.segment} if self.segment else own

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
        exact_sum: the exact sum, which merging needs; `sum` is the nearest float to it. None if the
            file was written by boxkite 0.0.5 or by an early version of this one.
        value_type: what the numbers stand for: numbers, booleans, times or durations.
    """

    kind: ClassVar[Literal["numeric"]] = "numeric"

    edges: Floats
    sum: float
    minimum: float = math.nan
    maximum: float = math.nan
    exact_sum: ExactSum | None = field(default=None, repr=False)
    value_type: ValueType = "number"

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
        exact = ordered.sum()
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
            sum=float(exact),
            exact_sum=exact,
            minimum=minimum,
            maximum=maximum,
            value_type=ordered.value_type,
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


@dataclass(frozen=True, kw_only=True, eq=False)
class CategoryVariable(_Distribution):
    """A categorical variable: counts of its most common categories, and of the others together.

    Attributes:
        kind: "ordered" if the categories have an order, such as S, M and L, and "category"
            otherwise.
        categories: names of the cells. The most common category comes first. If there are rarer
            ones, `__other__` follows. Ordered categories are all kept and stand in their order. The
            last cell is always `__unseen__`, whose training count is 0.
        tail: hashes (`category_tail.label_hash`) of the categories that are counted as `__other__`.
        tail_once: number of these categories that occur in one training row. It is an upper bound
            if `once` is unknown. None if there are none, or if the number is unknown.
        once: hashes of these categories, which merging needs. None if they are unknown, as in older
            files.
        whole: the variable of all training rows, if this one is of a segment. It decides which cell
            a label belongs to.
    """

    kind: Literal["category", "ordered"] = "category"
    categories: tuple[str, ...]
    tail: frozenset[int] = field(default=frozenset(), repr=False)
    tail_once: int | None = None
    once: frozenset[int] | None = field(default=None, repr=False)
    whole: CategoryVariable | None = field(default=None, repr=False)

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
        labels.sort(key=lambda label: (-tally[label], label))
        kept = {label: tally[label] for label in labels[:max_categories]}
        rare = {label: rows for label, rows in tally.items() if label not in kept}
        return cls.from_counts(
            kept,
            Tail.of(rare) if rare else None,
            missing=missing,
            name=name,
            role=role,
            position=position,
        )

    @classmethod
    def from_counts(
        cls,
        kept: Mapping[str, int],
        tail: Tail | None,
        *,
        missing: int,
        name: str,
        role: Role,
        position: int,
    ) -> CategoryVariable:
        """Return the variable of kept categories and a tail.

        Args:
            kept: number of rows of each category with a cell of its own.
            tail: the categories that are counted together; None if there are none.
            missing: number of rows without a label.
            name: name of the variable.
            role: role of the variable.
            position: position of the variable.
        """
        # The order must not depend on the order of rows or of merged parts, or equal data would
        # give two versions.
        cells = sorted(kept, key=lambda label: (-kept[label], label))
        counts = [kept[label] for label in cells]
        if tail is not None:
            cells, counts = [*cells, OTHER], [*counts, tail.rows]
        return cls(
            name=name,
            role=role,
            position=position,
            counts=np.array([*counts, 0], dtype=np.int64),
            missing=missing,
            categories=(*cells, UNSEEN),
            tail=tail.hashes if tail else frozenset(),
            tail_once=tail.most_once if tail else None,
            once=tail.once if tail else None,
        )

    @cached_property
    def kept(self) -> dict[str, int]:
        """Number of training rows of each category with a cell of its own."""
        pairs = zip(self.categories, self.counts.tolist(), strict=True)
        return {label: rows for label, rows in pairs if label not in (OTHER, UNSEEN)}

    @property
    def rare(self) -> Tail | None:
        """The categories that are counted together; None if there is no such cell."""
        if not self.has_tail:
            return None
        return Tail(int(self.counts[self.index[OTHER]]), self.tail, self.once, self.tail_once)

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
        if self.whole is not None:
            return self.whole.tail_takes_unseen
        kept = self.counts[: len(self.counts) - 1 - self.has_tail]
        too_many = self._unseen_bound > MOST_UNSEEN * int(self.counts.sum())
        return self.has_tail and too_many and len(kept) > 0 and int(kept.min()) >= _LEAST_KEPT

    @cached_property
    def _unseen_bound(self) -> int:
        kept = len(self.counts) - 1 - self.has_tail
        tail_rows = int(self.counts[kept]) if self.has_tail else 0
        return unseen_bound(self.counts[:kept], tail_rows, len(self.tail), self.tail_once)


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


def range_of(variable: Variable) -> tuple[float, float]:
    """Return the least and the greatest number at training; NaN for categories."""
    if isinstance(variable, NumericVariable):
        return variable.minimum, variable.maximum
    return math.nan, math.nan
