"""Variables without drift: the fractions that are true, and baselines drawn from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline import CategoryVariable, NumericVariable, Variable

__all__ = ["KINDS", "TAILS", "Truth"]

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """A baseline's variable, and the fraction of rows that truly comes to each of its cells."""

    variable: Variable
    fractions: Floats


def _numeric(counts: Floats, fractions: Floats) -> Truth:
    edges = np.arange(len(counts) - 1, dtype=np.float64)
    variable = NumericVariable(
        name="x",
        role="feature",
        position=0,
        counts=counts.astype(np.int64),
        missing=0,
        edges=edges,
        sum=0.0,
    )
    return Truth(variable, fractions)


def _category(fractions: Floats, rows: int, random: np.random.Generator) -> Truth:
    """Fit a category variable to rows drawn, and sum the true fractions into its cells."""
    drawn = random.multinomial(rows, fractions)
    tally = {f"c{i:04d}": int(count) for i, count in enumerate(drawn) if count}
    variable = CategoryVariable.from_tally(
        tally, 50, missing=0, name="x", role="feature", position=0
    )
    kept = [int(each[1:]) for each in variable.categories if each.startswith("c")]
    unseen = fractions[drawn == 0].sum()
    tail = [max(0.0, 1 - fractions[kept].sum() - unseen)] if variable.has_tail else []
    return Truth(variable, np.array([*fractions[kept], *tail, unseen]))


def _equal(bins: int) -> Callable[[int, np.random.Generator], Truth]:
    """Return bins of equal mass at training: the true masses between its quantiles vary."""

    def draw(rows: int, random: np.random.Generator) -> Truth:
        number = max(2, min(bins, rows // 10))
        counts = np.diff(np.round(np.linspace(0, rows, number + 1)))
        return _numeric(counts, random.dirichlet(counts))

    return draw


def _atom(rows: int, random: np.random.Generator) -> Truth:
    """A value that 60 % of the rows have, and eight bins of equal mass above it."""
    zero = int(random.binomial(rows, 0.6))
    counts = np.concatenate([[zero], np.diff(np.round(np.linspace(0, rows - zero, 9)))])
    above = 0.4 * random.dirichlet(np.maximum(counts[1:], 0.5))
    return _numeric(counts, np.concatenate([[0.6], above]))


def _fixed(fractions: Floats) -> Callable[[int, np.random.Generator], Truth]:
    return lambda rows, random: _numeric(random.multinomial(rows, fractions), fractions)


def _categories(fractions: Floats) -> Callable[[int, np.random.Generator], Truth]:
    return lambda rows, random: _category(fractions / fractions.sum(), rows, random)


_ZIPF = 1.0 / np.arange(1, 1001) ** 1.5

KINDS: dict[str, Callable[[int, np.random.Generator], Truth]] = {
    "20 bins of equal mass": _equal(20),
    "a heavy atom and 8 bins": _atom,
    "two values, 50 %": _fixed(np.array([0.5, 0.5])),
    "two values, 3 %": _categories(np.array([0.97, 0.03])),
    "10 categories": _categories(np.linspace(1, 3, 10)),
    "1,000 categories, Zipf": _categories(_ZIPF),
    "one category and 40 rare": _categories(np.array([0.998, *[0.002 / 40] * 40])),
    "constant": _fixed(np.array([0.0, 1.0, 0.0])),
}

TAILS: dict[str, Callable[[int, np.random.Generator], Truth]] = {
    "1,000 categories, Zipf": KINDS["1,000 categories, Zipf"],
    "10,000 categories, Zipf": _categories(1.0 / np.arange(1, 10_001) ** 1.2),
    "1,000 categories, even": _categories(np.ones(1000)),
    "300 categories, geometric": _categories(0.97 ** np.arange(300)),
}
"""Variables with a tail beyond the 50 categories that are kept."""
