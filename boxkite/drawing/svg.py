"""Pictures of a distribution: SVG for pages, and a line of block characters for terminals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray

from boxkite.drawing.printable import one_line
from boxkite.drawing.shapes import Bar

__all__ = ["Sketch", "percent", "picture", "sketch"]

_WIDTH, _HEIGHT = 320, 96
_GAP = 0.15
_BLOCKS = " ▁▂▃▄▅▆▇█"
_ROUNDING = 1e-9  # keeps a height that is a whole number of blocks from rounding up


def picture(bars: Sequence[Bar], kind: str, label: str) -> str:
    """Return both distributions on one scale as SVG, live in front of training.

    The SVG has no style of its own. Style the classes `trained`, `live` and `outline`, which is the
    upper border of live bins. The class
    `cut` marks bins that are not drawn to scale. Each bar has a tooltip with its numbers.

    Args:
        bars: Bars of the variable.
        kind: Kind from `drawn_kind`: `numeric`, `value`, `ordered` or `category`.
        label: Text alternative for screen readers.
    """
    served = any(each.live for each in bars)
    drawn = "".join(_bar(each, kind, served) for each in bars)
    if kind == "numeric":
        # Training is one shape behind the bars, because adjacent bars would show hairlines
        # between them.
        drawn = _steps("trained", bars, [each.trained_height for each in bars]) + drawn
        drawn += _steps("outline", bars, [each.live_height for each in bars]) if served else ""
        drawn += "".join(_cut(each) for each in bars if each.is_cut)
    named = quoteattr(one_line(label))
    return (
        f'<svg class="distribution {kind}" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'preserveAspectRatio="none" role="img" aria-label={named}>{drawn}</svg>'
    )


def _bar(bar: Bar, kind: str, served: bool) -> str:
    """Return the two bars of a bin, one over the other, or of a category, side by side."""
    left, width, further = bar.left * _WIDTH, bar.width * _WIDTH, 0.0
    if kind != "numeric":
        gap = width * _GAP
        left, width = left + gap / 2, width - gap
        if served:
            width /= 2
            further = width
    tooltip = f"{bar.label}: training {percent(bar.trained_fraction)}"
    tooltip += f", live {percent(bar.live_fraction)}" if served else ""
    tooltip += "; not drawn to scale" if bar.is_cut else ""
    return (
        f"<g><title>{escape(one_line(tooltip))}</title>"
        f"{_rect('trained', left, width, bar.trained_height)}"
        f"{_rect('live', left + further, width, bar.live_height)}</g>"
    )


def _rect(name: str, left: float, width: float, height: float) -> str:
    tall = height * _HEIGHT
    return (
        f'<rect class="{name}" x="{left:.2f}" y="{_HEIGHT - tall:.2f}" '
        f'width="{width:.2f}" height="{tall:.2f}"/>'
    )


def _cut(bar: Bar) -> str:
    """Return two slanted lines across the axis, as engineers draw a cut."""
    middle = (bar.left + bar.width / 2) * _WIDTH
    lines = "".join(f"M{middle + x - 3:.2f},{_HEIGHT}l4,-12" for x in (-2, 2))
    return f'<path class="cut" d="{lines}"/>'


def _steps(name: str, bars: Sequence[Bar], heights: Sequence[float]) -> str:
    """Return a distribution as one path of steps."""
    steps = "".join(
        f"V{_HEIGHT * (1 - height):.2f}H{(each.left + each.width) * _WIDTH:.2f}"
        for each, height in zip(bars, heights, strict=True)
    )
    return f'<path class="{name}" d="M0,{_HEIGHT}{steps}V{_HEIGHT}"/>'


def percent(fraction: float) -> str:
    """Return a fraction as a percentage with at most three digits."""
    return f"{100 * fraction:.3g} %" if fraction < 1 else "100 %"


class Sketch(NamedTuple):
    """Two distributions on one scale, each as a line of block characters.

    Attributes:
        trained: Distribution at training.
        live: Distribution while serving.
    """

    trained: str
    live: str


def sketch(bars: Sequence[Bar], kind: str, width: int) -> Sketch:
    """Return both distributions as lines of block characters.

    Bins are resampled to the width, by density. Categories get one character each.

    Args:
        bars: Bars of the variable.
        kind: Kind from `drawn_kind`: `numeric`, `value`, `ordered` or `category`.
        width: Greatest length of a line in characters.
    """
    heights = np.array([(each.trained_height, each.live_height) for each in bars[:width]])
    if kind == "numeric":
        heights = _resampled(bars, width)
    top = float(heights.max(initial=0.0)) or 1.0
    steps = np.ceil(heights / top * (len(_BLOCKS) - 1) - _ROUNDING).astype(int)
    trained, live = ("".join(_BLOCKS[step] for step in column) for column in steps.T)
    return Sketch(trained, live)


def _resampled(bars: Sequence[Bar], width: int) -> NDArray[np.float64]:
    """Return the mean height of both distributions in each of `width` columns of equal width."""
    edges: NDArray[np.float64] = np.array([0.0, *(each.left + each.width for each in bars)])
    heights = np.array([(each.trained_height, each.live_height) for each in bars])
    # Differences of the interpolated cumulative area are exact means, however a column cuts bars.
    areas = np.cumsum(heights * np.diff(edges)[:, None], axis=0)
    grid = np.linspace(0.0, float(edges[-1]), width + 1)
    below = [np.interp(grid, edges, [0.0, *areas[:, side]]) for side in (0, 1)]
    return np.diff(np.stack(below, axis=1), axis=0)
