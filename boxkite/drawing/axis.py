"""Labels below the picture of a distribution: numbers along an axis, or names of categories."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from boxkite.drawing.bins import Bins
from boxkite.drawing.drawn_bins import DrawnBins, drawn_bins
from boxkite.drawing.printable import one_line
from boxkite.drawing.round_steps import round_duration, round_moments, round_step
from boxkite.drawing.shapes import Bar
from boxkite.drawing.value_text import value_text

__all__ = ["Label", "category_labels", "number_labels"]

Floats: TypeAlias = NDArray[np.float64]

# A picture is some 300 pixels wide, and a small digit some 6.
_PIXELS, _CHARACTERS = 300, 46
_GAP = 2
_STEPS = 6
_MOST_UPRIGHT = 10
# Below this span, dividing the axis into steps would run into subnormal numbers.
_SHORTEST = 1e-300
_DAY = 86400.0
_DAYS_SHOWN = 14 * _DAY  # On a longer axis, the time of day cannot be seen.
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

    The ends show the smallest and largest value at training. Round numbers, or dates, fill the room
    between them where the axis is not cut.
    """
    if not len(bins.edges):
        return []
    drawn = drawn_bins(bins)
    first, last = float(drawn.edges[0]), float(drawn.edges[-1])
    if not _SHORTEST < last - first < math.inf:
        return []
    digits = _digits(first, last)
    starts: list[Label] = []
    ends: list[Label] = []
    if bins.minimum < bins.maximum:
        starts.append(Label(_end_text(bins, bins.minimum, last - first, digits), 0.0, "start"))
        ends.append(Label(_end_text(bins, bins.maximum, last - first, digits), 1.0, "end"))
    taken, room = _reach(starts), 1 - _reach(ends)
    return [*starts, *_between(bins, drawn, digits, taken, room), *ends]


def _reach(labels: Sequence[Label]) -> float:
    """Return the fraction of the picture's width that the labels at one end take."""
    return sum(len(each.text) + _GAP for each in labels) / _CHARACTERS


def _between(
    bins: Bins, drawn: DrawnBins, digits: int, taken: float, room: float
) -> Iterator[Label]:
    """Yield round values between the places `taken` and `room`, leaving out overlapping ones."""
    whole = np.flatnonzero(~drawn.is_cut)
    if not len(whole):
        return
    first, last = float(drawn.edges[whole[0]]), float(drawn.edges[whole[-1] + 1])
    for value, text in _round_values(bins, first, last, digits):
        cell = int(np.searchsorted(drawn.edges, value)) - 1
        if drawn.is_cut[max(cell, 0)]:
            continue
        place = float(np.interp(value, drawn.edges, drawn.places))
        half = len(text) / 2 / _CHARACTERS
        if place - half >= taken and place + half <= room:
            yield Label(text, place)
            taken = place + half + _GAP / _CHARACTERS


def _round_values(
    bins: Bins, first: float, last: float, digits: int
) -> Iterator[tuple[float, str]]:
    if bins.value_type == "time":
        yield from round_moments(first, last, _STEPS)
        return
    step = round_step((last - first) / _STEPS)
    if bins.value_type == "duration":
        step = round_duration((last - first) / _STEPS)
    for count in range(math.ceil(first / step), math.floor(last / step) + 1):
        yield count * step, _text(bins, count * step, digits)


def _text(bins: Bins, value: float, digits: int) -> str:
    """Return a value; a number with the given digits, and an exponent only if it is very large."""
    if bins.value_type != "number":
        return value_text(value, bins.value_type)
    text = f"{value:.{digits}g}"
    whole = abs(value) < (_LONG if digits > _SHORT else 10**_SHORT)
    return f"{value:.0f}" if "e+" in text and whole else text


def _end_text(bins: Bins, value: float, span: float, digits: int) -> str:
    """Return an extreme value, no more exactly than anyone can see in the picture.

    Whole numbers are written out, because a round one would seem to be exact.
    """
    if bins.value_type == "time" and span > _DAYS_SHOWN:
        return value_text(value - value % _DAY, bins.value_type)
    if bins.value_type != "number" or value.is_integer():
        return _text(bins, value, digits)
    rounded = (float(f"{value:.{each}g}") for each in range(2, digits))
    seen = next((each for each in rounded if abs(each - value) <= span / _PIXELS), value)
    return _text(bins, seen, digits)


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
