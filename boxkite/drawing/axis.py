"""Labels below the picture of a distribution: numbers along an axis, or names of categories."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.drawing.printable import one_line
from boxkite.drawing.shapes import Bar, Bins, drawn_bins

__all__ = ["Label", "category_labels", "number_labels"]

Floats: TypeAlias = NDArray[np.float64]

# Characters that fit below a picture: it is some 300 pixels wide, a small digit some 6.
_CHARACTERS = 46
_GAP = 2
_STEPS = 6
_MOST_UPRIGHT = 10
# Below this span, dividing the axis into steps would run into subnormal numbers.
_SHORTEST = 1e-300
# Numbers are written out up to this many digits, or up to this value if the axis needs more digits.
# Larger numbers get an exponent.
_SHORT, _LONG = 6, 1e15


@dataclass(frozen=True)
class Label:
    """A text below a picture.

    Attributes:
        text: Text in one line.
        place: Place that the text marks, as a fraction of the picture's width.
        anchor: Part of the text that stands at the place: `start`, `middle` or `end`, as in SVG.
        upright: Whether the text is turned because it has no room otherwise.
    """

    text: str
    place: float
    anchor: str = "middle"
    upright: bool = False


def number_labels(bins: Bins) -> list[Label]:
    """Return labels for the axis of a numeric variable.

    The ends show the smallest and largest value at training, with an arrow if the value lies
    outside the picture. Round numbers fill the room between them.
    """
    if not len(bins.edges):
        return []
    edges, places = drawn_bins(bins)
    first, last = float(edges[0]), float(edges[-1])
    if not _SHORTEST < last - first < math.inf:
        return []
    digits, near = _digits(first, last), (last - first) * 1e-9
    left, right = _number(bins.minimum, digits), _number(bins.maximum, digits)
    starts: list[Label] = []
    ends: list[Label] = []
    if bins.minimum <= first + near:
        arrow = "← " if bins.minimum < first - near else ""
        starts.append(Label(f"{arrow}{left}", 0.0, "start"))
    if bins.maximum >= last - near:
        arrow = " →" if bins.maximum > last + near else ""
        ends.append(Label(f"{right}{arrow}", 1.0, "end"))
    taken, room = _reach(starts), 1 - _reach(ends)
    return [*starts, *_between(edges, places, digits, taken, room), *ends]


def _reach(labels: Sequence[Label]) -> float:
    """Return the fraction of the picture's width that the labels at one end take."""
    return sum(len(each.text) + _GAP for each in labels) / _CHARACTERS


def _between(
    edges: Floats, places: Floats, digits: int, taken: float, room: float
) -> Iterator[Label]:
    """Yield round numbers between the places `taken` and `room`, leaving out overlapping ones."""
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
    """Return a number with the given digits, without an exponent unless it is very large."""
    text = f"{value:.{digits}g}"
    whole = abs(value) < (_LONG if digits > _SHORT else 10**_SHORT)
    return f"{value:.0f}" if "e+" in text and whole else text


def _round_step(step: float) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten that is at least `step`."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * each for each in (1, 2, 5, 10) if power * each >= step * (1 - 1e-9))


def _digits(first: float, last: float) -> int:
    """Return how many significant digits values of a range need to differ as text."""
    greatest = max(abs(first), abs(last))
    return min(max(3, math.ceil(math.log10(greatest / (last - first))) + 3), 15)


def category_labels(bars: Sequence[Bar]) -> list[Label]:
    """Return the name of each category below its bar, turned upright if the names are too long."""
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
