"""The name of one cell in words: "0", "values above 1 and up to 2", "rarer categories"."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.drawing.bins import Bins, Categories
from boxkite.drawing.printable import one_line
from boxkite.drawing.value_text import distinct_texts, value_text
from boxkite.drawing.whole_values import WholeValues, whole_values

__all__ = ["cell_words"]

Floats: TypeAlias = NDArray[np.float64]

_RESERVED = {
    "__other__": "rarer categories",
    "__unseen__": "categories that training never saw",
}

# A bin that is this many times as dense as its neighbours holds one heavy value. Bins of equal mass
# next to each other rarely differ by more than a factor of three.
_DENSER = 20.0


def cell_words(trained: Bins | Categories, cell: int, *, outside: bool = False) -> str:
    """Return what a bin or category is called in a sentence.

    A bin that holds one value is called by that value. Edges lie halfway between two values of
    training, so a bin such as (0.5, 1.5] of a variable of whole numbers is called "1".

    Args:
        trained: Bins or categories with their training counts.
        cell: Index of the cell.
        outside: Whether the first and last bin may hold values outside the range of training.
    """
    if trained.kind == "numeric":
        return _bin_words(trained, cell, outside=outside)
    name = trained.categories[cell]
    return _RESERVED.get(name) or f"'{one_line(name)}'"


def _bin_words(bins: Bins, cell: int, *, outside: bool) -> str:
    ends = (-math.inf, math.inf) if outside else (bins.minimum, bins.maximum)
    bounds = np.array([ends[0], *bins.edges, ends[1]])
    whole = whole_values(bins)
    if whole is not None:
        value = "" if np.isinf(bounds[[cell, cell + 1]]).any() else _range(bins, whole, cell)
        texts = [_text(bins, each) for each in whole.last[:-1].tolist()]
    else:
        value = _heavy_value(bins, bounds, cell)
        texts = distinct_texts(bins.edges.tolist(), bins.value_type)
    if value or not texts:
        return value or "any value"
    if cell == 0:
        return f"values up to {texts[0]}"
    if cell == len(texts):
        return f"values above {texts[-1]}"
    return f"values above {texts[cell - 1]} and up to {texts[cell]}"


def _range(bins: Bins, whole: WholeValues, cell: int) -> str:
    """Return the whole values of a bin: "3" or "values from 3 to 7"."""
    first, last = (_text(bins, float(each[cell])) for each in (whole.first, whole.last))
    return first if first == last else f"values from {first} to {last}"


def _text(bins: Bins, whole: float) -> str:
    """Return a whole value, with all digits of a number."""
    return f"{whole:.0f}" if bins.value_type == "number" else value_text(whole, bins.value_type)


def _heavy_value(bins: Bins, bounds: Floats, cell: int) -> str:
    """Return the value that most rows of a bin have; empty if the bin does not hold one."""
    if _is_constant(bins):
        return f"{('values below ', '', 'values above ')[cell]}{_shown(bins, bins.minimum)}"
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        density = bins.counts / np.diff(bounds)
    neighbours = [density[each] for each in (cell - 1, cell + 1) if 0 <= each < len(density)]
    if not neighbours or not density[cell] > _DENSER * max(neighbours):
        return ""
    low, high = float(bounds[cell]), float(bounds[cell + 1])
    if cell == 0:
        return _shown(bins, low)
    if cell == len(bins.edges):
        return _shown(bins, high)
    if bins.value_type == "time":
        return f"about {_shown(bins, low / 2 + high / 2)}"
    return "0" if low < 0 < high else f"about {_shortest(low, high)}"


def _shown(bins: Bins, value: float) -> str:
    return value_text(value, bins.value_type)


def _is_constant(bins: Bins) -> bool:
    """Return whether training had one value, between the only two edges."""
    if len(bins.edges) != 2 or bins.minimum != bins.maximum:
        return False
    return bool(bins.edges[0] < bins.minimum <= bins.edges[1])


def _shortest(low: float, high: float) -> str:
    """Return the number between two others that has the fewest digits."""
    middle = low / 2 + high / 2
    texts = (f"{middle:.{digits}g}" for digits in range(1, 18))
    numbers = map(float, texts)
    return f"{next((each for each in numbers if low < each <= high), high):g}"
