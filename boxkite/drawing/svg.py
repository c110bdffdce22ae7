"""Drawings of a variable's distribution: as SVG, and as a line of blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray

from boxkite.baseline.printable import one_line
from boxkite.drawing.shapes import Bar

__all__ = ["Sketch", "percent", "picture", "sketch"]

_WIDTH, _HEIGHT = 320, 96
_GAP = 0.15
_BLOCKS = " ▁▂▃▄▅▆▇█"
_ROUNDING = 1e-9


def picture(bars: Sequence[Bar], kind: str, label: str) -> str:
    """Return both distributions on one scale as SVG, training behind and live before.

    It has no style of its own: its classes are `trained`, `live` and, for the upper border of live
    bins, `outline`. What a bar stands for is said where a pointer rests on it.

    Args:
        bars: of the variable.
        kind: numeric or category.
        label: what the picture shows, for who cannot see it.
    """
    served = any(each.live for each in bars)
    drawn = "".join(_bar(each, kind, served) for each in bars)
    if kind == "numeric":
        # One shape behind the bars, so that no line shows where two of them meet.
        drawn = _steps("trained", bars, [each.trained_height for each in bars]) + drawn
        drawn += _steps("outline", bars, [each.live_height for each in bars]) if served else ""
    named = quoteattr(one_line(label))
    return (
        f'<svg class="distribution {kind}" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'preserveAspectRatio="none" role="img" aria-label={named}>{drawn}</svg>'
    )


def _bar(bar: Bar, kind: str, served: bool) -> str:
    """Return a bin as two bars in one place, or a category as two bars side by side."""
    left, width, further = bar.left * _WIDTH, bar.width * _WIDTH, 0.0
    if kind == "category":
        gap = width * _GAP
        left, width = left + gap / 2, (width - gap) / 2
        further = width
    said = f"{bar.label}: training {percent(bar.trained_fraction)}"
    said += f", live {percent(bar.live_fraction)}" if served else ""
    return (
        f"<g><title>{escape(one_line(said))}</title>"
        f"{_rect('trained', left, width, bar.trained_height)}"
        f"{_rect('live', left + further, width, bar.live_height)}</g>"
    )


def _rect(name: str, left: float, width: float, height: float) -> str:
    tall = height * _HEIGHT
    return (
        f'<rect class="{name}" x="{left:.2f}" y="{_HEIGHT - tall:.2f}" '
        f'width="{width:.2f}" height="{tall:.2f}"/>'
    )


def _steps(name: str, bars: Sequence[Bar], heights: Sequence[float]) -> str:
    """Return a distribution as one shape of steps."""
    steps = "".join(
        f"V{_HEIGHT * (1 - height):.2f}H{(each.left + each.width) * _WIDTH:.2f}"
        for each, height in zip(bars, heights, strict=True)
    )
    return f'<path class="{name}" d="M0,{_HEIGHT}{steps}V{_HEIGHT}"/>'


def percent(fraction: float) -> str:
    """Return a fraction as per cent, of three digits at most."""
    return f"{100 * fraction:.3g} %" if fraction < 1 else "100 %"


class Sketch(NamedTuple):
    """Two distributions on one scale, each as a line of blocks.

    Attributes:
        trained: at training.
        live: while serving.
    """

    trained: str
    live: str


def sketch(bars: Sequence[Bar], kind: str, width: int) -> Sketch:
    """Return both distributions as lines of at most so many blocks.

    Bins are drawn where they lie, by their density; of categories the commonest, a block each.

    Args:
        bars: of the variable.
        kind: numeric or category.
        width: in characters.
    """
    heights = np.array([(each.trained_height, each.live_height) for each in bars[:width]])
    if kind == "numeric":
        heights = _resampled(bars, width)
    top = float(heights.max(initial=0.0)) or 1.0
    steps = np.ceil(heights / top * (len(_BLOCKS) - 1) - _ROUNDING).astype(int)
    trained, live = ("".join(_BLOCKS[step] for step in column) for column in steps.T)
    return Sketch(trained, live)


def _resampled(bars: Sequence[Bar], width: int) -> NDArray[np.float64]:
    """Return the mean heights of both distributions in so many columns of equal width."""
    edges = np.array([0.0, *(each.left + each.width for each in bars)])
    heights = np.array([(each.trained_height, each.live_height) for each in bars])
    areas = np.cumsum(heights * np.diff(edges)[:, None], axis=0)
    grid = np.linspace(0.0, edges[-1], width + 1)
    below = [np.interp(grid, edges, [0.0, *areas[:, side]]) for side in (0, 1)]
    return np.diff(np.stack(below, axis=1), axis=0)
