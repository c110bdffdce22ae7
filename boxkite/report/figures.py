"""Drawings of a card as SVG: two distributions, and how drift went. Text stays text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

from boxkite.report.cards import Card
from boxkite.report.shapes import Bar

__all__ = ["distribution", "sparkline"]

_WIDTH, _HEIGHT = 320, 96
_SPARK_HEIGHT = 28
_GAP = 0.15


def distribution(card: Card) -> str:
    """Return both distributions of a variable on one scale, training behind and live before."""
    kind = "category" if card.variable.kind == "category" else "numeric"
    drawn = "".join(_bar(each, kind) for each in card.bars)
    label = quoteattr(f"{card.drift.name}: training and live distribution")
    return (
        f'<svg class="distribution {kind}" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'preserveAspectRatio="none" role="img" aria-label={label}>{drawn}</svg>'
    )


def _bar(bar: Bar, kind: str) -> str:
    """Return a bin as two bars in one place, or a category as two bars side by side."""
    left, width = bar.left * _WIDTH, bar.width * _WIDTH
    if kind == "numeric":
        return _rect("trained", left, width, bar.trained_height) + _rect(
            "live", left, width, bar.live_height
        )
    gap = width * _GAP
    half = (width - gap) / 2
    return _rect("trained", left + gap / 2, half, bar.trained_height) + _rect(
        "live", left + gap / 2 + half, half, bar.live_height
    )


def _rect(name: str, left: float, width: float, height: float) -> str:
    tall = height * _HEIGHT
    return (
        f'<rect class="{name}" x="{left:.2f}" y="{_HEIGHT - tall:.2f}" '
        f'width="{width:.2f}" height="{tall:.2f}"/>'
    )


def sparkline(values: Sequence[float], critical: float) -> str:
    """Return PSI over the hours as a line, with the critical value; empty for fewer than two."""
    points = [(i, value) for i, value in enumerate(values) if not math.isnan(value)]
    if len(points) < 2:
        return ""
    limit = critical if math.isfinite(critical) else 0.0
    top = max(*(value for _, value in points), limit) or 1.0
    step = _WIDTH / (len(values) - 1)
    line = " ".join(f"{i * step:.1f},{_level(value / top):.1f}" for i, value in points)
    level = f"{_level(limit / top):.1f}"
    return (
        f'<svg class="trend" viewBox="0 0 {_WIDTH} {_SPARK_HEIGHT}" preserveAspectRatio="none" '
        'role="img" aria-label="PSI by the hour, with the critical value as a line">'
        f'<line class="critical" x1="0" x2="{_WIDTH}" y1="{level}" y2="{level}"/>'
        f'<polyline points="{line}"/></svg>'
    )


def _level(fraction: float) -> float:
    return 1 + (1 - fraction) * (_SPARK_HEIGHT - 2)
