"""Charts of a card as SVG: two distributions, their distance, and the trend of the distance."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from xml.sax.saxutils import escape

from boxkite.baseline import NumericVariable
from boxkite.drawing.axis import Label, category_labels, number_labels
from boxkite.drawing.shapes import drawn_kind
from boxkite.drawing.svg import picture
from boxkite.report.variable_card import Card

__all__ = ["distribution", "labels", "labels_of", "meter", "meter_top", "multiple", "sparkline"]

_WIDTH = 320
_SPARK_HEIGHT = 40
_LEAST_TOP = 2.0  # Keeps a critical value of 1 from being drawn above the middle.
_GAP_ABOVE, _CHARACTER = 10, 7.0  # of upright labels, in pixels
_HOUR = timedelta(hours=1)


def distribution(card: Card) -> str:
    """Return both distributions of a variable on one scale, live in front of training."""
    label = f"{card.drift.name}: training and live distribution"
    return picture(card.bars, drawn_kind(card.variable), label)


def labels_of(card: Card) -> list[Label]:
    """Return the labels below the picture of a variable."""
    variable = card.variable
    if isinstance(variable, NumericVariable) and drawn_kind(variable) == "numeric":
        return number_labels(variable)
    return category_labels(card.bars)


def labels(card: Card) -> str:
    """Return the labels below a picture as SVG; empty if there are none.

    They are a separate SVG because the picture is stretched to the width of the card, and text must
    not be.
    """
    found = labels_of(card)
    if not found:
        return ""
    upright = ""
    if found[0].upright:
        high = _GAP_ABOVE + _CHARACTER * max(len(each.text) for each in found)
        upright = f' upright" height="{high:.0f}'
    return (
        f'<svg class="labels {drawn_kind(card.variable)}{upright}" aria-hidden="true">'
        f"{''.join(map(_label, found))}</svg>"
    )


def _label(label: Label) -> str:
    place = f"{100 * label.place:.2f}%"
    return (
        f'<line x1="{place}" x2="{place}" y2="4"/>'
        f'<text x="{place}" y="{6 if label.upright else 15}" text-anchor="{label.anchor}">'
        f"{escape(label.text)}</text>"
    )


def meter(ratio: float, top: float) -> str:
    """Return a statistic as a bar, with a mark at its threshold.

    Args:
        ratio: Statistic as a multiple of its threshold.
        top: Multiple at the right end of the picture.
    """
    mark, long = _WIDTH / top, _WIDTH * ratio / top
    name = "bar above" if ratio > 1 else "bar"
    return (
        f'<svg class="meter" viewBox="0 0 {_WIDTH} 8" preserveAspectRatio="none" '
        f'aria-hidden="true"><rect class="track" y="1" width="{_WIDTH}" height="6"/>'
        f'<rect class="{name}" y="1" width="{long:.1f}" height="6"/>'
        f'<line x1="{mark:.1f}" x2="{mark:.1f}" y2="8"/></svg>'
    )


def meter_top(card: Card) -> float:
    """Return the right end of a card's meters, which all have their mark at the same place."""
    ratios = [each.value / each.threshold for each in card.tests.values()]
    return max(_LEAST_TOP, *(each for each in ratios if not math.isnan(each)))


def sparkline(
    multiples: Sequence[float],
    hours: Sequence[datetime],
    until: datetime,
    since: datetime | None = None,
) -> str:
    """Return multiples of the threshold over the hours as steps, with a line at 1.

    The axis has numbers at its top and at the line. The numbers keep their shape in a picture that
    is stretched to the width of its card, because only the inner SVG is stretched.

    Args:
        multiples: One multiple per hour; NaN for hours with too few rows, which become gaps.
        hours: Start of each hour.
        until: Right end of the picture.
        since: Start of the judged window, which is shaded up to the right end; None for no shade.

    Returns:
        The SVG; empty if fewer than two hours have a multiple.
    """
    known = [value for value in multiples if not math.isnan(value)]
    if len(known) < 2:
        return ""
    top = max(_LEAST_TOP, *known)
    span = max((until - hours[0]).total_seconds(), 1.0)

    def across(moment: datetime) -> str:
        moment = max(min(moment, until), hours[0])
        return f"{_WIDTH * (moment - hours[0]).total_seconds() / span:.1f}"

    steps = ""
    for values in _runs(multiples, hours):
        steps += "M" + "L".join(
            f"{across(begin)},{_level(value / top)}H{across(begin + _HOUR)}"
            for begin, value in values
        )
    level = _level(1 / top)
    shade = ""
    if since is not None:
        left = across(since)
        shade = f'<path class="judged" d="M{left},0H{_WIDTH}V{_SPARK_HEIGHT}H{left}"/>'
    text = (
        "Distance from training as a multiple of its threshold, hour by hour: "
        f"at most {multiple(max(known))}, last {multiple(known[-1])}"
    )
    return (
        f'<svg class="trend" role="img" aria-label="{text}"><title>{text}</title>'
        f'<text x="-4" y="8">{multiple(top)}</text>'
        f'<text x="-4" y="{100 * float(level) / _SPARK_HEIGHT:.0f}%" dy="4">1</text>'
        f'<svg viewBox="0 0 {_WIDTH} {_SPARK_HEIGHT}" preserveAspectRatio="none">{shade}'
        f'<line class="critical" x2="{_WIDTH}" y1="{level}" y2="{level}"/>'
        f'<path class="steps" d="{steps}"/></svg></svg>'
    )


def _runs(
    multiples: Sequence[float], hours: Sequence[datetime]
) -> Iterator[list[tuple[datetime, float]]]:
    """Yield runs of consecutive hours that have a multiple, each hour with its multiple."""
    run: list[tuple[datetime, float]] = []
    for begin, value in zip(hours, multiples, strict=True):
        if run and (math.isnan(value) or begin - run[-1][0] > _HOUR):
            yield run
            run = []
        if not math.isnan(value):
            run.append((begin, value))
    if run:
        yield run


def _level(fraction: float) -> str:
    return f"{1 + (1 - fraction) * (_SPARK_HEIGHT - 2):.1f}"


def multiple(ratio: float) -> str:
    """Return a ratio as text with at least two digits."""
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.2g}" if ratio < 10 else f"{ratio:.3g}"
