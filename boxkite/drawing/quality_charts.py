"""Charts of a model's quality as SVG: a reliability curve, and a statistic over days."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from boxkite.drawing.svg import percent

__all__ = ["DayPoint", "ReliabilityPoint", "reliability_chart", "timeline"]

_SIDE = 200
_WIDTH, _HEIGHT, _GAP, _COVERAGE = 640, 120, 18, 24
_MARGIN = 0.1


class ReliabilityPoint(NamedTuple):
    """One bin of a score.

    Attributes:
        score: Mean score of its rows.
        rate: Share of its rows that are positive.
        low: Lower end of the interval of the rate at 95 %.
        high: Upper end of that interval.
        rows: Number of rows.
    """

    score: float
    rate: float
    low: float
    high: float
    rows: int


class DayPoint(NamedTuple):
    """A statistic on one day.

    Attributes:
        day: The day as text.
        value: The statistic; NaN if it is not defined.
        low: Lower end of its interval at 95 %.
        high: Upper end of that interval.
        coverage: Share of the predictions that have a label.
    """

    day: str
    value: float
    low: float
    high: float
    coverage: float


def reliability_chart(points: Sequence[ReliabilityPoint], label: str) -> str:
    """Return the rate of positives over the mean score, with intervals.

    A calibrated score lies on the diagonal. Both axes run from 0 to 1.

    Args:
        points: Bins with rows, in the order of the score.
        label: Text alternative for screen readers.
    """
    drawn = ""
    for each in points:
        x = f"{each.score * _SIDE:.1f}"
        tooltip = (
            f"score {each.score:.3g}: {percent(each.rate)} positive "
            f"({percent(each.low)} to {percent(each.high)}), {each.rows:,} rows"
        )
        drawn += (
            f"<g><title>{escape(tooltip)}</title>"
            f'<line class="interval" x1="{x}" x2="{x}" y1="{_up(each.low)}" y2="{_up(each.high)}"/>'
            f'<circle class="value" cx="{x}" cy="{_up(each.rate)}" r="3.5"/></g>'
        )
    return (
        f'<svg class="reliability" viewBox="-4 -4 {_SIDE + 8} {_SIDE + 8}" role="img" '
        f'aria-label={quoteattr(label)}><rect class="frame" width="{_SIDE}" height="{_SIDE}"/>'
        f'<line class="ideal" y1="{_SIDE}" x2="{_SIDE}"/>{drawn}</svg>'
    )


def _up(fraction: float) -> str:
    return f"{_SIDE * (1 - fraction):.1f}"


def timeline(points: Sequence[DayPoint], training: float, label: str) -> str:
    """Return a statistic over days, with its interval, and the coverage of each day below.

    Args:
        points: The days in order.
        training: Value at training, which becomes a dashed line; NaN for none.
        label: Text alternative for screen readers.

    Returns:
        The SVG; empty if fewer than two days have a value.
    """
    known = [each for each in points if not math.isnan(each.value)]
    if len(known) < 2:
        return ""
    ends = [end for each in known for end in (each.low, each.high, each.value) if end == end]
    ends += [training] if not math.isnan(training) else []
    low, high = min(ends), max(ends)
    room = (high - low) * _MARGIN or 1.0
    low, high = low - room, high + room

    def height(value: float) -> str:
        return f"{_HEIGHT * (high - value) / (high - low):.1f}"

    step = _WIDTH / len(points)
    drawn = ""
    for place, each in enumerate(points):
        x = f"{(place + 0.5) * step:.1f}"
        tall = _COVERAGE * each.coverage
        drawn += (
            f'<rect class="coverage" x="{place * step + step * 0.15:.1f}" width="{step * 0.7:.1f}" '
            f'y="{_HEIGHT + _GAP + _COVERAGE - tall:.1f}" height="{tall:.1f}"/>'
        )
        if math.isnan(each.value):
            continue
        tooltip = (
            f"{each.day}: {each.value:.4g} ({each.low:.4g} to {each.high:.4g}), "
            f"{percent(each.coverage)} of predictions have a label"
        )
        drawn += (
            f"<g><title>{escape(tooltip)}</title>"
            f'<line class="interval" x1="{x}" x2="{x}" y1="{height(each.low)}" '
            f'y2="{height(each.high)}"/>'
            f'<circle class="value" cx="{x}" cy="{height(each.value)}" r="3"/></g>'
        )
    ideal = ""
    if not math.isnan(training):
        level = height(training)
        ideal = f'<line class="ideal" y1="{level}" x2="{_WIDTH}" y2="{level}"/>'
    texts = (
        f'<text x="2" y="10">{high:.3g}</text><text x="2" y="{_HEIGHT - 2}">{low:.3g}</text>'
        f'<text x="2" y="{_HEIGHT + _GAP - 4}">coverage</text>'
    )
    return (
        f'<svg class="timeline" viewBox="0 0 {_WIDTH} {_HEIGHT + _GAP + _COVERAGE}" role="img" '
        f"aria-label={quoteattr(label)}>{ideal}{drawn}{texts}</svg>"
    )
