"""Drawings of a card as SVG: two distributions, and how drift went. Text stays text."""

from __future__ import annotations

import math
from collections.abc import Sequence

from boxkite.baseline.figures import picture
from boxkite.report.cards import Card

__all__ = ["distribution", "sparkline"]

_WIDTH = 320
_SPARK_HEIGHT = 28


def distribution(card: Card) -> str:
    """Return both distributions of a variable on one scale, training behind and live before."""
    label = f"{card.drift.name}: training and live distribution"
    return picture(card.bars, card.variable.kind, label)


def sparkline(multiples: Sequence[float]) -> str:
    """Return multiples of the critical value over the hours as a line, with 1 as another; empty for
    fewer than two."""
    points = [(i, value) for i, value in enumerate(multiples) if not math.isnan(value)]
    if len(points) < 2:
        return ""
    top = max(1.0, *(value for _, value in points))
    step = _WIDTH / (len(multiples) - 1)
    line = " ".join(f"{i * step:.1f},{_level(value / top):.1f}" for i, value in points)
    level = f"{_level(1 / top):.1f}"
    return (
        f'<svg class="trend" viewBox="0 0 {_WIDTH} {_SPARK_HEIGHT}" preserveAspectRatio="none" '
        'role="img" aria-label="PSI by the hour, beside its critical value">'
        f'<line class="critical" x1="0" x2="{_WIDTH}" y1="{level}" y2="{level}"/>'
        f'<polyline points="{line}"/></svg>'
    )


def _level(fraction: float) -> float:
    return 1 + (1 - fraction) * (_SPARK_HEIGHT - 2)
