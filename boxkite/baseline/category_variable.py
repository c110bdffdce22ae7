"""A categorical variable at training: counts of the common categories, and of the rare ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from boxkite.baseline.category_tail import Tail
from boxkite.baseline.distribution import Counts, Distribution, Role
from boxkite.baseline.text_writer import format_float
from boxkite.baseline.unseen_rows import MOST_UNSEEN, unseen_bound
from boxkite.baseline.values import spelled_number
from boxkite.system.cached_property import cached_property

__all__ = ["OTHER", "UNSEEN", "CategoryVariable"]

OTHER = "__other__"
"""The cell of the rare categories, which are counted together."""

UNSEEN = "__unseen__"
"""The cell of categories that training never saw."""

_LEAST_KEPT = 10
"""Fewest training rows of a kept category if unseen labels count in `__other__`."""

_MAX_FLOAT32 = float(np.finfo(np.float32).max)


@dataclass(frozen=True, kw_only=True, eq=False)
class CategoryVariable(Distribution):
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
