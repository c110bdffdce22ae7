"""What stands below the picture of a distribution: numbers along an axis, or categories."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.printable import one_line
from boxkite.baseline.variable import NumericVariable
from boxkite.drawing.shapes import Bar, drawn_bins

__all__ = ["Label", "category_labels", "number_labels"]

Floats: TypeAlias = NDArray[np.float64]

# Of a picture of some 300 pixels, by small digits of some 6.
_CHARACTERS = 46
_GAP = 2
_STEPS = 6
_MOST_UPRIGHT = 10
_SHORTEST = 1e-300
_SHORT, _LONG = 6, 1e15


@dataclass(frozen=True)
class Label:
    """A text below a picture.

    Attributes:
        text: in one line.
        place: that it is about, as a fraction of the picture's width.
        anchor: which part of the text is there: start, middle or end; SVG's words.
        upright: whether it is turned, as it has no room otherwise.
    """

    text: str
    place: float
    anchor: str = "middle"
    upright: bool = False


def number_labels(variable: NumericVariable) -> list[Label]:
    """Return round numbers along the axis, and the least and greatest value at training at its
    ends, with an arrow where they are further out than the picture."""
    if not len(variable.edges):
        return []
    edges, places = drawn_bins(variable)
    first, last = float(edges[0]), float(edges[-1])
    if not _SHORTEST < last - first < math.inf:
        return []
    digits, near = _digits(first, last), (last - first) * 1e-9
    left, right = _number(variable.minimum, digits), _number(variable.maximum, digits)
    starts, ends = [], []
    if variable.minimum <= first + near:
        arrow = "← " if variable.minimum < first - near else ""
        starts.append(Label(f"{arrow}{left}", 0.0, "start"))
    if variable.maximum >= last - near:
        arrow = " →" if variable.maximum > last + near else ""
        ends.append(Label(f"{right}{arrow}", 1.0, "end"))
    taken, room = _reach(starts), 1 - _reach(ends)
    return [*starts, *_between(edges, places, digits, taken, room), *ends]


def _reach(labels: Sequence[Label]) -> float:
    """Return the fraction of the picture's width that a label at an end takes."""
    return sum(len(each.text) + _GAP for each in labels) / _CHARACTERS


def _between(
    edges: Floats, places: Floats, digits: int, taken: float, room: float
) -> Iterator[Label]:
    """Yield the round numbers that have room beside each other, from one place to another."""
    first, last = float(edges[0]), float(edges[-1])
    step = _round_step((last - first) / _STEPS)
    for count in range(math.ceil(first / step), math.floor(last / step) + 1):
        text = _number(count * step, digits)
        place = float(np.interp(count * step, edges, places))
        half = len(text) / 2 / _CHARACTERS
        if place - half >= taken and place + half <= room:
            yield Label(text, place)
            taken = place + half + _GAP / _CHARACTERS


def _number(value: float, digits: int) -> str:
    """Return a number of so many digits; with an exponent only where it is far shorter."""
    text = f"{value:.{digits}g}"
    whole = abs(value) < (_LONG if digits > _SHORT else 10**_SHORT)
    return f"{value:.0f}" if "e+" in text and whole else text


def _round_step(step: float) -> float:
    """Return the least of 1, 2, 5, 10 … that is no smaller."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * each for each in (1, 2, 5, 10) if power * each >= step * (1 - 1e-9))


def _digits(first: float, last: float) -> int:
    """Return how many digits tell values of a range apart."""
    greatest = max(abs(first), abs(last))
    return min(max(3, math.ceil(math.log10(greatest / (last - first))) + 3), 15)


def category_labels(bars: Sequence[Bar]) -> list[Label]:
    """Return the names of the categories, below their bars; upright where they are too many."""
    if not bars:
        return []
    room = int(_CHARACTERS * bars[0].width) - 1
    names = [one_line(each.label) for each in bars]
    upright = len(bars) > _CHARACTERS // _MOST_UPRIGHT and max(map(len, names)) > room
    most = _MOST_UPRIGHT if upright else room
    return [
        Label(
            name if len(name) <= most else f"{name[: most - 1]}…",
            bar.left + bar.width / 2,
            "start" if upright else "middle",
            upright,
        )
        for name, bar in zip(names, bars, strict=True)
    ]
