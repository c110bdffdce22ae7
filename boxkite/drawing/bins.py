"""A variable at training, as far as it is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bins", "Categories"]

Floats: TypeAlias = NDArray[np.float64]
Counts: TypeAlias = NDArray[np.int64]


class Bins(Protocol):
    """A numeric variable at training, as far as it is drawn.

    Attributes:
        kind: `numeric`.
        edges: Finite edges between the bins, ascending. The first and last bin are open.
        minimum: Smallest finite value at training; NaN if there is none.
        maximum: Largest finite value at training; NaN if there is none.
        sum: Sum of the finite values at training.
        counts: Training rows in each bin, one more than there are edges.
        value_type: What the numbers stand for: `number`, `boolean`, `time` (seconds since 1970 in
            UTC) or `duration` (seconds).
    """

    kind: ClassVar[Literal["numeric"]]

    @property
    def edges(self) -> Floats: ...
    @property
    def minimum(self) -> float: ...
    @property
    def maximum(self) -> float: ...
    @property
    def sum(self) -> float: ...
    @property
    def counts(self) -> Counts: ...
    @property
    def value_type(self) -> str: ...


class Categories(Protocol):
    """A categorical variable at training, as far as it is drawn.

    Attributes:
        kind: `ordered` if the categories have an order, else `category`.
        categories: Label of each category.
        counts: Training rows in each category.
    """

    @property
    def kind(self) -> Literal["category", "ordered"]: ...
    @property
    def categories(self) -> Sequence[str]: ...
    @property
    def counts(self) -> Counts: ...
