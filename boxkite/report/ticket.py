"""Draws one variable as a self-contained SVG file, for a ticket or a message."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from xml.sax.saxutils import escape

from boxkite.drawing.axis import Label
from boxkite.drawing.printable import one_line
from boxkite.report.charts import distribution, labels_of
from boxkite.report.drift_report import Report
from boxkite.report.variable_card import Card

__all__ = ["ticket_svg"]

_STYLE = (
    "text{font:14px system-ui,sans-serif;fill:#1b1f24}"
    ".faint{font-size:12px;fill:#57606a}"
    ".labels{font-size:11px;fill:#57606a}"
    ".verdict{font-weight:bold}"
    "line{stroke:#57606a}"
    ".trained{fill:#b5bdc6}"
    ".live{fill:#0757ba}"
    ".numeric .live{fill-opacity:.22}"
    ".numeric rect{shape-rendering:crispEdges}"
    ".insufficient .live,.insufficient .outline{opacity:.35}"
    ".outline{fill:none;stroke:#0757ba;stroke-width:1.5;vector-effect:non-scaling-stroke}"
    ".cut{fill:none;stroke:#1b1f24;stroke-width:1.5;vector-effect:non-scaling-stroke}"
)
_WIDTH, _LEFT, _TOP = 480, 16, 48
_DRAWN_WIDTH, _DRAWN_HEIGHT = 448, 112
_BELOW = _TOP + _DRAWN_HEIGHT
_ROOM, _ROOM_UPRIGHT = 20, 76
_LINE, _CHARACTERS = 20, 62
_COLORS = {
    "critical": "#b3141d",
    "warning": "#8a4600",
    "ok": "#116329",
    "insufficient": "#57606a",
}


def ticket_svg(card: Card, report: Report) -> str:
    """Return a picture of one variable with its numbers, on a white ground.

    Args:
        card: Card of the variable.
        report: Report that the card belongs to.
    """
    drift, comparison = card.drift, report.comparison
    found = labels_of(card)
    line = _BELOW + (_ROOM_UPRIGHT if found and found[0].upright else _ROOM) + 24
    texts = [*_findings(card)]
    if math.isnan(card.progress):  # otherwise the finding tells the rows
        texts += [*filter(None, [_statistics(card)]), f"{drift.rows:,} rows"]
    end = line + _LINE * len(texts)
    height = end + 18
    drawing = distribution(card).replace(
        "<svg ",
        f'<svg x="{_LEFT}" y="{_TOP}" width="{_DRAWN_WIDTH}" height="{_DRAWN_HEIGHT}" ',
        1,
    )
    model = f"{comparison.model} {comparison.version}, {report.subject}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'width="{_WIDTH}" height="{height}">'
        f"<style>{_STYLE}</style>"
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>'
        f'<text class="verdict" x="{_LEFT}" y="30">{_text(drift.name, 36)}</text>'
        f'<text class="verdict" x="{_WIDTH - _LEFT}" y="30" text-anchor="end" '
        f'style="fill:{_COLORS[card.tone]}">{card.verdict}</text>'
        f'<g class="{card.tone}">{drawing}</g>'
        f'<line x1="{_LEFT}" x2="{_WIDTH - _LEFT}" y1="{_BELOW}" y2="{_BELOW}"/>'
        f"{''.join(map(_label, found))}"
        f"{''.join(_line(text, line + _LINE * i) for i, text in enumerate(texts))}"
        f'<text class="faint" x="{_LEFT}" y="{end + 2}">'
        f"{_text(f'grey: training, blue: {model}', 72)}</text>"
        "</svg>\n"
    )


def _statistics(card: Card) -> str:
    """Return the statistics with their thresholds; empty if none says anything."""
    texts: list[str] = []
    for name, (value, threshold) in card.tests.items():
        side = "" if math.isnan(threshold) else f", threshold {_number(threshold)}"
        texts.append(f"{name} {_number(value)}{side}")
    return "; ".join(texts)


def _findings(card: Card) -> Iterator[str]:
    """Yield everything worth telling, in lines that fit the picture."""
    for finding in card.sentences:
        yield from textwrap.wrap(one_line(finding), _CHARACTERS)


def _line(text: str, y: int) -> str:
    return f'<text x="{_LEFT}" y="{y}">{escape(text)}</text>'


def _label(label: Label) -> str:
    """Return a label below the picture, with a tick at its place."""
    x = f"{_LEFT + _DRAWN_WIDTH * label.place:.1f}"
    turned = f' transform="rotate(90 {x} {_BELOW + 8})" dy="4"' if label.upright else ""
    return (
        f'<line x1="{x}" x2="{x}" y1="{_BELOW}" y2="{_BELOW + 4}"/>'
        f'<text class="labels" x="{x}" y="{_BELOW + (8 if label.upright else 16)}"{turned} '
        f'text-anchor="{label.anchor}">{escape(label.text)}</text>'
    )


def _text(text: str, most: int) -> str:
    """Return text shortened to `most` characters and escaped for XML."""
    printed = one_line(text)
    return escape(printed if len(printed) <= most else f"{printed[: most - 1]}…")


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4g}"
